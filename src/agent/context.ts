import { AppError } from "../lib/errors.ts";
import type { ModelMessage } from "../models/contract.ts";
import { fitParts, hiddenPart, lackedPart, type Senses } from "../models/senses.ts";
import type { NewMessage, Part } from "../store/records.ts";
import { cutText } from "../tools/text.ts";
import { removeTemplateTokens } from "../tools/untrusted.ts";
import { estimateMessages, estimateTokens } from "./tokens.ts";

/** How long tool results may be in this turn, tried in this order until all fits; the last step gets four times as much. */
const [MAX_RESULT_CHARS, MIN_RESULT_CHARS] = [64_000, 200];
const RESULT_CHARS = [MAX_RESULT_CHARS, 8_000, 2_000, 500, MIN_RESULT_CHARS] as const;
/** In past turns: the latest ones, and all before. */
const RECENT_TURNS = 3;
const RECENT_RESULT_CHARS = 2_000;
const OLD_RESULT_CHARS = 400;
const MAX_SUMMARY_CHARS = 8_000;
const LEFT_OUT = "[Earlier messages of this conversation are left out here, because they do not fit.]";
const STEPS_LEFT_OUT = "[Earlier steps of this turn are left out here, because they do not fit.]";
const NOTES_TOKENS = estimateTokens(LEFT_OUT) + estimateTokens(STEPS_LEFT_OUT) + 20;

/** What a context is made from. */
export interface ContextParts {
  system: string;
  /** What stands for the turns before `history`. */
  summary: string | null;
  /** Past turns of the session, oldest first. */
  history: readonly (readonly NewMessage[])[];
  /** The messages of this turn so far; every tool call in it has its result. */
  current: readonly NewMessage[];
  /** What the model takes besides text. */
  senses: Senses;
  /** What all messages together may cost, by estimate. */
  budgetTokens: number;
}

/** The messages of one model call. */
export interface Context {
  messages: ModelMessage[];
  /** How many of the oldest turns of `history` did not fit. */
  leftOut: number;
}

/**
 * The messages for the next model call. Never costs more than the budget by estimate, and never breaks a tool pair: an
 * assistant message with calls is followed by the result of each. Throws `invalid_request` when the message itself does not fit.
 */
export function buildContext(parts: ContextParts): Context {
  const system: ModelMessage = { role: "system", text: parts.system };
  const room = parts.budgetTokens - NOTES_TOKENS - estimateMessages([system]);
  const current = fitCurrent(parts, room);
  let left = room - estimateMessages(current.messages);

  const summary = summaryMessage(parts.summary);
  const summaryTokens = estimateMessages(summary);
  const hasSummary = summaryTokens <= left;
  if (hasSummary) left -= summaryTokens;

  const past = fitHistory(parts, left);
  const notes: string[] = [];
  if (past.leftOut > 0 || (parts.summary !== null && !hasSummary)) notes.push(LEFT_OUT);
  if (current.stepsLeftOut) notes.push(STEPS_LEFT_OUT);
  const messages = [
    system,
    ...(hasSummary ? summary : []),
    ...(notes.length > 0 ? [userText(notes.join("\n"))] : []),
    ...past.messages,
    ...current.messages,
  ];
  return { messages: mergeUsers(messages), leftOut: past.leftOut };
}

function fitCurrent(parts: ContextParts, room: number): { messages: ModelMessage[]; stepsLeftOut: boolean } {
  const stepCount = toSteps(parts.current, () => NOTHING_SHOWN).length;
  let steps: ModelMessage[][] = [];
  for (const chars of RESULT_CHARS) {
    steps = toSteps(parts.current, (index) => {
      const isLast = index === stepCount - 1;
      const showsImages = isLast ? chars > MIN_RESULT_CHARS : chars === MAX_RESULT_CHARS;
      return {
        chars: isLast ? chars * 4 : chars,
        senses: parts.senses,
        isPast: false,
        resultImages: parts.senses.images && showsImages,
      };
    });
    if (estimateMessages(steps.flat()) <= room) return { messages: steps.flat(), stepsLeftOut: false };
  }
  const isUser = (step: ModelMessage[]) => step[0]?.role === "user";
  for (let first = 0; first < steps.length - 1; first++) {
    const kept = steps.filter((step, index) => index > first || isUser(step)).flat();
    if (estimateMessages(kept) <= room) return { messages: kept, stepsLeftOut: true };
  }
  throw new AppError("invalid_request", "The message does not fit into what the model can read at once.", {
    hint: "Shorten it or send fewer attachments, or use a model with a larger context (agent.context_tokens also limits it).",
  });
}

/** Whole turns, the newest first, for as long as they fit. */
function fitHistory(parts: ContextParts, room: number): { messages: ModelMessage[]; leftOut: number } {
  const kept: ModelMessage[][] = [];
  let left = room;
  for (let index = parts.history.length - 1; index >= 0; index--) {
    const isRecent = parts.history.length - index <= RECENT_TURNS;
    const chars = isRecent ? RECENT_RESULT_CHARS : OLD_RESULT_CHARS;
    const senses = isRecent ? parts.senses : NO_SENSES;
    const view = { chars, senses, isPast: true, resultImages: senses.images };
    const turn = toSteps(parts.history[index] ?? [], () => view).flat();
    left -= estimateMessages(turn);
    if (left < 0) return { messages: kept.flat(), leftOut: index + 1 };
    kept.unshift(turn);
  }
  return { messages: kept.flat(), leftOut: 0 };
}

/** How much of a step is shown. */
interface StepView {
  /** Characters of each tool result. */
  chars: number;
  /** What is shown of the images and recordings of users. */
  senses: Senses;
  isPast: boolean;
  resultImages: boolean;
}
const NO_SENSES: Senses = { images: false, audio: false };
const NOTHING_SHOWN: StepView = { chars: 0, senses: NO_SENSES, isPast: true, resultImages: false };

/**
 * The messages grouped into what must stay together: an assistant message with its results, or any other message alone.
 * Calls without a result and results without a call are dropped, as an interrupted turn leaves them behind.
 */
function toSteps(messages: readonly NewMessage[], viewOf: (step: number) => StepView): ModelMessage[][] {
  const steps: ModelMessage[][] = [];
  for (const [index, message] of messages.entries()) {
    const view = viewOf(steps.length);
    if (message.role === "user") {
      const words = view.isPast ? hiddenPart : lackedPart;
      steps.push([{ role: "user", parts: fitParts(message.parts, view.senses, words) }]);
    }
    if (message.role !== "assistant") continue;
    const step = assistantStep(message, resultsAfter(messages, index), view);
    if (step.length > 0) steps.push(step);
  }
  return steps;
}

/** The tool messages up to the next message of another role. */
function resultsAfter(messages: readonly NewMessage[], index: number): Map<string, NewMessage> {
  const results = new Map<string, NewMessage>();
  for (let at = index + 1; messages[at]?.role === "tool"; at++) {
    const result = messages[at] as NewMessage;
    if (result.toolCallId !== undefined) results.set(result.toolCallId, result);
  }
  return results;
}

function assistantStep(
  message: NewMessage,
  results: Map<string, NewMessage>,
  view: StepView,
): ModelMessage[] {
  const calls = message.toolCalls ?? [];
  const answered = calls.filter((call) => results.has(call.id));
  const text = textOf(message.parts);
  if (answered.length === 0 && text.trim() === "") return [];
  // What the provider wants back belongs to the message as it was; a mended one goes without.
  const whole = answered.length === calls.length;
  const assistant: ModelMessage = {
    role: "assistant",
    text,
    toolCalls: answered,
    ...(whole && message.reasoning !== undefined ? { reasoning: message.reasoning } : {}),
    ...(whole && message.providerData !== undefined ? { providerData: message.providerData } : {}),
  };
  return [assistant, ...answered.map((call) => toolMessage(call, results.get(call.id), view))];
}

function toolMessage(
  call: { id: string; name: string },
  result: NewMessage | undefined,
  { chars, resultImages }: StepView,
): ModelMessage {
  const all = (result?.parts ?? []).filter((part) => part.type === "image");
  const text = cutText(removeTemplateTokens(textOf(result?.parts ?? [])), chars);
  return {
    role: "tool",
    toolCallId: call.id,
    toolName: call.name,
    text: resultImages ? text : [text, ...all.map(hiddenPart)].join("\n"),
    isError: result?.isError ?? false,
    ...(resultImages && all.length > 0 ? { images: all } : {}),
  };
}

/** Several user messages in a row become one: some providers demand that the roles alternate. */
function mergeUsers(messages: ModelMessage[]): ModelMessage[] {
  const merged: ModelMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (message.role === "user" && last?.role === "user")
      merged[merged.length - 1] = { role: "user", parts: [...last.parts, ...message.parts] };
    else merged.push(message);
  }
  return merged;
}

function summaryMessage(summary: string | null): ModelMessage[] {
  if (summary === null) return [];
  return [userText(`[Summary of the conversation so far]\n${cutText(summary, MAX_SUMMARY_CHARS)}`)];
}

function userText(text: string): ModelMessage {
  return { role: "user", parts: [{ type: "text", text }] };
}

/** The text of a message, without its images. */
export function textOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}
