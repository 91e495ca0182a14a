import type { BackoffOptions } from "../../lib/backoff.ts";

/** How long the adapter waits, and for what. Tests wait less. */
export interface Timing {
  /** For the answer to a call. */
  callMs: number;
  /** For the answer to a call that carries a file, and for the beginning of a file. */
  transferMs: number;
  /** For a connection to be made. */
  handshakeMs: number;
  /** Between the pings of our own. */
  pingEveryMs: number;
  /**
   * A connection on which nothing is heard for so long is dead. Several pings long: DingTalk answers them late at times, and
   * clients that give up after one cut connections that are well.
   */
  deadMs: number;
  /** Closing waits so long for messages that are being taken, and for the other side to close. */
  closeMs: number;
  /** Between connections that fail. */
  reconnect: BackoffOptions;
  /** A connection that held for so long was a good one: what comes after it is a first failure again. */
  stableMs: number;
  /** With calls to the webhook: how often the credentials are tried. Every call counts in the quota of the organization. */
  checkEveryMs: number;
  /** Cards that cannot be made are not tried again for so long. */
  cardPauseMs: number;
}

export const TIMING: Timing = {
  callMs: 20_000,
  transferMs: 100_000,
  handshakeMs: 15_000,
  pingEveryMs: 30_000,
  deadMs: 90_000,
  closeMs: 2000,
  reconnect: { baseMs: 1000, maxMs: 30_000 },
  stableMs: 10_000,
  checkEveryMs: 3_600_000,
  cardPauseMs: 1_800_000,
};
