import { Value } from "typebox/value";
import type { LiveConfig } from "../../src/config/live.ts";
import { type Config, ConfigSchema } from "../../src/config/schema.ts";
import type { AppError } from "../../src/lib/errors.ts";
import type { Log, LogFields } from "../../src/lib/log.ts";
import type { Model, ModelEvent, ModelMessage, ModelRequest, ModelTool } from "../../src/models/contract.ts";
import type { Endpoint } from "../../src/models/endpoint.ts";

/** An endpoint with short timeouts; only its address must be said. */
export function endpoint(parts: Partial<Endpoint> & { baseUrl: string }): Endpoint {
  return {
    provider: "fake",
    model: "hello",
    apiKey: "sk-canary-1234567890",
    headers: {},
    keyPlace: "FAKE_LLM_API_KEY or providers.fake.api_key",
    firstTokenTimeoutMs: 5000,
    stallTimeoutMs: 5000,
    maxOutputTokens: null,
    temperature: null,
    ...parts,
  };
}

export const user = (text: string): ModelMessage => ({ role: "user", parts: [{ type: "text", text }] });

/** A step whose first result is an image, and whose second one failed. */
export const stepWithImages: ModelMessage[] = [
  user("look"),
  {
    role: "assistant",
    text: "",
    toolCalls: ["a", "b"].map((id) => ({ id, name: "file_read", arguments: `{"path":"${id}.png"}` })),
  },
  {
    role: "tool",
    toolCallId: "a",
    toolName: "file_read",
    text: "a.png",
    isError: false,
    images: [{ type: "image", mediaType: "image/png", data: "iVBORw0K" }],
  },
  { role: "tool", toolCallId: "b", toolName: "file_read", text: "no such file", isError: true },
];

/** A tool with one required text argument. */
export const tool = (name: string, argument = "query"): ModelTool => ({
  name,
  description: `Tests ${name}.`,
  parameters: { type: "object", properties: { [argument]: { type: "string" } }, required: [argument] },
});

/** An answer as a turn sees it. */
export interface Heard {
  text: string;
  reasoning: string;
  calls: { id: string; name: string; arguments: string }[];
  restarts: string[];
  end: Extract<ModelEvent, { type: "end" }>;
}

/** The events of a call, one by one. */
export async function* eventsOf(
  model: Model,
  request: Partial<ModelRequest> = {},
  signal = never(),
): AsyncGenerator<ModelEvent> {
  for await (const events of model.stream({ messages: [user("hi")], tools: [], ...request }, signal))
    yield* events;
}

/** Listens to the end. Fails when the stream ends without its `end` or says something after it. */
export async function hear(model: Model, request: Partial<ModelRequest>, signal = never()): Promise<Heard> {
  let heard: Omit<Heard, "end" | "restarts"> = { text: "", reasoning: "", calls: [] };
  const restarts: string[] = [];
  let end: Heard["end"] | null = null;
  for await (const event of eventsOf(model, request, signal)) {
    if (end) throw new Error(`${event.type} after the end`);
    if (event.type === "text") heard.text += event.text;
    else if (event.type === "reasoning") heard.reasoning += event.text;
    else if (event.type === "tool_call") heard.calls.push(event.call);
    else if (event.type === "restart") {
      restarts.push(event.reason);
      heard = { text: "", reasoning: "", calls: [] };
    } else end = event;
  }
  if (!end) throw new Error("no end");
  return { ...heard, restarts, end };
}

/** The error that the call ends with. */
export async function failure(call: Promise<unknown>): Promise<AppError> {
  const outcome = await call.then(
    (value) => ({ value }),
    (thrown: AppError) => ({ thrown }),
  );
  if ("thrown" in outcome) return outcome.thrown;
  throw new Error(`expected an error, got ${JSON.stringify(outcome.value)}`);
}

export function never(): AbortSignal {
  return new AbortController().signal;
}

/** A log that keeps its lines. */
export function memoryLog(): Log & { lines: { level: string; message: string; fields?: LogFields }[] } {
  const lines: { level: string; message: string; fields?: LogFields }[] = [];
  const keep = (level: string) => (message: string, fields?: LogFields) =>
    void lines.push({ level, message, ...(fields ? { fields } : {}) });
  const log = { debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error"), lines };
  return { ...log, with: () => ({ ...log, with: () => memoryLog() }) };
}

/** A configuration with defaults everywhere but in the given sections. */
export function liveConfig(parts: {
  model?: Partial<Config["model"]>;
  providers?: Config["providers"];
}): LiveConfig {
  const raw = { ...parts, model: parts.model ?? {}, providers: parts.providers ?? {} };
  const current = Value.Decode(ConfigSchema, Value.Default(ConfigSchema, structuredClone(raw)));
  return { current, onChange: () => () => {} };
}
