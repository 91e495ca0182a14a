import type { BackoffOptions } from "../../lib/backoff.ts";

/** How long the adapters wait, and for what. Tests wait less. */
export interface Timing {
  /** For the answer to a call of the server API. */
  callMs: number;
  /** For the answer to a call that carries a file, and for the head of a file. */
  transferMs: number;
  /** How often the credentials of an application are tried. */
  checkMs: number;
  /** Between tries while WeCom cannot be reached. */
  retry: BackoffOptions;
  /** For a connection to open, and for the answer to the subscription. */
  handshakeMs: number;
  /** Between pings; two of them without an answer, and the connection is dead. */
  pingMs: number;
  /** For the acknowledgement of a frame. */
  ackMs: number;
  /** A connection that held for so long was a good one. */
  stableMs: number;
  /** For messages that are being taken while the connection is given up. */
  closeMs: number;
  /** A message can be answered for so long; a stream that has not ended by then is ended. */
  answerableMs: number;
  /** A sign of being at work that nobody has renewed for so long is taken away. */
  silentMs: number;
}

export const TIMING: Timing = {
  callMs: 15_000,
  transferMs: 100_000,
  checkMs: 300_000,
  retry: { baseMs: 1000, maxMs: 30_000 },
  handshakeMs: 15_000,
  pingMs: 30_000,
  ackMs: 5000,
  stableMs: 10_000,
  closeMs: 2000,
  answerableMs: 345_000,
  silentMs: 20_000,
};
