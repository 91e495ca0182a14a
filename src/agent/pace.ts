import { clamp } from "../lib/backoff.ts";

/** Between two moments: for each run that writes at one of them, and the least and the most of it. */
const MS_PER_RUN = 0.4;
const MIN_MS = 10;
const MAX_MS = 40;

/**
 * The moments at which streamed text goes to disk. They are the same for all runs, so that these share a transaction: what
 * a transaction costs hardly depends on what it holds. One quiet stream never waits, a busy one 10 ms at most, and the more
 * runs stream, the longer they wait for each other.
 */
export interface Pace {
  /** Calls `write` at the next moment, which is the end of this tick of the event loop when the last one is long past. */
  next(write: () => void): void;
}

export function createPace(): Pace {
  let waiting: (() => void)[] = [];
  let pauseUntilMs = 0;

  const moment = () => {
    const due = waiting;
    waiting = [];
    pauseUntilMs = performance.now() + clamp(due.length * MS_PER_RUN, MIN_MS, MAX_MS);
    for (const write of due) write();
  };
  return {
    next(write) {
      waiting.push(write);
      if (waiting.length > 1) return;
      const pauseMs = pauseUntilMs - performance.now();
      if (pauseMs > 0) setTimeout(moment, pauseMs);
      else setImmediate(moment);
    },
  };
}
