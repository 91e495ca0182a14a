import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/waiting.ts";
import { type ConnectionHooks, PlatformError } from "../contract.ts";
import type { Timing } from "./timing.ts";

/** The time in which calls fail: it is sat out, unless that cannot help. */
export interface Outage {
  /** True until a call was answered, and again from every failure on. */
  readonly lasts: boolean;
  /** Makes the call again and again until it is answered. Throws what cannot be sat out, and when the signal aborts. */
  untilAnswered<T>(call: () => Promise<T>): Promise<T>;
  over(): void;
}

export interface OutageOptions {
  hooks: ConnectionHooks;
  timing: Timing;
  signal: AbortSignal;
  /** Called for a failure before the wait. */
  onFailure?: (error: PlatformError) => Promise<void>;
}

/** Makes the record of an outage, which begins as one. */
export function createOutage({ hooks, timing, signal, onFailure }: OutageOptions): Outage {
  let lasts = true;
  let failures = 0;
  const conflict = createConflict(timing.conflictMs);

  const sitOut = async (error: unknown) => {
    if (signal.aborted || !(error instanceof PlatformError) || error.kind === "unauthorized") throw error;
    if (error.kind === "conflict" && conflict.lastsTooLong()) throw error;
    lasts = true;
    hooks.reconnecting(error.message);
    await onFailure?.(error);
    await sleep(Math.max(error.retryAfterMs ?? 0, backoffMs(failures++, timing.reconnect)), signal);
    signal.throwIfAborted();
  };

  return {
    get lasts() {
      return lasts;
    },
    async untilAnswered(call) {
      for (;;)
        try {
          return await call();
        } catch (error) {
          await sitOut(error);
        }
    },
    over() {
      lasts = false;
      failures = 0;
    },
  };
}

/**
 * After a kill, the poll of the dead process goes on for a moment and makes a conflict or two. Two programs that fight go on
 * making them, though each is answered now and then: a conflict is over when there was no other for a while.
 */
function createConflict(patienceMs: number): { lastsTooLong(): boolean } {
  let sinceMs = Number.NEGATIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    lastsTooLong() {
      const nowMs = performance.now();
      if (nowMs - lastMs >= patienceMs) sinceMs = nowMs;
      lastMs = nowMs;
      return nowMs - sinceMs >= patienceMs;
    },
  };
}
