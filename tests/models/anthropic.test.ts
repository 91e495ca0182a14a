import { afterEach, describe, expect, test } from "bun:test";
import { anthropicModel } from "../../src/models/anthropic.ts";
import type { ModelMessage } from "../../src/models/contract.ts";
import type { Endpoint } from "../../src/models/endpoint.ts";
import { anthropicEvents } from "../fakes/anthropic.ts";
import { type ScriptedAnswer, type ScriptedServer, startScripted } from "../fakes/scripted-sse.ts";
import { endpoint, failure, hear, stepWithImages, tool, user } from "../support/models.ts";

let server: ScriptedServer | undefined;
afterEach(() => server?.stop());

function claude(answers: ScriptedAnswer[], parts: Partial<Endpoint> = {}) {
  server = startScripted(answers);
  const model = anthropicModel(
    endpoint({ provider: "anthropic", model: "claude-sonnet-4-5", baseUrl: `${server.url}/v1`, ...parts }),
  );
  return { model, requests: server.requests };
}
const system: ModelMessage = { role: "system", text: "Be brief." };

describe("Anthropic", () => {
  test("text, usage, headers and the cached system prompt", async () => {
    const { model, requests } = claude([anthropicEvents([{ type: "text", text: "Hello 你好" }])], {
      headers: { "x-extra": "1" },
      maxOutputTokens: 99,
    });
    const heard = await hear(model, { messages: [system, user("hi")] });
    expect(heard).toMatchObject({
      text: "Hello 你好",
      calls: [],
      end: { finish: "stop", model: "anthropic/claude-sonnet-4-5" },
    });
    expect(heard.end.usage).toMatchObject({ inputTokens: 100, cachedTokens: 80, outputTokens: 42 });
    expect(heard.end.providerData).toBeUndefined();
    const [request] = requests;
    expect(request?.path).toBe("/v1/messages");
    expect(request?.headers.get("x-api-key")).toBe("sk-canary-1234567890");
    expect(request?.headers.get("x-extra")).toBe("1");
    expect(request?.body).toMatchObject({
      model: "claude-sonnet-4-5",
      stream: true,
      max_tokens: 99,
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    });
  });

  test("an image", async () => {
    const { model, requests } = claude([anthropicEvents([{ type: "text", text: "a cat" }])]);
    await hear(model, {
      messages: [{ role: "user", parts: [{ type: "image", mediaType: "image/png", data: "iVBORw0K" }] }],
    });
    expect(requests[0]?.body["messages"]).toEqual([
      {
        role: "user",
        content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0K" } }],
      },
    ]);
  });

  test("thinking and its signature go back with the tool results", async () => {
    const { model, requests } = claude([
      anthropicEvents(
        [
          { type: "thinking", thinking: "I need both.", signature: "sig-1" },
          { type: "text", text: "One moment." },
          { type: "tool_use", id: "toolu_1", name: "memory_read", input: { key: "a" } },
          { type: "tool_use", id: "toolu_2", name: "memory_read", input: { key: "b" } },
        ],
        "tool_use",
      ),
      anthropicEvents([{ type: "text", text: "Done." }]),
    ]);
    const tools = [tool("memory_read", "key")];
    const heard = await hear(model, { messages: [user("hi")], tools });
    expect(heard).toMatchObject({
      text: "One moment.",
      reasoning: "I need both.",
      end: { finish: "tool_calls" },
    });
    expect(heard.calls).toEqual([
      { id: "toolu_1", name: "memory_read", arguments: '{"key":"a"}' },
      { id: "toolu_2", name: "memory_read", arguments: '{"key":"b"}' },
    ]);
    const result = (toolCallId: string, isError: boolean): ModelMessage => ({
      role: "tool",
      toolCallId,
      toolName: "memory_read",
      text: "value",
      isError,
    });
    const stored = JSON.parse(JSON.stringify(heard.end.providerData)); // as it comes back from the disk
    const after = await hear(model, {
      tools,
      messages: [
        user("hi"),
        {
          role: "assistant",
          text: heard.text,
          toolCalls: heard.calls,
          reasoning: heard.reasoning,
          providerData: stored,
        },
        result("toolu_1", false),
        result("toolu_2", true),
      ],
    });
    expect(after.text).toBe("Done.");
    expect(requests[1]?.body["messages"]).toMatchObject([
      { role: "user" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "I need both.", signature: "sig-1" },
          { type: "text", text: "One moment." },
          { type: "tool_use", id: "toolu_1", name: "memory_read", input: { key: "a" } },
          { type: "tool_use", id: "toolu_2", name: "memory_read", input: { key: "b" } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content: "value" },
          { type: "tool_result", tool_use_id: "toolu_2", content: "value", is_error: true },
        ],
      },
    ]);
  });

  test("images of a tool's result stand in its tool_result; an error goes without", async () => {
    const { model, requests } = claude([anthropicEvents([{ type: "text", text: "a cat" }])]);
    await hear(model, { messages: stepWithImages });
    const messages = requests[0]?.body["messages"] as unknown[];
    expect(messages[2]).toEqual({
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "a",
          content: [
            { type: "text", text: "a.png" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0K" } },
          ],
        },
        { type: "tool_result", tool_use_id: "b", content: "no such file", is_error: true },
      ],
    });
  });

  test("what another model thought is not sent", async () => {
    const { model, requests } = claude([anthropicEvents([{ type: "text", text: "ok" }])]);
    const saved = { ref: "gemini/x", parts: [{ type: "reasoning", text: "secret thought" }] };
    await hear(model, {
      messages: [
        user("a"),
        { role: "assistant", text: "b", toolCalls: [], reasoning: "secret thought", providerData: saved },
        user("c"),
      ],
    });
    expect(JSON.stringify(requests[0]?.body)).not.toContain("secret thought");
    expect(JSON.stringify(requests[0]?.body)).toContain('"b"');
  });

  const whole = anthropicEvents([{ type: "text", text: "half an answer" }]);
  const error = (status: number, message: string, headers = {}) =>
    Response.json({ type: "error", error: { type: "some_error", message } }, { status, headers });
  const faults: { name: string; answer: ScriptedAnswer; code: string; says: string }[] = [
    { name: "a wrong key", answer: error(401, "invalid x-api-key"), code: "model_refused", says: "API key" },
    {
      name: "a bad request",
      answer: error(400, "max_tokens: too many"),
      code: "model_refused",
      says: "max_tokens: too many",
    },
    { name: "overloaded", answer: error(529, "Overloaded"), code: "model_rate_limited", says: "Overloaded" },
    {
      name: "a rate limit",
      answer: error(429, "slow down", { "retry-after": "3" }),
      code: "model_rate_limited",
      says: "slow down",
    },
    { name: "a server error", answer: error(500, "oops"), code: "model_bad_answer", says: "oops" },
    {
      name: "an error in the stream",
      answer: [
        ...whole.slice(0, 4),
        { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
      ],
      code: "model_rate_limited",
      says: "Overloaded",
    },
    { name: "no message_stop", answer: whole.slice(0, -1), code: "model_bad_answer", says: "breaks off" },
    { name: "no message_delta", answer: whole.slice(0, 5), code: "model_bad_answer", says: "breaks off" },
    { name: "nothing at all", answer: [], code: "model_bad_answer", says: "" },
    {
      name: "a web page",
      answer: new Response("<p>hi", { headers: { "content-type": "text/html" } }),
      code: "model_bad_answer",
      says: "web page",
    },
    {
      name: "broken JSON",
      answer: new Response("event: message_start\ndata: {bro\n\n", {
        headers: { "content-type": "text/event-stream" },
      }),
      code: "model_bad_answer",
      says: "malformed",
    },
  ];
  for (const { name, answer, code, says } of faults)
    test(`${name} is ${code}`, async () => {
      const thrown = await failure(hear(claude([answer]).model, { messages: [user("hi")] }));
      expect(thrown.code as string).toBe(code);
      expect(thrown.message).toContain(says);
      expect(`${thrown.message}${thrown.hint}`).not.toContain("canary");
      if (name === "a rate limit") expect(thrown.retryAfterMs).toBe(3000);
    });

  test("nobody listens", async () => {
    const model = anthropicModel(endpoint({ baseUrl: "http://127.0.0.1:1/v1" }));
    expect((await failure(hear(model, {}))).code).toBe("model_unreachable");
  });

  test("a stall ends in model_timeout, an abort in its reason", async () => {
    const open = Bun.serve({
      port: 0,
      fetch: () =>
        new Response(new ReadableStream({ start: (controller) => controller.enqueue(": open\n\n") }), {
          headers: { "content-type": "text/event-stream" },
        }),
    });
    const baseUrl = `http://127.0.0.1:${open.port}/v1`;
    const late = await failure(hear(anthropicModel(endpoint({ baseUrl, firstTokenTimeoutMs: 50 })), {}));
    expect(late.code).toBe("model_timeout");
    const controller = new AbortController();
    const call = hear(anthropicModel(endpoint({ baseUrl })), {}, controller.signal);
    const reason = new Error("enough");
    setImmediate(() => controller.abort(reason));
    expect((await failure(call)) as Error).toBe(reason);
    await open.stop(true);
  });
});
