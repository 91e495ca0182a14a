import { createLimit } from "../lib/limit.ts";
import { orAborted } from "../lib/waiting.ts";
import type { NewMessage, ToolCallRecord, ToolCallState } from "../store/records.ts";
import type { ToolContext, ToolProgress, ToolResult } from "../tools/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import { errorResult } from "../tools/result.ts";
import { cutText } from "../tools/text.ts";
import type { Approver } from "./approvals.ts";
import type { RunEvent } from "./events.ts";
import type { RunWriter } from "./run-writer.ts";
import { createProgressReport } from "./tool-progress.ts";

const PARALLEL_CALLS = 8;
/** Of arguments and results in events; the model reads them whole. */
const EVENT_CHARS = 16_000;
const PROGRESS_CHARS = 500;

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

/** What the calls of a step work with. */
export interface ToolStepParts {
  tools: ToolRegistry;
  writer: RunWriter;
  approver: Approver;
  /** What the calls of the step have in common. */
  context: ToolContext;
}

/**
 * Runs the calls of one step side by side, each noted on disk before it begins and when it ends. Who has to be asked is asked
 * before that, and once, however often the process dies before the call begins. One that had begun runs again only when it merely
 * reads or goes on where it was; of any other the model learns that its outcome is not known.
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
  if (begun && !mayRepeat(call.name, parts)) return endCall(call, outcomeUnknown(call.name), parts);
  let noted: Promise<void> | undefined;
  const begin = () => {
    noted ??= beginCall(call, parts);
    return noted;
  };
  const result = await callTool(call, parts, begin);
  // One that was refused has a beginning too, for those who read along; it goes to the disk together with its end.
  const [, message] = await Promise.all([begin(), endCall(call, result, parts)]);
  return message;
}

async function beginCall(call: ToolCallRecord, { writer, context }: ToolStepParts): Promise<void> {
  context.signal.throwIfAborted();
  await writer.beginToolCall(call, {
    type: "tool.started",
    tool: call.name,
    call_id: call.id,
    arguments: cutText(call.arguments, EVENT_CHARS),
  });
}

async function endCall(
  call: ToolCallRecord,
  result: ToolResult,
  { writer }: ToolStepParts,
): Promise<NewMessage> {
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

async function callTool(
  call: ToolCallRecord,
  { tools, writer, approver, context }: ToolStepParts,
  begin: () => Promise<void>,
): Promise<ToolResult> {
  const progress = createProgressReport((step) => writer.event(progressEvent(call, step)));
  const own: ToolContext = {
    ...context,
    callId: call.id,
    progress: progress.report,
    approve: (request, withdrawn) => approver(call.id, request, withdrawn),
  };
  try {
    // A tool that does not mind its signal is left behind, so that it cannot hold up the turn.
    return await orAborted(tools.call(call.name, call.arguments, own, begin), context.signal);
  } finally {
    progress.stop();
  }
}

function progressEvent(call: ToolCallRecord, { message, done, total }: ToolProgress): RunEvent {
  return {
    type: "tool.progress",
    tool: call.name,
    call_id: call.id,
    message: cutText(message, PROGRESS_CHARS),
    ...(done === undefined ? {} : { done }),
    ...(total === undefined ? {} : { total }),
  };
}

function mayRepeat(name: string, { tools, context }: ToolStepParts): boolean {
  const tool = tools.list(context.caller).find((one) => one.name === name);
  return tool !== undefined && (tool.effect === "read" || tool.resumes === true);
}

function outcomeUnknown(name: string): ToolResult {
  return errorResult(
    `Hermes was interrupted while ${name} ran. Whether it took effect is not known. Check before you call it again.`,
  );
}

function resultMessage(call: ToolCallRecord, result: ToolResult): NewMessage {
  return {
    role: "tool",
    parts: [
      { type: "text", text: result.text },
      ...(result.images ?? []).map(({ mediaType, data }) => ({ type: "image" as const, mediaType, data })),
    ],
    toolCallId: call.id,
    toolName: call.name,
    ...(result.isError ? { isError: true } : {}),
  };
}
