import { AppError } from "../lib/errors.ts";
import type { ToolCallRecord, Usage } from "../store/records.ts";
import { createAiSdkContent, promptOf } from "./ai-sdk-prompt.ts";
import { createTransport, type Transport } from "./ai-sdk-transport.ts";
import type { CallOptions, LanguageModel, ProviderOptions, StreamPart } from "./ai-sdk-types.ts";
import type { FinishReason, Model, ModelEvent, ModelRequest } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";
import { badAnswer, reportedFailure } from "./failure.ts";
import { argumentsObject } from "./tool-arguments.ts";
import { startWatch, type Watch } from "./watch.ts";

type FinishPart = Extract<StreamPart, { type: "finish" }>;

/** What differs between the packages. */
export interface AiSdkProtocol {
  /** Loads the package and opens the model; every request of it goes through `fetch`. */
  open(endpoint: Endpoint, fetch: typeof globalThis.fetch): Promise<LanguageModel>;
  /** Options for the system prompt. */
  systemOptions?: ProviderOptions;
}

/**
 * A model behind an @ai-sdk package, driven through `doStream`. Makes one attempt, with the same errors, timeouts and limits
 * as `openAiModel`: the package maps the wire, the transport below it is ours.
 */
export function aiSdkModel(endpoint: Endpoint, protocol: AiSdkProtocol): Model {
  return {
    async *stream(request, signal) {
      signal.throwIfAborted();
      const watch = startWatch(endpoint, signal);
      const transport = createTransport(endpoint, watch);
      try {
        const model = await protocol.open(endpoint, transport.fetch);
        const { stream } = await model.doStream(callOptions(request, endpoint, protocol, watch.signal));
        yield* readParts(stream, endpoint, watch);
      } catch (thrown) {
        throw watch.explain(failureOf(thrown, endpoint, transport));
      } finally {
        watch.stop();
      }
    },
  };
}

function callOptions(
  request: ModelRequest,
  endpoint: Endpoint,
  protocol: AiSdkProtocol,
  abortSignal: AbortSignal,
): CallOptions {
  const maxOutputTokens = request.maxOutputTokens ?? endpoint.maxOutputTokens;
  const temperature = request.temperature ?? endpoint.temperature;
  return {
    prompt: promptOf(request.messages, refOf(endpoint), protocol.systemOptions),
    abortSignal,
    ...(request.tools.length > 0
      ? {
          tools: request.tools.map(({ name, description, parameters }) => ({
            type: "function" as const,
            name,
            description,
            inputSchema: parameters,
          })),
        }
      : {}),
    ...(maxOutputTokens === null ? {} : { maxOutputTokens }),
    ...(temperature === null ? {} : { temperature }),
  };
}

/** Parts that bring no token. */
const SILENT: ReadonlySet<StreamPart["type"]> = new Set(["stream-start", "response-metadata", "ping"]);

async function* readParts(
  stream: ReadableStream<StreamPart>,
  endpoint: Endpoint,
  watch: Watch,
): AsyncGenerator<ModelEvent[]> {
  const content = createAiSdkContent();
  let finish: FinishPart | null = null;
  for await (const part of stream) {
    if (part.type === "error") throw part.error;
    if (part.type === "finish") finish = part;
    else if (!SILENT.has(part.type)) watch.progress();
    content.take(part);
    if (part.type === "text-delta" && part.delta !== "") yield [{ type: "text", text: part.delta }];
    else if (part.type === "reasoning-delta" && part.delta !== "")
      yield [{ type: "reasoning", text: part.delta }];
  }
  if (!finish) throw badAnswer(endpoint, "an answer that breaks off before its end");
  const reason = finishReason(finish, endpoint);
  const calls = content.toolCalls().filter((call) => reason !== "length" || isWhole(call));
  const providerData = content.providerData(refOf(endpoint));
  yield [
    ...calls.map((call): ModelEvent => ({ type: "tool_call", call })),
    {
      type: "end",
      finish: calls.length > 0 && reason === "stop" ? "tool_calls" : reason,
      usage: usageOf(finish),
      model: refOf(endpoint),
      ...(providerData === undefined ? {} : { providerData }),
    },
  ];
}

/** In an answer that the token limit cut off, a call may be cut off too. */
function isWhole(call: ToolCallRecord): boolean {
  return argumentsObject(call.arguments).valid;
}

function refOf({ provider, model }: Endpoint): string {
  return `${provider}/${model}`;
}

function finishReason({ finishReason: { unified, raw } }: FinishPart, endpoint: Endpoint): FinishReason {
  switch (unified) {
    case "length":
      return "length";
    case "tool-calls":
      return "tool_calls";
    case "content-filter":
      return "content_filter";
    case "interrupted":
      throw badAnswer(endpoint, "an answer that breaks off before its end");
    case "error":
      throw badAnswer(endpoint, `an answer that it broke off itself (${raw ?? "no reason given"})`);
    default:
      return "stop";
  }
}

function usageOf({ usage: { inputTokens, outputTokens } }: FinishPart): Usage {
  return {
    inputTokens: inputTokens.total ?? 0,
    outputTokens: outputTokens.total ?? 0,
    ...(inputTokens.cacheRead === undefined ? {} : { cachedTokens: inputTokens.cacheRead }),
    ...(outputTokens.reasoning === undefined ? {} : { reasoningTokens: outputTokens.reasoning }),
  };
}

/**
 * What the transport met comes first: the package wraps or replaces it. Errors that a provider sends inside a stream are
 * plain objects, those of the package have names that begin `AI_`, or no name of their own for what it cannot read.
 */
function failureOf(thrown: unknown, endpoint: Endpoint, transport: Transport): unknown {
  if (transport.failure) return transport.failure;
  if (thrown instanceof AppError) return thrown;
  const { name = "", message, statusCode, type } = (thrown ?? {}) as PackageError;
  const isReport =
    !(thrown instanceof Error) || (name.startsWith("AI_") && !/JSONParse|TypeValidation/.test(name));
  if (isReport) return reportedFailure(endpoint, { error: { message, code: statusCode, type } });
  return badAnswer(endpoint, "malformed JSON", { cause: thrown });
}

interface PackageError {
  name?: string;
  message?: string;
  statusCode?: number;
  type?: string;
}
