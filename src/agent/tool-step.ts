import { createLimit } from "../lib/limit.ts";
import type { NewMessage, ToolCallRecord, ToolCallState } from "../store/contract.ts";
import type { ToolContext, ToolResult } from "../tools/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import { errorResult } from "../tools/result.ts";
import { cutText } from "../tools/text.ts";
import type { RunWriter } from "./run-writer.ts";

const PARALLEL_CALLS = 8;
/** Of arguments and results in events; the model reads them whole. */
const EVENT_CHARS = 16_000;

/** A call that still needs its result. */
export interface OpenCall {
  call: ToolCallRecord;
  /** It began in an earlier process, and nobody knows how it ended. */
  begun: boolean;
}

/** The calls of the last assistant message that have no result, in the order of the model. */
export function openCalls(
  messages: readonly NewMessage[],
  states: readonly ToolCallState[] = [],
): OpenCall[] {
  const last = messages.findLastIndex((message) => message.role === "assistant");
  const answered = new Set(messages.slice(last + 1).map((message) => message.toolCallId));
  const begun = new Set(states.filter((state) => !state.finished).map((state) => state.call.id));
  return (messages[last]?.toolCalls ?? [])
    .filter((call) => !answered.has(call.id))
    .map((call) => ({ call, begun: begun.has(call.id) }));
}

export interface ToolStepParts {
  tools: ToolRegistry;
  writer: RunWriter;
  context: ToolContext;
}

/**
 * Runs the calls of one step side by side, each noted on disk before it begins and when it ends. A call that began in an
 * earlier process runs again only when it merely reads; of any other the model learns that its outcome is not known.
 */
export async function runToolCalls(calls: readonly OpenCall[], parts: ToolStepParts): Promise<NewMessage[]> {
  const limit = createLimit(PARALLEL_CALLS);
  const settled = await Promise.allSettled(calls.map((call) => limit(() => runCall(call, parts))));
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}

async function runCall({ call, begun }: OpenCall, parts: ToolStepParts): Promise<NewMessage> {
  const { tools, writer, context } = parts;
  let result: ToolResult;
  if (begun && !onlyReads(call.name, parts)) result = outcomeUnknown(call.name);
  else {
    context.signal.throwIfAborted();
    await writer.beginToolCall(call, {
      type: "tool.started",
      tool: call.name,
      call_id: call.id,
      arguments: cutText(call.arguments, EVENT_CHARS),
    });
    result = await untilAborted(tools.call(call.name, call.arguments, context), context.signal);
  }
  const message = resultMessage(call, result);
  await writer.endToolCall(message, {
    type: "tool.completed",
    tool: call.name,
    call_id: call.id,
    is_error: result.isError ?? false,
    result: cutText(result.text, EVENT_CHARS),
  });
  return message;
}

function onlyReads(name: string, { tools, context }: ToolStepParts): boolean {
  return tools.list(context.caller).some((tool) => tool.name === name && tool.effect === "read");
}

function outcomeUnknown(name: string): ToolResult {
  return errorResult(
    `Hermes was interrupted while ${name} ran. Whether it took effect is not known. Check before you call it again.`,
  );
}

function resultMessage(call: ToolCallRecord, result: ToolResult): NewMessage {
  return {
    role: "tool",
    parts: [{ type: "text", text: result.text }],
    toolCallId: call.id,
    toolName: call.name,
    ...(result.isError ? { isError: true } : {}),
  };
}

/** A tool that does not mind its signal is left behind, so that it cannot hold up the turn. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
  });
}
