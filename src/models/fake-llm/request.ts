import type { FakeMessage, FakeRequest } from "./wire.ts";

/** The body as JSON; undefined when it is none, of which `readRequest` complains. */
export function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/** The request, or what is wrong with it in a provider's words. */
export function readRequest(body: unknown, sizeChars: number): FakeRequest | string {
  if (typeof body !== "object" || body === null) return "We could not parse the JSON body of your request.";
  const given = body as Record<string, unknown>;
  if (typeof given["model"] !== "string") return "you must provide a model parameter";
  if (!Array.isArray(given["messages"]) || given["messages"].length === 0)
    return "'messages' must not be empty.";
  const messages = (given["messages"] as Record<string, unknown>[]).map(readMessage);
  const tools = (
    (given["tools"] ?? []) as { function: { name: string; parameters?: Record<string, unknown> } }[]
  ).map((tool) => ({ name: tool.function.name, parameters: tool.function.parameters ?? {} }));
  const options = given["stream_options"] as { include_usage?: boolean } | undefined;
  return (
    brokenToolPair(messages) ?? {
      model: given["model"],
      messages,
      tools,
      stream: given["stream"] === true,
      includeUsage: options?.include_usage === true,
      sizeChars,
    }
  );
}

function readMessage(message: Record<string, unknown>): FakeMessage {
  const calls = (message["tool_calls"] ?? []) as { id: string; function: { name: string } }[];
  return {
    role: String(message["role"]),
    text: readText(message["content"]),
    toolCalls: calls.map((call) => ({ id: call.id, name: call.function.name })),
    toolCallId: (message["tool_call_id"] as string | undefined) ?? null,
    reasoning: (message["reasoning_content"] as string | undefined) ?? null,
  };
}

function readText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as ContentPart[]).map(readPart).join("\n");
}

interface ContentPart {
  text?: string;
  image_url?: { url: string };
  input_audio?: { data: string; format: string };
}

function readPart({ text, image_url: image, input_audio: audio }: ContentPart): string {
  if (audio) return `[recording ${audio.format}, ${audio.data.length} characters of base64]`;
  return text ?? imageText(image?.url ?? "");
}

function imageText(url: string): string {
  const [, mediaType, data] = /^data:([^;]+);base64,(.*)$/s.exec(url) ?? [];
  return data === undefined
    ? `[image at ${url}]`
    : `[image ${mediaType}, ${data.length} characters of base64]`;
}

/** Real providers refuse a history in which a tool call and its result do not stand together; so does the fake. */
function brokenToolPair(messages: FakeMessage[]): string | null {
  let open: string[] = [];
  for (const message of messages) {
    if (message.role === "tool") {
      if (!open.includes(message.toolCallId ?? ""))
        return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
      open = open.filter((id) => id !== message.toolCallId);
    } else {
      if (open.length > 0) return `these tool_call_ids did not have response messages: ${open.join(", ")}`;
      open = message.toolCalls.map((call) => call.id);
    }
  }
  return open.length > 0 ? `these tool_call_ids did not have response messages: ${open.join(", ")}` : null;
}
