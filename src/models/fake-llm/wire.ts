/** What the fake takes from a chat completion request. */
export interface FakeRequest {
  model: string;
  messages: FakeMessage[];
  tools: { name: string; parameters: Record<string, unknown> }[];
  stream: boolean;
  includeUsage: boolean;
  /** Length of the body in characters, the measure of the prompt. */
  sizeChars: number;
}

export interface FakeMessage {
  role: string;
  /** Its text; an image in it reads `[image image/png, 120 characters of base64]`. */
  text: string;
  toolCalls: { id: string; name: string }[];
  toolCallId: string | null;
  reasoning: string | null;
}

/** What the fake model says. */
export interface Answer {
  reasoning?: string[];
  text?: string[];
  toolCalls?: { id: string | null; name: string; arguments: string }[];
  finish: "stop" | "tool_calls" | "length";
}

/** How the answer travels. Without any of these it leaves in one piece, complete. */
export interface Travel {
  /** Wait before the headers. */
  firstMs?: number;
  /** Wait before every event but the first. */
  betweenMs?: number;
  /** Size of one write; larger events are split, also inside a character. */
  pieceBytes?: number;
  /** Replaces the event with this number by a broken one. */
  corruptEvent?: number;
  /** Repeats the text for ever. */
  endless?: true;
  /** Leaves the line early. Events are counted from the first text on. */
  cut?: { after: number; unit: "events" | "bytes"; how: "end" | "stall" | "reset" };
}

const encoder = new TextEncoder();
let completions = 0;

function identity(model: string, object: string): string {
  completions += 1;
  const created = Math.floor(Date.now() / 1000);
  return `{"id":"chatcmpl-fake-${completions}","object":"${object}","created":${created},"model":${JSON.stringify(model)}`;
}

function usageOf(request: FakeRequest, answer: Answer): Record<string, unknown> {
  const reasoning = Math.ceil((answer.reasoning ?? []).join("").length / 4);
  const said = [
    ...(answer.text ?? []),
    ...(answer.toolCalls ?? []).map((call) => call.name + call.arguments),
  ];
  const prompt = Math.ceil(request.sizeChars / 4);
  const completion = reasoning + Math.max(1, Math.ceil(said.join("").length / 4));
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

/** The answer as one `chat.completion` object, for requests without `stream`. */
export function completionBody(request: FakeRequest, answer: Answer): string {
  const message = {
    role: "assistant",
    content: answer.text ? answer.text.join("") : null,
    ...(answer.reasoning ? { reasoning_content: answer.reasoning.join("") } : {}),
    ...(answer.toolCalls
      ? { tool_calls: answer.toolCalls.map((call) => toolCall(call, call.arguments)) }
      : {}),
  };
  const choices = [{ index: 0, message, finish_reason: answer.finish, logprobs: null }];
  const rest = JSON.stringify({ choices, usage: usageOf(request, answer) });
  return `${identity(request.model, "chat.completion")},${rest.slice(1)}`;
}

function toolCall(call: { id: string | null; name: string }, args: string, index?: number): object {
  return {
    ...(index === undefined ? {} : { index }),
    ...(call.id === null ? {} : { id: call.id }),
    type: "function",
    function: { name: call.name, arguments: args },
  };
}

/** The answer as the events of a stream, in order; the first one only opens the message. */
export function* completionEvents(request: FakeRequest, answer: Answer, travel: Travel): Generator<string> {
  const head = `data: ${identity(request.model, "chat.completion.chunk")},"choices":`;
  const delta = (json: string) => `${head}[{"index":0,"delta":${json},"finish_reason":null}]}\n\n`;
  yield delta('{"role":"assistant","content":""}');
  for (const text of answer.reasoning ?? []) yield delta(`{"reasoning_content":${JSON.stringify(text)}}`);
  do for (const text of answer.text ?? []) yield delta(`{"content":${JSON.stringify(text)}}`);
  while (travel.endless);
  const calls = answer.toolCalls ?? [];
  for (const [index, call] of calls.entries())
    yield delta(`{"tool_calls":[${JSON.stringify(toolCall(call, "", index))}]}`);
  // The arguments of parallel calls come interleaved, in two pieces each.
  for (const half of [0, 1])
    for (const [index, { arguments: args }] of calls.entries()) {
      const middle = Math.ceil(args.length / 2);
      const piece = half === 0 ? args.slice(0, middle) : args.slice(middle);
      yield delta(`{"tool_calls":[${JSON.stringify({ index, function: { arguments: piece } })}]}`);
    }
  yield `${head}[{"index":0,"delta":{},"finish_reason":"${answer.finish}"}]}\n\n`;
  if (request.includeUsage) yield `${head}[],"usage":${JSON.stringify(usageOf(request, answer))}}\n\n`;
  yield "data: [DONE]\n\n";
}

/** The events as they are written, after what `travel` does to them. Ends early at its cut. */
function* writes(events: Iterable<string>, travel: Travel): Generator<Uint8Array> {
  const { cut, pieceBytes, corruptEvent } = travel;
  let count = 0;
  let left = cut?.unit === "bytes" ? cut.after : Number.POSITIVE_INFINITY;
  for (const event of events) {
    if (cut?.unit === "events" && count > cut.after) return;
    const bytes = encoder.encode(
      count === corruptEvent ? 'data: {"choices":[{"delta":{"content":"bro\n\n' : event,
    );
    count += 1;
    const size = pieceBytes ?? bytes.length;
    for (let from = 0; from < bytes.length; from += size) {
      const piece = bytes.subarray(from, Math.min(from + size, from + left));
      if (piece.length > 0) yield piece;
      left -= piece.length;
      if (left <= 0) return;
    }
  }
}

/** How a body ended: read to its end, or given up by the client or by the scenario. */
export type Ended = "complete" | "cut" | "cancelled";

/** The events as a response body. Calls `ended` exactly once, unless the scenario leaves the line open for ever. */
export function travelling(
  events: Iterable<string>,
  travel: Travel,
  ended: (how: Ended) => void,
): ReadableStream<Uint8Array> | string {
  if (Object.keys(travel).every((key) => key === "firstMs")) {
    ended("complete");
    return [...events].join("");
  }
  const pieces = writes(events, travel);
  let first = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const waitMs = first ? 0 : (travel.betweenMs ?? 0);
      first = false;
      if (waitMs > 0) await Bun.sleep(waitMs);
      else await new Promise((resolve) => setImmediate(resolve)); // so that each write leaves on its own
      const { value } = pieces.next();
      if (value) return controller.enqueue(value);
      if (travel.cut?.how === "stall") return new Promise(() => {});
      ended(travel.cut ? "cut" : "complete");
      if (travel.cut?.how === "reset") controller.error(undefined);
      else controller.close();
    },
    cancel: () => ended("cancelled"),
  });
}
