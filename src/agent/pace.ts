import { clamp } from "../lib/backoff.ts";

/** Between two moments: for each run that waited for the first of them, and the least and the most of it. */
const MS_PER_RUN = 0.4;
const MIN_MS = 10;
const MAX_MS = 40;

/**
 * The moments at which streamed text is read and goes to disk. They are the same for all runs, so that these share a
 * transaction, whose cost hardly depends on what it holds. A run that streams alone waits 10 ms at most, and not at all when
 * its tokens are further apart; the more of them stream, the longer they wait for each other.
 */
export interface Pace {
  /** Resolves at the next moment: the end of this tick of the event loop when the last one is long past. */
  next(): Promise<void>;
}

/** A pace that all writers of this process share. */
export function createPace(): Pace {
  let coming: PromiseWithResolvers<void> | null = null;
  let waiting = 0;
  let pauseUntilMs = 0;

  const moment = () => {
    pauseUntilMs = performance.now() + clamp(waiting * MS_PER_RUN, MIN_MS, MAX_MS);
    coming?.resolve();
    coming = null;
    waiting = 0;
  };
  return {
    next() {
      waiting += 1;
      if (coming) return coming.promise;
      coming = Promise.withResolvers();
      const pauseMs = pauseUntilMs - performance.now();
      if (pauseMs > 0) setTimeout(moment, pauseMs);
      else setImmediate(moment);
      return coming.promise;
    },
  };
}
