import type { BackoffOptions } from "../../lib/backoff.ts";

/** How long the adapter waits, and for what. Tests wait less. */
export interface Timing {
  /** For the answer to one try of a call, files included. */
  callMs: number;
  /** A wait that Discord asks for and that is longer than this is left to the gateway. */
  longestWaitMs: number;
  /** For the first word of Discord on a new socket. */
  helloMs: number;
  /** For the next event while a session begins or is resumed. */
  readyMs: number;
  /** Between connections that fail. */
  reconnect: BackoffOptions;
  /** A connection that lasted so long counts as good: the next one that fails is the first. */
  settledMs: number;
  /** After a session that Discord has declared invalid: a random time, "between 1 and 5 seconds". */
  invalid: { leastMs: number; spreadMs: number };
  /** Between two new sessions: `max_concurrency` is 1 per 5 s for bots that need no sharding. */
  identifyEveryMs: number;
  /** Between the tries to hand on one event. */
  emitRetry: BackoffOptions;
  /** The state is saved no more often than this, but for events. */
  saveEveryMs: number;
  /** How often Discord is asked whether the token still holds, where nothing else shows it. */
  checkEveryMs: number;
}

export const TIMING: Timing = {
  callMs: 30_000,
  longestWaitMs: 10_000,
  helloMs: 15_000,
  readyMs: 30_000,
  reconnect: { baseMs: 1000, maxMs: 30_000 },
  settledMs: 10_000,
  invalid: { leastMs: 1000, spreadMs: 4000 },
  identifyEveryMs: 5500,
  emitRetry: { baseMs: 500, maxMs: 30_000 },
  saveEveryMs: 1000,
  checkEveryMs: 180_000,
};
