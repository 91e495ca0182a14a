import type { Clock } from "../../src/webhooks/outbound/clock.ts";

/** A time that stands still until somebody moves it. */
export interface VirtualClock extends Clock {
  /** How many sleep at this moment. */
  readonly sleeping: number;
  /** Goes to the moment at which the next one wakes, and wakes it. False when nobody sleeps but for ever. */
  next(): boolean;
  /** Goes on by so much; wakes nobody before `next`. */
  pass(ms: number): void;
}

export function createVirtualClock(startMs = Date.parse("2026-11-22T08:00:00Z")): VirtualClock {
  let nowMs = startMs;
  const sleepers = new Set<{ atMs: number; wake: () => void }>();
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wake = () => {
          sleepers.delete(sleeper);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper = { atMs: nowMs + ms, wake };
        sleepers.add(sleeper);
        signal.addEventListener("abort", wake);
      }),
    get sleeping() {
      return sleepers.size;
    },
    next() {
      const [first] = [...sleepers].sort((a, b) => a.atMs - b.atMs);
      if (first === undefined || first.atMs === Number.POSITIVE_INFINITY) return false;
      nowMs = Math.max(nowMs, first.atMs);
      first.wake();
      return true;
    },
    pass(ms) {
      nowMs += ms;
    },
  };
}
