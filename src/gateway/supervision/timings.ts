/** How long the supervisor waits for what, in milliseconds. */
export interface SupervisionTimings {
  /** A worker that leaves so many pings without an answer hangs. */
  pingEveryMs: number;
  missedPings: number;
  /** A call of an adapter may take so long: the upload of a large file, at worst. */
  callMs: number;
  /** Between tries of an account that failed: doubling from the first to the second. */
  retryBaseMs: number;
  retryMaxMs: number;
  /** Connected for so long, an account counts as mended: the next failure is its first. */
  settledMs: number;
  /** After so many crashes in a row the next try comes after the pause. */
  breakerCrashes: number;
  breakerPauseMs: number;
  /** Between tries while somebody else receives for the account. */
  conflictPauseMs: number;
  /** Between tries of an account that its platform has turned away. */
  refusedPauseMs: number;
  /** Between looks at an account that another process holds. */
  heldPauseMs: number;
  /** Signs of life are written to disk no more often. */
  saveHealthEveryMs: number;
  /** What a worker may take to stop receiving, and to end. */
  stopReceivingMs: number;
  endMs: number;
  /** A worker that was ended and is still there after so long is stuck for good. */
  goneMs: number;
  /** The same line of the log comes again no earlier. */
  repeatLogMs: number;
}

/** A call that takes longer than this rejects with `unavailable`. */
export const CALL_TIMEOUT_MS = 120_000;

export const TIMINGS: SupervisionTimings = {
  pingEveryMs: 5_000,
  missedPings: 4,
  callMs: CALL_TIMEOUT_MS,
  retryBaseMs: 1_000,
  retryMaxMs: 60_000,
  settledMs: 60_000,
  breakerCrashes: 10,
  breakerPauseMs: 300_000,
  conflictPauseMs: 60_000,
  refusedPauseMs: 600_000,
  heldPauseMs: 30_000,
  saveHealthEveryMs: 30_000,
  stopReceivingMs: 5_000,
  endMs: 2_000,
  goneMs: 10_000,
  repeatLogMs: 600_000,
};
