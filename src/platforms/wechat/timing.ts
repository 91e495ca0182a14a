import type { BackoffOptions } from "../../lib/backoff.ts";

/** How long the adapter waits, and for what. Tests wait less. */
export interface Timing {
  /** For the answer to a call of the server API. */
  callMs: number;
  /** For the answer to a call that carries a file, and for the head of a file. */
  transferMs: number;
  /** How often the credentials are tried. */
  checkMs: number;
  /** Between tries while WeChat cannot be reached. */
  retry: BackoffOptions;
  /** For the answer to a message, which WeChat takes within 5 s of its call. */
  holdMs: number;
  /** By then WeChat has hung up, and calls again where it does so at all. */
  hangUpMs: number;
  /** For another part, before the last push of a question goes out. */
  anotherPartMs: number;
  /** The same, before the answer to a call goes out where nothing can be sent after it. */
  anotherPartOfReplyMs: number;
  /** Before a push, so that the answer to a call that went out before it is seen before it. */
  afterReplyMs: number;
  /** A message that is brought again within this time gets the same answer. */
  repeatMs: number;
}

export const TIMING: Timing = {
  callMs: 15_000,
  transferMs: 100_000,
  checkMs: 600_000,
  retry: { baseMs: 1000, maxMs: 30_000 },
  holdMs: 4500,
  hangUpMs: 6000,
  anotherPartMs: 1500,
  anotherPartOfReplyMs: 300,
  afterReplyMs: 500,
  repeatMs: 60_000,
};
