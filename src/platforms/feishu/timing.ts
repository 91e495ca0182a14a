import type { BackoffOptions } from "../../lib/backoff.ts";

/** How long the adapter waits, and for what. Tests wait less. */
export interface Timing {
  /** For the answer to a call. */
  callMs: number;
  /** For the answer to a call that carries a file, and for the head of a file. */
  transferMs: number;
  /** For what a message is told with, if it comes in time: the name of its sender, and what it replies to. */
  lookupMs: number;
  /** For a connection to open. */
  handshakeMs: number;
  /** For anything to come after a ping. */
  pongMs: number;
  /** For messages that are being taken while the connection is given up, and for it to close. */
  closeMs: number;
  /** A connection that held for so long was a good one. */
  stableMs: number;
  /** Between tries while Feishu cannot be reached; once it can, it tells itself how long to wait. */
  retry: BackoffOptions;
  /** For the rest of an event that comes in pieces. */
  fragmentMs: number;
  /** With callbacks: how often the credentials are tried. Under `silenceMs` of the limits. */
  checkMs: number;
}

export const TIMING: Timing = {
  callMs: 15_000,
  transferMs: 100_000,
  lookupMs: 1000,
  handshakeMs: 15_000,
  pongMs: 30_000,
  closeMs: 2000,
  stableMs: 10_000,
  retry: { baseMs: 1000, maxMs: 30_000 },
  fragmentMs: 10_000,
  checkMs: 120_000,
};
