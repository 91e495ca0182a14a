import { afterEach, describe, expect, test } from "bun:test";
import type { ModelMessage } from "../../src/models/contract.ts";
import { googleModel } from "../../src/models/google.ts";
import { geminiEvents } from "../fakes/gemini.ts";
import { type ScriptedAnswer, type ScriptedServer, startScripted } from "../fakes/scripted-sse.ts";
import { endpoint, failure, hear, stepWithImages, tool, user } from "../support/models.ts";

let server: ScriptedServer | undefined;
afterEach(() => server?.stop());

function gemini(answers: ScriptedAnswer[], name = "gemini-3-flash-preview") {
  server = startScripted(answers);
  const model = googleModel(endpoint({ provider: "gemini", model: name, baseUrl: `${server.url}/v1beta` }));
  return { model, requests: server.requests };
}

describe("Gemini", () => {
  test("text, thoughts, usage and the request", async () => {
    const { model, requests } = gemini([
      geminiEvents([{ text: "Hm.", thought: true }, { text: "Hello " }, { text: "你好" }]),
    ]);
    const heard = await hear(model, {
      messages: [{ role: "system", text: "Be brief." }, user("hi")],
      maxOutputTokens: 50,
    });
    expect(heard).toMatchObject({
      text: "Hello 你好",
      reasoning: "Hm.",
      end: { finish: "stop", model: "gemini/gemini-3-flash-preview" },
    });
    expect(heard.end.usage).toMatchObject({ inputTokens: 30, cachedTokens: 10, reasoningTokens: 4 });
    const [request] = requests;
    expect(request?.path).toBe("/v1beta/models/gemini-3-flash-preview:streamGenerateContent?alt=sse");
    expect(request?.headers.get("x-goog-api-key")).toBe("sk-canary-1234567890");
    expect(request?.body).toMatchObject({
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
      systemInstruction: { parts: [{ text: "Be brief." }] },
      generationConfig: { maxOutputTokens: 50 },
    });
  });

  test("an image", async () => {
    const { model, requests } = gemini([geminiEvents([{ text: "a cat" }])]);
    await hear(model, {
      messages: [{ role: "user", parts: [{ type: "image", mediaType: "image/png", data: "iVBORw0K" }] }],
    });
    expect(requests[0]?.body["contents"]).toEqual([
      { role: "user", parts: [{ inlineData: { mimeType: "image/png", data: "iVBORw0K" } }] },
    ]);
  });

  test("a recording", async () => {
    const { model, requests } = gemini([geminiEvents([{ text: "a song" }])]);
    await hear(model, {
      messages: [{ role: "user", parts: [{ type: "audio", mediaType: "audio/mpeg", data: "T2dnUw==" }] }],
    });
    expect(requests[0]?.body["contents"]).toEqual([
      { role: "user", parts: [{ inlineData: { mimeType: "audio/mp3", data: "T2dnUw==" } }] },
    ]);
    expect(["audio/ogg", "audio/amr"].map((mediaType) => model.hears?.(mediaType))).toEqual([true, false]);
  });

  test("images of a tool's result stand in its response", async () => {
    const { model, requests } = gemini([geminiEvents([{ text: "a cat" }])]);
    await hear(model, { messages: stepWithImages });
    const contents = requests[0]?.body["contents"] as unknown[];
    expect(contents.slice(2)).toMatchObject([
      {
        role: "user",
        parts: [
          {
            functionResponse: {
              name: "file_read",
              response: { content: "a.png" },
              parts: [{ inlineData: { mimeType: "image/png", data: "iVBORw0K" } }],
            },
          },
        ],
      },
      { role: "user", parts: [{ functionResponse: { response: { error: "no such file" } } }] },
    ]);
  });

  test("images of a tool's result reach an older model in parts of their own", async () => {
    const { model, requests } = gemini([geminiEvents([{ text: "a cat" }])], "gemini-2.5-flash");
    await hear(model, { messages: stepWithImages });
    const contents = requests[0]?.body["contents"] as { parts: object[] }[];
    expect(contents[2]?.parts.slice(0, 2)).toMatchObject([
      { functionResponse: { name: "file_read", response: { content: "a.png" } } },
      { inlineData: { mimeType: "image/png", data: "iVBORw0K" } },
    ]);
  });

  test("a call's thought signature goes back with its result", async () => {
    const { model, requests } = gemini([
      geminiEvents([
        { functionCall: { name: "memory_read", args: { key: "a" } }, thoughtSignature: "sig-1" },
      ]),
      geminiEvents([{ text: "Done." }]),
    ]);
    const tools = [tool("memory_read", "key")];
    const heard = await hear(model, { tools });
    expect(heard.end.finish).toBe("tool_calls");
    expect(heard.calls).toEqual([{ id: expect.any(String), name: "memory_read", arguments: '{"key":"a"}' }]);
    const result: ModelMessage = {
      role: "tool",
      toolCallId: heard.calls[0]?.id ?? "",
      toolName: "memory_read",
      text: "value",
      isError: false,
    };
    const stored = JSON.parse(JSON.stringify(heard.end.providerData));
    await hear(model, {
      tools,
      messages: [
        user("hi"),
        { role: "assistant", text: "", toolCalls: heard.calls, providerData: stored },
        result,
      ],
    });
    expect(requests[1]?.body["contents"]).toMatchObject([
      { role: "user" },
      {
        role: "model",
        parts: [{ functionCall: { name: "memory_read", args: { key: "a" } }, thoughtSignature: "sig-1" }],
      },
      {
        role: "user",
        parts: [{ functionResponse: { name: "memory_read", response: { content: "value" } } }],
      },
    ]);
  });

  const error = (status: number, message: string, name = "X") =>
    Response.json({ error: { code: status, message, status: name } }, { status });
  const faults: { name: string; answer: ScriptedAnswer; code: string; says: string }[] = [
    {
      name: "a wrong key",
      answer: error(403, "API key not valid"),
      code: "model_refused",
      says: "API key not valid",
    },
    {
      name: "a bad request",
      answer: error(400, "Invalid argument"),
      code: "model_refused",
      says: "Invalid argument",
    },
    { name: "a rate limit", answer: error(429, "quota"), code: "model_rate_limited", says: "quota" },
    {
      name: "a server error",
      answer: error(503, "overloaded"),
      code: "model_bad_answer",
      says: "overloaded",
    },
    {
      name: "no finish reason",
      answer: geminiEvents([{ text: "half an" }], null),
      code: "model_bad_answer",
      says: "breaks off",
    },
    {
      name: "an error in the stream",
      answer: [
        ...geminiEvents([{ text: "half" }], null),
        { error: { code: 503, message: "gone", status: "UNAVAILABLE" } },
      ],
      code: "model_bad_answer",
      says: "gone",
    },
    {
      name: "a malformed function call",
      answer: geminiEvents([{ text: "x" }], "MALFORMED_FUNCTION_CALL"),
      code: "model_bad_answer",
      says: "MALFORMED_FUNCTION_CALL",
    },
    {
      name: "broken JSON",
      answer: new Response("data: {bro\n\n", { headers: { "content-type": "text/event-stream" } }),
      code: "model_bad_answer",
      says: "malformed",
    },
  ];
  for (const { name, answer, code, says } of faults)
    test(`${name} is ${code}`, async () => {
      const thrown = await failure(hear(gemini([answer]).model, {}));
      expect(thrown.code as string).toBe(code);
      expect(thrown.message).toContain(says);
    });

  test("an answer cut off by the token limit, and one by the filter", async () => {
    expect((await hear(gemini([geminiEvents([{ text: "x" }], "MAX_TOKENS")]).model, {})).end.finish).toBe(
      "length",
    );
    await server?.stop();
    expect((await hear(gemini([geminiEvents([{ text: "x" }], "SAFETY")]).model, {})).end.finish).toBe(
      "content_filter",
    );
  });
});
