import { newId } from "../lib/ids.ts";
import type { ToolCallRecord, Usage } from "../store/records.ts";
import type { FinishReason, ModelEvent } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";
import { badAnswer, endless, reportedFailure } from "./failure.ts";
import { argumentsObject } from "./tool-arguments.ts";

/** Text, reasoning and arguments of one answer, in characters: more than any model writes, less than memory. */
const MAX_ANSWER_CHARS = 4 * 1024 * 1024;
/** Chunks that say nothing, as some providers send while a model thinks; more of them only cost time. */
const MAX_SILENT_CHUNKS = 200_000;
const MAX_TOOL_CALLS = 128;

/** What is read of a chunk. Providers leave out, null and add fields at will, so nothing here is taken for granted. */
interface Chunk {
  choices?:
    | { delta?: Delta | null; message?: Delta | null; finish_reason?: unknown; usage?: unknown }[]
    | null;
  usage?: unknown;
  x_groq?: { usage?: unknown } | null;
  error?: unknown;
  object?: unknown;
  base_resp?: { status_code?: number } | null;
}
interface Delta {
  content?: unknown;
  reasoning_content?: unknown;
  reasoning?: unknown;
  tool_calls?: unknown;
}
interface ToolCallDelta {
  index?: unknown;
  id?: unknown;
  function?: { name?: unknown; arguments?: unknown } | null;
}

/** Puts an answer together from the chunks of a stream, or from one whole completion. */
export interface Answer {
  /**
   * Takes the data of one event and appends what it says to `events`. True when it brought text, reasoning, a piece of a
   * call or the end; false for chunks that only keep the line alive. Throws for errors and for what is no chunk.
   */
  take(data: string, events: ModelEvent[]): boolean;
  /** Whether the terminal chunk has come. */
  readonly finished: boolean;
  /** The tool calls and the end. Throws `model_bad_answer` when the terminal chunk never came. */
  end(): ModelEvent[];
}

/** `promptChars` is the length of the request, from which usage is estimated when the provider reports none. */
export function createAnswer(endpoint: Endpoint, promptChars: number): Answer {
  const calls = createCallMerger(endpoint);
  let finish: FinishReason | null = null;
  let usage: Usage | null = null;
  let chars = 0;
  let silentChunks = 0;

  function grow(text: string): void {
    chars += text.length;
    if (chars > MAX_ANSWER_CHARS) throw endless(endpoint);
  }

  /** Appends what a delta says; true when it says anything. */
  function takeDelta(delta: Delta, events: ModelEvent[]): boolean {
    const before = events.length;
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    if (typeof reasoning === "string" && reasoning !== "") {
      grow(reasoning);
      events.push({ type: "reasoning", text: reasoning });
    }
    if (typeof delta.content === "string" && delta.content !== "") {
      grow(delta.content);
      events.push({ type: "text", text: delta.content });
    }
    const pieces = Array.isArray(delta.tool_calls) ? delta.tool_calls : [];
    for (const piece of pieces) grow(calls.take(piece ?? {}));
    return events.length > before || pieces.length > 0;
  }

  return {
    take(data, events) {
      const chunk = parseChunk(data, endpoint);
      if (chunk.error || chunk.object === "error" || chunk.base_resp?.status_code)
        throw reportedFailure(endpoint, chunk);
      const choice = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
      const delta = choice?.delta ?? choice?.message;
      const said = typeof delta === "object" && delta !== null && takeDelta(delta, events);
      const reason = textOf(choice?.finish_reason);
      if (reason !== "") finish = finishReason(reason, endpoint);
      usage = readUsage(chunk.usage ?? choice?.usage ?? chunk.x_groq?.usage) ?? usage;
      if (said || reason !== "") return true;
      silentChunks += 1;
      if (silentChunks > MAX_SILENT_CHUNKS) throw endless(endpoint);
      return false;
    },
    get finished() {
      return finish !== null;
    },
    end() {
      if (finish === null) throw badAnswer(endpoint, "an answer that breaks off before its end");
      const done = calls.finish(finish === "length");
      if (done.length > 0 && finish === "stop") finish = "tool_calls";
      return [
        ...done.map((call): ModelEvent => ({ type: "tool_call", call })),
        {
          type: "end",
          finish,
          usage: usage ?? estimateUsage(promptChars, chars),
          model: `${endpoint.provider}/${endpoint.model}`,
        },
      ];
    },
  };
}

function parseChunk(data: string, endpoint: Endpoint): Chunk {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch (cause) {
    throw badAnswer(endpoint, "malformed JSON", { cause });
  }
  if (typeof chunk !== "object" || chunk === null)
    throw badAnswer(endpoint, "something that is no completion");
  return chunk;
}

interface OpenCall {
  id: string;
  name: string;
  arguments: string;
}

/**
 * Merges the deltas of parallel tool calls: by `index`, or, where a provider sends none or always the same, by a new id
 * together with a name. Missing and repeated ids are replaced by own ones.
 */
function createCallMerger(endpoint: Endpoint) {
  const calls: OpenCall[] = [];
  const byIndex = new Map<unknown, OpenCall>();

  function callOf(delta: ToolCallDelta, id: string, name: string): OpenCall {
    const known = typeof delta.index === "number" ? byIndex.get(delta.index) : calls.at(-1);
    const sameId = id === "" || known?.id === "" || known?.id === id;
    const another = typeof delta.index === "number" ? !sameId : !sameId || id === "";
    if (known && !(name !== "" && known.name !== "" && another)) return known;
    if (calls.length >= MAX_TOOL_CALLS) throw badAnswer(endpoint, `more than ${MAX_TOOL_CALLS} tool calls`);
    const call = { id: "", name: "", arguments: "" };
    calls.push(call);
    byIndex.set(delta.index, call);
    return call;
  }

  return {
    /** Returns what the delta adds to the arguments. */
    take(delta: ToolCallDelta): string {
      const id = textOf(delta.id);
      const name = textOf(delta.function?.name);
      const given = delta.function?.arguments;
      const args = typeof given === "object" && given !== null ? JSON.stringify(given) : textOf(given);
      const call = callOf(delta, id, name);
      call.id ||= id;
      call.name ||= name;
      call.arguments += args;
      return args;
    },
    /** The calls in order. In an answer that the token limit cut off, calls with unfinished arguments are left out. */
    finish(cutOff: boolean): ToolCallRecord[] {
      const ids = new Set<string>();
      return calls
        .map((call) => ({ ...call, arguments: call.arguments || "{}" }))
        .filter((call) => !cutOff || argumentsObject(call.arguments).valid)
        .map((call) => {
          if (call.name === "") throw badAnswer(endpoint, "a tool call without a name");
          const id = call.id === "" || ids.has(call.id) ? newId("call") : call.id;
          ids.add(id);
          return { ...call, id };
        });
    },
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function finishReason(reason: string, endpoint: Endpoint): FinishReason {
  switch (reason) {
    case "length":
    case "max_tokens":
      return "length";
    case "tool_calls":
    case "function_call":
      return "tool_calls";
    case "content_filter":
    case "sensitive":
      return "content_filter";
    case "error":
    case "network_error":
    case "insufficient_system_resource":
      throw badAnswer(endpoint, `an answer that it broke off itself (${reason})`);
    default:
      return "stop";
  }
}

function readUsage(value: unknown): Usage | null {
  if (typeof value !== "object" || value === null) return null;
  const usage = value as Record<string, unknown>;
  const inputTokens = countOf(usage["prompt_tokens"]);
  const outputTokens = countOf(usage["completion_tokens"]);
  if (inputTokens === undefined || outputTokens === undefined) return null;
  const prompt = usage["prompt_tokens_details"] as { cached_tokens?: unknown } | null | undefined;
  const completion = usage["completion_tokens_details"] as { reasoning_tokens?: unknown } | null | undefined;
  // DeepSeek and Moonshot have names of their own for the cached part.
  const cachedTokens = countOf(
    prompt?.cached_tokens ?? usage["prompt_cache_hit_tokens"] ?? usage["cached_tokens"],
  );
  const reasoningTokens = countOf(completion?.reasoning_tokens);
  return {
    inputTokens,
    outputTokens,
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
  };
}

function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined;
}

/** Budgets must hold with providers that report nothing as well: about four characters make a token. */
function estimateUsage(promptChars: number, answerChars: number): Usage {
  return { inputTokens: Math.ceil(promptChars / 4), outputTokens: Math.ceil(answerChars / 4) };
}
