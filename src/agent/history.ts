import type { SessionStore } from "../store/contract.ts";
import type { Message } from "../store/records.ts";

/** How many of the newest messages are read: more only where the summary does not cover them yet. */
const READ_LIMITS = [60, 240, 960] as const;
/** Past this many messages the oldest are summarised, however short they are. */
export const MAX_HISTORY_MESSAGES = 600;

/** What was said before the current turn. */
export interface History {
  summary: string | null;
  /** The turns that the summary does not cover, oldest first. */
  turns: Message[][];
}

/** The current turn: what was accepted before it belongs to its history, what was accepted later does not. */
export interface CurrentTurn {
  sessionKey: string;
  runId: string;
  /** The id of its user message. */
  firstMessageId: number;
}

/**
 * What was said before the current turn. Grouped by turn, because a message that was accepted while another turn ran lies in
 * the middle of that one.
 */
export async function loadHistory(sessions: SessionStore, current: CurrentTurn): Promise<History> {
  const summary = await sessions.summary(current.sessionKey);
  const throughId = summary?.throughId ?? 0;
  let messages: Message[] = [];
  for (const limit of READ_LIMITS) {
    messages = (await sessions.messages(current.sessionKey, { limit, newest: true })).items;
    if (messages.length < limit || (messages[0]?.id ?? 0) <= throughId) break;
  }
  const turns = new Map<string, Message[]>();
  for (const message of messages) {
    if (message.id <= throughId || message.runId === current.runId) continue;
    const turn = turns.get(message.runId);
    if (turn) turn.push(message);
    else turns.set(message.runId, [message]);
  }
  const isPast = (turn: Message[]) => (turn[0]?.id ?? 0) < current.firstMessageId;
  return { summary: summary?.text ?? null, turns: [...turns.values()].filter(isPast) };
}

/**
 * Up to which message a summary of the `covered` turns may stand for all: where turns overlap, not past the beginning of one
 * that it does not cover.
 */
export function summaryEnd(covered: Message[][], rest: Message[][], current: CurrentTurn): number {
  const end = Math.max(...covered.flat().map((message) => message.id));
  const firstOfRest = Math.min(
    current.firstMessageId,
    ...rest.map((turn) => turn[0]?.id ?? Number.MAX_SAFE_INTEGER),
  );
  return Math.min(end, firstOfRest - 1);
}
