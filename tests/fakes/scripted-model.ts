import { AppError } from "../../src/lib/errors.ts";
import type { ModelEvent, ModelInfo, ModelRequest, ModelRouter } from "../../src/models/contract.ts";

/** One answer: its events, with waits in between where a step is a function. The last event should be `end`. */
export type Script = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ModelEvent>;

export interface ScriptedModels extends ModelRouter {
  /** Every request, in order. */
  readonly requests: ModelRequest[];
}

const INFO: ModelInfo = {
  ref: "scripted/model",
  provider: "scripted",
  name: "model",
  contextTokens: 100_000,
  maxOutputTokens: null,
  inputUsdPerMillion: null,
  outputUsdPerMillion: null,
  cachedUsdPerMillion: null,
  images: true,
  audio: true,
  tools: true,
  reasoning: false,
};

/** A router whose only model plays the scripts one after another, the last one again and again. */
export function scriptedModels(scripts: Script[], info: Partial<ModelInfo> = {}): ScriptedModels {
  const requests: ModelRequest[] = [];
  const whole = { ...INFO, ...info };
  return {
    requests,
    resolve(ref = whole.ref) {
      if (ref !== whole.ref) throw new AppError("unknown_model", `There is no model ${ref}.`);
      return {
        info: whole,
        stream(request, signal) {
          requests.push(structuredClone(request));
          const script = scripts[Math.min(requests.length, scripts.length) - 1];
          if (!script) throw new Error("no script");
          return oneByOne(script(request, signal));
        },
      };
    },
    list: async () => [whole],
    defaultRef: () => whole.ref,
  };
}

async function* oneByOne(events: AsyncIterable<ModelEvent>): AsyncGenerator<ModelEvent[]> {
  for await (const event of events) yield [event];
}

export function end(finish: "stop" | "tool_calls" | "length" | "content_filter" = "stop"): ModelEvent {
  return { type: "end", finish, usage: { inputTokens: 10, outputTokens: 5 }, model: INFO.ref };
}

/** Says the pieces of text. */
export function says(...pieces: string[]): Script {
  return async function* () {
    for (const text of pieces) yield { type: "text", text };
    yield end();
  };
}

/** Asks for tools, after some text if any. */
export function calls(...asked: { id: string; name: string; arguments?: unknown; text?: string }[]): Script {
  return async function* () {
    for (const { id, name, arguments: input = {}, text } of asked) {
      if (text) yield { type: "text", text };
      const json = typeof input === "string" ? input : JSON.stringify(input);
      yield { type: "tool_call", call: { id, name, arguments: json } };
    }
    yield end("tool_calls");
  };
}

/** Says the text, then says nothing more until the call is aborted. */
export function hangs(text = ""): Script {
  return async function* (_request, signal) {
    if (text) yield { type: "text", text };
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (signal.aborted) reject(signal.reason);
    });
  };
}

/** Waits for `gate` before it plays on. */
export function after(gate: Promise<unknown>, script: Script): Script {
  return async function* (request, signal) {
    await gate;
    yield* script(request, signal);
  };
}
