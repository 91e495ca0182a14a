import { afterAll, describe, expect, test } from "bun:test";
import type { ModelEvent, ModelMessage } from "../../src/models/contract.ts";
import type { Endpoint } from "../../src/models/endpoint.ts";
import { startFakeLlm } from "../../src/models/fake-llm/server.ts";
import { openAiModel } from "../../src/models/openai.ts";
import { endpoint, eventsOf, failure, type Heard, hear, never, tool, user } from "../support/models.ts";

const fake = startFakeLlm({ port: 0 });
afterAll(() => fake.stop());

const TOOLS = [tool("memory_read", "key"), tool("memory_search")];
const call = (model: string, request: Parameters<typeof hear>[1] = {}, parts: Partial<Endpoint> = {}) =>
  hear(openAiModel(endpoint({ baseUrl: fake.url, model, ...parts })), request);

/** The history after the calls of an answer were carried out. */
function answered(question: string, heard: Heard): ModelMessage[] {
  return [
    user(question),
    { role: "assistant", text: heard.text, toolCalls: heard.calls, reasoning: heard.reasoning },
    ...heard.calls.map(
      ({ id, name }): ModelMessage => ({
        role: "tool",
        toolCallId: id,
        toolName: name,
        text: `${name} is done`,
        isError: false,
      }),
    ),
  ];
}

describe("answers", () => {
  test("text, usage and the end", async () => {
    const heard = await call("echo", { messages: [user("What is 你好 in English?")] });
    expect(heard.text).toBe("What is 你好 in English?");
    expect(heard.end.finish).toBe("stop");
    expect(heard.end.model).toBe("fake/echo");
    expect(heard.end.usage.inputTokens).toBeGreaterThan(10);
    expect(heard.end.usage.outputTokens).toBeGreaterThan(3);
    expect(heard.end.usage).toMatchObject({ cachedTokens: 0, reasoningTokens: 0 });
  });

  test("an image arrives as a data URL", async () => {
    const parts = [
      { type: "text" as const, text: "Look" },
      { type: "image" as const, mediaType: "image/png", data: "iVBORw0=" },
    ];
    const heard = await call("echo", { messages: [{ role: "user", parts }] });
    expect(heard.text).toBe("Look\n[image image/png, 8 characters of base64]");
  });

  test("a recording arrives as input_audio", async () => {
    const parts = [
      { type: "text" as const, text: "Listen" },
      { type: "audio" as const, mediaType: "audio/mpeg", data: "SUQz" },
    ];
    const heard = await call("echo", { messages: [{ role: "user", parts }] });
    expect(heard.text).toBe("Listen\n[recording mp3, 4 characters of base64]");
  });

  test("every chunk is an event of its own", async () => {
    const model = openAiModel(endpoint({ baseUrl: fake.url, model: "text-50-every-1" }));
    let chunks = 0;
    for await (const event of eventsOf(model)) if (event.type === "text") chunks += 1;
    expect(chunks).toBe(50);
  });

  test("a reader that waits gets together what came meanwhile", async () => {
    const model = openAiModel(endpoint({ baseUrl: fake.url, model: "text-50-every-1" }));
    const batches: ModelEvent[][] = [];
    for await (const events of model.stream({ messages: [user("wait for it")], tools: [] }, never())) {
      if (batches.length === 0) await (await received("wait for it")).ended;
      batches.push(events);
    }
    expect(batches.flat().filter((event) => event.type === "text")).toHaveLength(50);
    expect(batches.length).toBeLessThan(10);
  });

  test("characters split over writes survive", async () => {
    expect((await call("badutf8")).text).toBe("一切都好 ✓ 🙂 héllo");
    expect((await call("slice")).text).toBe("你好 one byte at a time");
  });

  test("an answer that the token limit cut off says so", async () => {
    expect((await call("length")).end.finish).toBe("length");
  });
});

describe("tools", () => {
  test("a call, its result, the answer", async () => {
    const heard = await call("tool", { tools: TOOLS });
    expect(heard.end.finish).toBe("tool_calls");
    expect(heard.calls).toEqual([
      { id: expect.any(String), name: "memory_read", arguments: '{"key":"example"}' },
    ]);
    const after = await call("tool", { tools: TOOLS, messages: answered("hi", heard) });
    expect(after.text).toBe("The tools answered: memory_read is done");
  });

  test("parallel calls whose arguments come interleaved", async () => {
    const { calls } = await call("tools-4", { tools: TOOLS, messages: [user("find it")] });
    expect(calls.map(({ name, arguments: args }) => [name, JSON.parse(args)])).toEqual([
      ["memory_read", { key: "example" }],
      ["memory_search", { query: "find it" }],
      ["memory_read", { key: "example" }],
      ["memory_search", { query: "find it" }],
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(4);
  });

  for (const model of ["dup-ids", "missing-ids"])
    test(`${model} are repaired, and the repaired ids hold in the next request`, async () => {
      const heard = await call(model, { tools: TOOLS });
      expect(new Set(heard.calls.map(({ id }) => id)).size).toBe(2);
      const after = await call(model, { tools: TOOLS, messages: answered("hi", heard) });
      expect(after.text).toBe("The tools answered: memory_read is done | memory_search is done");
    });

  test("a thinking model gets its reasoning back inside the tool loop", async () => {
    const heard = await call("think", { tools: TOOLS });
    expect(heard.reasoning).toBe("Let me think. The user wants an answer. I shall give one.");
    const after = await call("think", { tools: TOOLS, messages: answered("hi", heard) });
    expect(after.text).toBe("The tools answered: memory_read is done");
    expect(after.end.usage.reasoningTokens).toBeGreaterThan(0);
    const [, ...forgotten] = answered("hi", { ...heard, reasoning: "" });
    const error = await failure(call("think", { tools: TOOLS, messages: [user("hi"), ...forgotten] }));
    expect(error.code).toBe("model_refused");
    expect(error.message).toContain("reasoning_content");
  });
});

describe("faults", () => {
  const faults: { model: string; code: string; says: RegExp; parts?: Partial<Endpoint> }[] = [
    { model: "429", code: "model_rate_limited", says: /429: Rate limit reached/ },
    { model: "529", code: "model_rate_limited", says: /529/ },
    { model: "500", code: "model_bad_answer", says: /500: The fake failed/ },
    { model: "503", code: "model_bad_answer", says: /503/ },
    { model: "401", code: "model_refused", says: /does not accept the API key/ },
    { model: "400", code: "model_refused", says: /400: The fake refuses/ },
    { model: "no-such-model", code: "model_refused", says: /404: The model `no-such-model` does not exist/ },
    { model: "reset-0", code: "model_unreachable", says: /cannot be reached/ },
    { model: "reset-900", code: "model_unreachable", says: /broke off/ },
    { model: "truncated-0", code: "model_bad_answer", says: /breaks off before its end/ },
    { model: "truncated-5", code: "model_bad_answer", says: /breaks off before its end/ },
    { model: "badjson", code: "model_bad_answer", says: /malformed JSON/ },
    { model: "html", code: "model_bad_answer", says: /web page/ },
    { model: "endless", code: "model_endless", says: /does not end/ },
    { model: "gzip-bomb", code: "model_endless", says: /does not end/ },
    {
      model: "stall",
      code: "model_timeout",
      says: /no token within 50 ms/,
      parts: { firstTokenTimeoutMs: 50 },
    },
    {
      model: "stall-0",
      code: "model_timeout",
      says: /no token within 50 ms/,
      parts: { firstTokenTimeoutMs: 50 },
    },
    {
      model: "stall-3",
      code: "model_timeout",
      says: /stopped inside its answer for 50 ms/,
      parts: { stallTimeoutMs: 50 },
    },
  ];
  for (const { model, code, says, parts } of faults)
    test(`${model} is ${code}`, async () => {
      const error = await failure(call(model, {}, parts));
      expect(error.code as string).toBe(code);
      expect(error.message).toMatch(says);
      expect(`${error.message} ${error.hint}`).not.toContain("canary");
    });

  test("a slow answer is no stalled one", async () => {
    const heard = await call("slow-30", {}, { firstTokenTimeoutMs: 2000, stallTimeoutMs: 400 });
    expect(heard.text).toEndWith("word20 ");
  });

  test("a slow reader is no stalled answer", async () => {
    const model = openAiModel(endpoint({ baseUrl: fake.url, model: "text-30-every-1", stallTimeoutMs: 60 }));
    let text = "";
    for await (const event of eventsOf(model)) {
      if (event.type !== "text") continue;
      if (text === "") await Bun.sleep(150);
      text += event.text;
    }
    expect(text).toEndWith("word30 ");
  });

  test("a retry-after is passed on", async () => {
    expect((await failure(call("429"))).retryAfterMs).toBe(20);
  });

  test("a wrong key names the place to set it", async () => {
    expect((await failure(call("401"))).hint).toContain("FAKE_LLM_API_KEY or providers.fake.api_key");
  });

  test("nobody listens", async () => {
    const error = await failure(call("hello", {}, { baseUrl: "http://user:canary@127.0.0.1:1/v1" }));
    expect(error.code).toBe("model_unreachable");
    expect(error.message).toBe("fake cannot be reached at http://127.0.0.1:1.");
  });
});

describe("abort", () => {
  for (const model of ["stall", "stall-2", "slow-1000"])
    test(`${model}: the connection is closed and the reason thrown`, async () => {
      const controller = new AbortController();
      const reason = new Error("cancelled by the user");
      const request = { messages: [user(`abort ${model}`)] };
      const events = eventsOf(
        openAiModel(endpoint({ baseUrl: fake.url, model })),
        request,
        controller.signal,
      );
      const reading = (async () => {
        for await (const event of events) if (event.type === "text") controller.abort(reason);
      })();
      const seen = await received(`abort ${model}`);
      if (model === "stall") controller.abort(reason);
      expect((await failure(reading)) as Error).toBe(reason);
      expect(await seen.ended).toBe("cancelled");
    });

  test("a signal that is aborted already sends nothing", async () => {
    const before = fake.requests.length;
    const model = openAiModel(endpoint({ baseUrl: fake.url }));
    expect((await failure(hear(model, {}, AbortSignal.abort(new Error("gone"))))) as Error).toEqual(
      new Error("gone"),
    );
    expect(fake.requests.length).toBe(before);
  });

  test("a consumer that stops listening closes the connection", async () => {
    const model = openAiModel(endpoint({ baseUrl: fake.url, model: "slow-1000" }));
    for await (const event of eventsOf(model, { messages: [user("leave")] }))
      if (event.type === "text") break;
    expect(await (await received("leave")).ended).toBe("cancelled");
  });
});

/** The request with this user text, once the fake has it. */
async function received(text: string) {
  for (;;) {
    const seen = fake.requests.find((request) => JSON.stringify(request.body).includes(text));
    if (seen) return seen;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
