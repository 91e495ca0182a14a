import type { Part, ToolCallRecord, Usage } from "../store/records.ts";

/** An image, in base64. */
export type ImagePart = Extract<Part, { type: "image" }>;

/** A recording, in base64. */
export type AudioPart = Extract<Part, { type: "audio" }>;

/** What the agent says to a model, in no provider's dialect. */
export type ModelMessage =
  | { role: "system"; text: string }
  | { role: "user"; parts: Part[] }
  | {
      role: "assistant";
      text: string;
      toolCalls: ToolCallRecord[];
      reasoning?: string;
      providerData?: unknown;
    }
  | {
      role: "tool";
      toolCallId: string;
      toolName: string;
      text: string;
      isError: boolean;
      /** Only for models that see; a result without images has none. */
      images?: ImagePart[];
    };

/** A tool, as a model is told of it. */
export interface ModelTool {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
}

/** One call of a model. */
export interface ModelRequest {
  messages: ModelMessage[];
  tools: ModelTool[];
  maxOutputTokens?: number;
  temperature?: number;
}

/** Why a model stopped. */
export type FinishReason = "stop" | "tool_calls" | "length" | "content_filter";

/**
 * What a model says. A stream says any number of the first four and then exactly one `end`; one that cannot is thrown
 * as an `AppError` with a `model_*` code. `restart` takes back all that the stream has said so far: the call is made
 * again (a retry or a fallback), from its beginning.
 */
export type ModelEvent =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool_call"; call: ToolCallRecord }
  | { type: "restart"; reason: string }
  | { type: "end"; finish: FinishReason; usage: Usage; model: string; providerData?: unknown };

/**
 * One model at one provider. `stream` makes one attempt; retries and fallbacks stand around it. It yields together what
 * came together, and reads on only when it is asked for more: who waits between two batches gets larger ones.
 */
export interface Model {
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent[]>;
  /** Whether a recording of this media type may be in a request, where the model hears at all; absent: any may. */
  hears?(mediaType: string): boolean;
}

/**
 * What is known of a model, from the catalogue, the config and the provider's own list. Prices are in US dollars for a million
 * tokens; what is not known is null.
 */
export interface ModelInfo {
  /** `provider/model`, the name to ask for. */
  ref: string;
  provider: string;
  name: string;
  contextTokens: number;
  maxOutputTokens: number | null;
  inputUsdPerMillion: number | null;
  outputUsdPerMillion: number | null;
  cachedUsdPerMillion: number | null;
  images: boolean;
  audio: boolean;
  tools: boolean;
  reasoning: boolean;
}

/** A model with its retries and fallbacks, ready for a turn. */
export interface ResolvedModel extends Model {
  info: ModelInfo;
}

/** Turns the names users write into models. Reads the live config at each call, so a new key counts at once. */
export interface ModelRouter {
  /** `ref` as `provider/model`; without one the configured default. Throws `unknown_model` with the nearest names. */
  resolve(ref?: string): ResolvedModel;
  /** What the configured providers offer: their own lists where they answer in time, otherwise the catalogue's. */
  list(signal: AbortSignal): Promise<ModelInfo[]>;
  /** The configured default, as it would be resolved. */
  defaultRef(): string;
}
