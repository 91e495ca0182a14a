import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ModelMessage } from "../../src/models/contract.ts";
import type { Endpoint } from "../../src/models/endpoint.ts";
import { openAiModel } from "../../src/models/openai.ts";
import { endpoint, failure, hear, stepWithImages } from "../support/models.ts";

type Answerer = (request: Request) => Response | Promise<Response>;
const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

/** A provider that sends exactly this. */
function provider(answer: Answerer, overrides: Partial<Endpoint> = {}) {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  servers.push(server);
  return openAiModel(endpoint({ baseUrl: `http://127.0.0.1:${server.port}/v1`, ...overrides }));
}
const sse = (...events: unknown[]) =>
  new Response(
    events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join(""),
    {
      headers: { "content-type": "text/event-stream" },
    },
  );
const delta = (content: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta: content, finish_reason: finish }],
});
const toolDelta = (calls: unknown) => delta({ tool_calls: calls });

describe("ends", () => {
  test("finish_reason and then the end of the stream, without [DONE]", async () => {
    const heard = await hear(
      provider(() => sse(delta({ content: "hi" }), delta({}, "stop"))),
      {},
    );
    expect(heard.text).toBe("hi");
    expect(heard.end.usage.inputTokens).toBeGreaterThan(0); // estimated
  });

  test("[DONE] without finish_reason is no end", async () => {
    const error = await failure(
      hear(
        provider(() => sse(delta({ content: "hi" }), "[DONE]")),
        {},
      ),
    );
    expect(error.code).toBe("model_bad_answer");
  });

  test("a whole completion instead of a stream", async () => {
    const body = {
      object: "chat.completion",
      choices: [
        {
          message: {
            role: "assistant",
            content: "hi",
            reasoning_content: "hm",
            tool_calls: [
              { id: "a", type: "function", function: { name: "x", arguments: "{}" } },
              { id: "b", type: "function", function: { name: "y", arguments: { z: 1 } } },
            ],
          },
          finish_reason: "tool_calls",
        },
      ],
      usage: { prompt_tokens: 7, completion_tokens: 3 },
    };
    const heard = await hear(
      provider(() => Response.json(body)),
      {},
    );
    expect(heard).toMatchObject({
      text: "hi",
      reasoning: "hm",
      end: { finish: "tool_calls", usage: { inputTokens: 7, outputTokens: 3 } },
    });
    expect(heard.calls).toEqual([
      { id: "a", name: "x", arguments: "{}" },
      { id: "b", name: "y", arguments: '{"z":1}' },
    ]);
  });

  const reasons: [string, string][] = [
    ["stop", "stop"],
    ["eos", "stop"],
    ["max_tokens", "length"],
    ["function_call", "tool_calls"],
    ["content_filter", "content_filter"],
    ["sensitive", "content_filter"],
  ];
  for (const [wire, ours] of reasons)
    test(`finish_reason ${wire} is ${ours}`, async () => {
      const heard = await hear(
        provider(() => sse(delta({ content: "x" }, wire))),
        {},
      );
      expect(heard.end.finish as string).toBe(ours);
    });
});

describe("errors inside a 200", () => {
  const bodies: { name: string; answer: () => Response; code: string; says: string }[] = [
    {
      name: "an error object in the stream",
      answer: () => sse(delta({ content: "x" }), { error: { message: "out of memory", code: 502 } }),
      code: "model_bad_answer",
      says: "out of memory",
    },
    {
      name: "a rate limit in the stream",
      answer: () => sse({ error: { message: "slow down", code: 429 } }),
      code: "model_rate_limited",
      says: "slow down",
    },
    {
      name: "an error event",
      answer: () =>
        new Response('event: error\ndata: {"message":"broken"}\n\n', {
          headers: { "content-type": "text/event-stream" },
        }),
      code: "model_bad_answer",
      says: "broken",
    },
    {
      name: "an error as text",
      answer: () => Response.json({ error: "model not loaded" }),
      code: "model_bad_answer",
      says: "model not loaded",
    },
    {
      name: "MiniMax's base_resp",
      answer: () => Response.json({ base_resp: { status_code: 1004, status_msg: "login fail" } }),
      code: "model_bad_answer",
      says: "login fail",
    },
    {
      name: "finish_reason error",
      answer: () => sse(delta({ content: "x" }, "error")),
      code: "model_bad_answer",
      says: "broke off itself",
    },
    {
      name: "an empty body",
      answer: () => new Response("", { headers: { "content-type": "text/event-stream" } }),
      code: "model_bad_answer",
      says: "breaks off",
    },
    {
      name: "JSON that is no completion",
      answer: () => Response.json(null),
      code: "model_bad_answer",
      says: "no completion",
    },
    {
      name: "a redirect",
      answer: () =>
        new Response(null, { status: 302, headers: { location: "https://elsewhere.example/v1" } }),
      code: "model_refused",
      says: "redirects",
    },
    {
      name: "an unknown compression",
      answer: () => new Response("x", { headers: { "content-encoding": "zzz" } }),
      code: "model_bad_answer",
      says: "compression",
    },
  ];
  for (const { name, answer, code, says } of bodies)
    test(name, async () => {
      const error = await failure(hear(provider(answer), {}));
      expect(error.code as string).toBe(code);
      expect(error.message).toContain(says);
    });
});

describe("tool call deltas of odd providers", () => {
  const fn = (name: string, args: unknown = "") => ({ name, arguments: args });
  const cases: { name: string; deltas: unknown[]; calls: [string, string, string][] }[] = [
    {
      name: "no index, one call per delta",
      deltas: [[{ id: "a", function: fn("x", "{}") }], [{ id: "b", function: fn("y", "{}") }]],
      calls: [
        ["a", "x", "{}"],
        ["b", "y", "{}"],
      ],
    },
    {
      name: "no index, arguments in pieces",
      deltas: [[{ id: "a", function: fn("x", '{"q"') }], [{ function: { arguments: ":1}" } }]],
      calls: [["a", "x", '{"q":1}']],
    },
    {
      name: "index 0 for every call",
      deltas: [
        [{ index: 0, id: "a", function: fn("x", "{}") }],
        [{ index: 0, id: "b", function: fn("y", "{}") }],
      ],
      calls: [
        ["a", "x", "{}"],
        ["b", "y", "{}"],
      ],
    },
    {
      name: "id and name repeated on every delta",
      deltas: [
        [{ index: 0, id: "a", function: fn("x", '{"q"') }],
        [{ index: 0, id: "a", function: fn("x", ":1}") }],
      ],
      calls: [["a", "x", '{"q":1}']],
    },
    {
      name: "no arguments at all",
      deltas: [[{ index: 0, id: "a", function: { name: "x" } }]],
      calls: [["a", "x", "{}"]],
    },
    {
      name: "holes in the index",
      deltas: [[{ index: 7, id: "a", function: fn("x", "{}") }]],
      calls: [["a", "x", "{}"]],
    },
    {
      name: "null entries",
      deltas: [null, "x", 5, [{ index: 0, id: "a", function: fn("x", "{}") }]],
      calls: [["a", "x", "{}"]],
    },
  ];
  for (const { name, deltas, calls } of cases)
    test(name, async () => {
      const heard = await hear(
        provider(() => sse(...deltas.map(toolDelta), delta({}, "stop"))),
        {},
      );
      expect(
        heard.calls.map((call): [string, string, string] => [call.id, call.name, call.arguments]),
      ).toEqual(calls);
      expect(heard.end.finish).toBe("tool_calls");
    });

  test("a call without a name is refused", async () => {
    const model = provider(() =>
      sse(toolDelta([{ index: 0, id: "a", function: { arguments: "{}" } }]), delta({}, "tool_calls")),
    );
    expect((await failure(hear(model, {}))).code).toBe("model_bad_answer");
  });

  test("a call that the token limit cut off is left out", async () => {
    const model = provider(() =>
      sse(toolDelta([{ index: 0, id: "a", function: fn("x", '{"q":"un') }]), delta({}, "length")),
    );
    const heard = await hear(model, {});
    expect(heard.calls).toEqual([]);
    expect(heard.end.finish).toBe("length");
  });

  test("more calls than anyone needs are refused", async () => {
    const calls = Array.from({ length: 200 }, (_, index) => ({
      index,
      id: `c${index}`,
      function: fn("x", "{}"),
    }));
    expect(
      (
        await failure(
          hear(
            provider(() => sse(toolDelta(calls), delta({}, "stop"))),
            {},
          ),
        )
      ).code,
    ).toBe("model_bad_answer");
  });
});

describe("usage", () => {
  const cases: { name: string; usage: object; expected: object }[] = [
    {
      name: "OpenAI",
      usage: {
        prompt_tokens: 10,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
      expected: { inputTokens: 10, outputTokens: 5, cachedTokens: 4, reasoningTokens: 2 },
    },
    {
      name: "DeepSeek",
      usage: { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 6 },
      expected: { inputTokens: 10, outputTokens: 5, cachedTokens: 6 },
    },
    {
      name: "Moonshot",
      usage: { prompt_tokens: 10, completion_tokens: 5, cached_tokens: 3 },
      expected: { inputTokens: 10, outputTokens: 5, cachedTokens: 3 },
    },
    {
      name: "null details",
      usage: { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: null },
      expected: { inputTokens: 10, outputTokens: 5 },
    },
  ];
  for (const { name, usage, expected } of cases)
    test(name, async () => {
      const heard = await hear(
        provider(() => sse(delta({ content: "x" }, "stop"), { choices: [], usage }, "[DONE]")),
        {},
      );
      expect(heard.end.usage as object).toEqual(expected);
    });
});

test("a gzip body is read although none was asked for", async () => {
  const body = Bun.gzipSync(`data: ${JSON.stringify(delta({ content: "hi" }, "stop"))}\n\n`);
  const model = provider(
    () =>
      new Response(body, { headers: { "content-type": "text/event-stream", "content-encoding": "gzip" } }),
  );
  expect((await hear(model, {})).text).toBe("hi");
});

test("an echoed key is redacted from the provider's words", async () => {
  const model = provider((request) =>
    Response.json(
      { error: { message: `bad ${request.headers.get("authorization")} and sk-ab***yz` } },
      { status: 422 },
    ),
  );
  const error = await failure(hear(model, {}));
  expect(error.message).toBe("fake answered 422: bad Bearer [redacted] and [redacted]");
});

test("a long message of the provider is cut", async () => {
  const error = await failure(
    hear(
      provider(() => Response.json({ message: "x".repeat(5000) }, { status: 400 })),
      {},
    ),
  );
  expect(error.message.length).toBeLessThan(330);
});

test("any garbage ends in an answer or a model error, never in anything else", async () => {
  let garbage: unknown[] = [];
  const model = provider(() => sse(...garbage));
  const piece = fc.oneof(
    fc.jsonValue(),
    fc.string(),
    fc.jsonValue().map((value) => ({ choices: [value] })),
    fc.jsonValue().map((value) => delta({ content: value, tool_calls: value })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (events) => {
      garbage = events.map((event) => (typeof event === "string" ? event.replace(/[\r\n]/g, "") : event));
      const outcome = await hear(model, {}).catch((thrown: { code?: string }) => thrown);
      expect("end" in outcome || /^model_/.test(outcome.code ?? "")).toBe(true);
    }),
    { numRuns: 150 },
  );
});

describe("images of tool results", () => {
  const sent = async (messages: ModelMessage[], overrides = {}) => {
    let body: { messages: unknown[] } | undefined;
    const model = provider(async (request) => {
      body = (await request.json()) as typeof body;
      return sse(delta({ content: "ok" }, "stop"), "[DONE]");
    }, overrides);
    await hear(model, { messages });
    return body?.messages ?? [];
  };
  const shown = {
    role: "user",
    content: [
      { type: "text", text: "[From the result of file_read, call a:]" },
      { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0K" } },
    ],
  };

  test("follow the last result of their step, because a tool message holds only text", async () => {
    const messages = await sent([...stepWithImages, { role: "assistant", text: "a cat", toolCalls: [] }]);
    expect(messages).toMatchObject([
      { role: "user" },
      { role: "assistant" },
      { role: "tool", tool_call_id: "a", content: "a.png" },
      { role: "tool", tool_call_id: "b", content: "no such file" },
      shown,
      { role: "assistant" },
    ]);
    expect(messages[4]).toEqual(shown);
  });

  test("of two steps stand behind each, and a step without any adds nothing", async () => {
    const twice = [...stepWithImages, ...stepWithImages.slice(1)];
    expect((await sent(twice)).filter((message) => Bun.deepEquals(message, shown))).toHaveLength(2);
    const none = stepWithImages.map((message) =>
      message.role === "tool" ? { ...message, images: [] } : message,
    );
    expect((await sent(none)).map((message) => (message as { role: string }).role)).toEqual([
      "user",
      "assistant",
      "tool",
      "tool",
    ]);
  });

  test("do not end the tool loop inside which reasoning goes back", async () => {
    const messages = stepWithImages.map((message) =>
      message.role === "assistant" ? { ...message, reasoning: "I should look." } : message,
    );
    const wire = await sent(messages, { provider: "deepseek" });
    expect(wire[1]).toMatchObject({ reasoning_content: "I should look." });
  });
});
