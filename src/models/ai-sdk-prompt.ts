import { newId } from "../lib/ids.ts";
import type { Part, ToolCallRecord } from "../store/records.ts";
import type { Prompt, ProviderOptions, StreamPart } from "./ai-sdk-types.ts";
import { audioFormat } from "./audio-formats.ts";
import type { AudioPart, ImagePart, ModelMessage } from "./contract.ts";
import { argumentsObject } from "./tool-arguments.ts";

type AssistantPart = Extract<Prompt[number], { role: "assistant" }>["content"][number];
type SavedPart = Extract<AssistantPart, { type: "text" | "reasoning" | "tool-call" }>;

/** An answer with the signatures that its provider wants back. Only the model that gave it can read it. */
interface SavedAnswer {
  ref: string;
  parts: SavedPart[];
}

/** The conversation as the @ai-sdk packages take it: the system text first, in one message. */
export function promptOf(messages: ModelMessage[], ref: string, systemOptions?: ProviderOptions): Prompt {
  const system = messages
    .flatMap((message) => (message.role === "system" ? [message.text] : []))
    .join("\n\n");
  const rest = messages.flatMap(
    (message): Prompt => (message.role === "system" ? [] : [promptMessage(message, ref)]),
  );
  if (system === "") return rest;
  return [
    { role: "system", content: system, ...(systemOptions ? { providerOptions: systemOptions } : {}) },
    ...rest,
  ];
}

function promptMessage(message: Exclude<ModelMessage, { role: "system" }>, ref: string): Prompt[number] {
  switch (message.role) {
    case "user":
      return { role: "user", content: message.parts.map(promptPart) };
    case "assistant":
      return { role: "assistant", content: savedParts(message.providerData, ref) ?? plainParts(message) };
    case "tool": {
      const { toolCallId, toolName } = message;
      return {
        role: "tool",
        content: [{ type: "tool-result", toolCallId, toolName, output: toolOutput(message) }],
      };
    }
  }
}

/** Only a result that is no error carries images: the packages' form for errors is text alone. */
function toolOutput({ text, isError, images = [] }: Extract<ModelMessage, { role: "tool" }>) {
  if (isError) return { type: "error-text" as const, value: text };
  if (images.length === 0) return { type: "text" as const, value: text };
  return { type: "content" as const, value: [{ type: "text" as const, text }, ...images.map(promptFile)] };
}

function promptPart(part: Part) {
  return part.type === "text" ? { type: "text" as const, text: part.text } : promptFile(part);
}

/** Of the many names that the type of a recording has, Gemini knows one. */
function promptFile({ type, mediaType: told, data }: ImagePart | AudioPart) {
  const mediaType = type === "audio" ? `audio/${audioFormat(told)}` : told;
  return { type: "file" as const, mediaType, data: { type: "data" as const, data } };
}

function savedParts(providerData: unknown, ref: string): SavedPart[] | null {
  const saved = providerData as Partial<SavedAnswer> | null | undefined;
  return saved?.ref === ref && Array.isArray(saved.parts) ? saved.parts : null;
}

/** Without the reasoning: a provider takes it back only with its signature. */
function plainParts({ text, toolCalls }: Extract<ModelMessage, { role: "assistant" }>): SavedPart[] {
  return [
    ...(text === "" ? [] : [{ type: "text" as const, text }]),
    ...toolCalls.map((call) => ({
      type: "tool-call" as const,
      toolCallId: call.id,
      toolName: call.name,
      input: argumentsObject(call.arguments).value,
    })),
  ];
}

/** Collects an answer from its stream parts. */
export function createAiSdkContent() {
  const parts: SavedPart[] = [];
  const open = new Map<string, Extract<SavedPart, { type: "text" | "reasoning" }>>();
  const calls: ToolCallRecord[] = [];

  function begin(type: "text" | "reasoning", id: string) {
    const part = { type, text: "" };
    parts.push(part);
    open.set(`${type} ${id}`, part);
    return part;
  }

  function takeCall(part: Extract<StreamPart, { type: "tool-call" }>): void {
    const repeated = calls.some((call) => call.id === part.toolCallId);
    const id = repeated || part.toolCallId === "" ? newId("call") : part.toolCallId;
    calls.push({ id, name: part.toolName, arguments: part.input || "{}" });
    const input = argumentsObject(part.input || "{}").value;
    parts.push(withOptions({ type: "tool-call", toolCallId: id, toolName: part.toolName, input }, part));
  }

  return {
    take(part: StreamPart): void {
      switch (part.type) {
        case "text-start":
        case "text-delta":
        case "text-end":
        case "reasoning-start":
        case "reasoning-delta":
        case "reasoning-end": {
          const type = part.type.startsWith("text") ? "text" : "reasoning";
          const block = open.get(`${type} ${part.id}`) ?? begin(type, part.id);
          if ("delta" in part) block.text += part.delta;
          withOptions(block, part);
          break;
        }
        case "tool-call":
          takeCall(part);
      }
    },
    toolCalls: (): ToolCallRecord[] => calls,
    /** What must be sent back beyond text and calls; undefined when there is nothing. */
    providerData(ref: string): SavedAnswer | undefined {
      if (!parts.some((part) => part.providerOptions)) return undefined;
      const whole = parts.filter((part) => part.type !== "text" || part.text !== "" || part.providerOptions);
      return { ref, parts: whole };
    },
  };
}

/** What a provider notes on a part of its answer is what it wants to see on it again. */
function withOptions<P extends SavedPart>(
  target: P,
  { providerMetadata }: { providerMetadata?: unknown },
): P {
  if (providerMetadata)
    target.providerOptions = { ...target.providerOptions, ...(providerMetadata as ProviderOptions) };
  return target;
}
