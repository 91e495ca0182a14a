import type { BackoffOptions } from "../../lib/backoff.ts";

/** How long the adapter waits, and for what. Tests wait less. */
export interface Timing {
  /** For the answer to a call. */
  callMs: number;
  /** For the answer to a call that carries files, and for a file. */
  transferMs: number;
  /** Beyond the time that a poll waits at the server: then its connection counts as dead. */
  pollGraceMs: number;
  /** Between the tries of one call. */
  retry: BackoffOptions;
  /** Between polls that fail. */
  reconnect: BackoffOptions;
  /** Between the tries to hand on one event. */
  emitRetry: BackoffOptions;
  /** How long two programs may fight over the updates before one gives up. */
  conflictMs: number;
  /**
   * How long the next poll waits for events that are being handed on. Not under 500: a server that is asked for the same
   * updates more often answers with one of them (tdlib/telegram-bot-api, `process_get_updates_query`).
   */
  slowEmitMs: number;
  /** Before the next poll at a server that answers empty without having waited. */
  emptyPollMs: number;
  /** How often Telegram is asked how its calls to the webhook go. Under `silenceMs` of the limits. */
  webhookCheckMs: number;
}

export const TIMING: Timing = {
  callMs: 20_000,
  transferMs: 100_000,
  pollGraceMs: 10_000,
  retry: { baseMs: 500, maxMs: 4000 },
  reconnect: { baseMs: 1000, maxMs: 30_000 },
  emitRetry: { baseMs: 500, maxMs: 30_000 },
  conflictMs: 30_000,
  slowEmitMs: 1000,
  emptyPollMs: 1000,
  webhookCheckMs: 60_000,
};
