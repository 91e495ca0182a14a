import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { LLMock } from "@copilotkit/aimock";
import { anthropicModel } from "../../src/models/anthropic.ts";
import type { Model, ModelMessage } from "../../src/models/contract.ts";
import type { Endpoint } from "../../src/models/endpoint.ts";
import { googleModel } from "../../src/models/google.ts";
import { openAiModel } from "../../src/models/openai.ts";
import { endpoint, failure, hear, tool, user } from "../support/models.ts";

/** A mock of the three wires that others wrote: our fakes cannot have been bent to fit our clients. */
const mock = new LLMock({ port: 0, chunkSize: 5 });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => mock.reset());

const wires: { name: string; model: () => Model }[] = [
  { name: "OpenAI", model: () => openAiModel(at("/v1", { model: "gpt-4o" })) },
  { name: "Anthropic", model: () => anthropicModel(at("/v1", { model: "claude-sonnet-4-5" })) },
  { name: "Gemini", model: () => googleModel(at("/v1beta", { model: "gemini-2.5-flash" })) },
];
function at(path: string, parts: Partial<Endpoint>): Endpoint {
  return endpoint({ baseUrl: mock.url + path, ...parts });
}

for (const { name, model } of wires)
  describe(name, () => {
    test("text in many chunks", async () => {
      const content = "The quick brown fox, 敏捷的棕色狐狸 🦊, jumps over the lazy dog.";
      mock.onMessage("tell me", { content });
      const heard = await hear(model(), { messages: [user("tell me")] });
      expect(heard.text).toBe(content);
      expect(heard.end.finish).toBe("stop");
    });

    test("parallel tool calls, then the answer from their results", async () => {
      mock.on({ userMessage: "weather", hasToolResult: true }, { content: "Sunny in both." });
      mock.on(
        { userMessage: "weather", hasToolResult: false },
        {
          toolCalls: [
            { name: "web_search", arguments: '{"query":"Rome"}' },
            { name: "web_search", arguments: '{"query":"Oslo"}' },
          ],
        },
      );
      const tools = [tool("web_search")];
      const heard = await hear(model(), { messages: [user("weather")], tools });
      expect(heard.calls.map((call) => JSON.parse(call.arguments))).toEqual([
        { query: "Rome" },
        { query: "Oslo" },
      ]);
      expect(heard.end.finish).toBe("tool_calls");
      const { providerData } = heard.end;
      const after = await hear(model(), {
        tools,
        messages: [
          user("weather"),
          {
            role: "assistant",
            text: "",
            toolCalls: heard.calls,
            ...(providerData === undefined ? {} : { providerData }),
          },
          ...heard.calls.map(
            ({ id, name: toolName }): ModelMessage => ({
              role: "tool",
              toolCallId: id,
              toolName,
              text: "sunny",
              isError: false,
            }),
          ),
        ],
      });
      expect(after.text).toBe("Sunny in both.");
    });

    test("an error status", async () => {
      mock.nextRequestError(429, { message: "slow down", type: "rate_limit_error" });
      const error = await failure(hear(model(), {}));
      expect(error.code).toBe("model_rate_limited");
      expect(error.message).toContain("slow down");
    });

    test("a connection that breaks inside the answer", async () => {
      mock.on({ userMessage: "break" }, { content: "word ".repeat(50) }, { truncateAfterChunks: 4 });
      const error = await failure(hear(model(), { messages: [user("break")] }));
      expect(["model_unreachable", "model_bad_answer"]).toContain(error.code);
    });
  });
