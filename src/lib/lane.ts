/** A limit on how many tasks run at once; the others wait in the order in which they came. */
export interface Limit {
  /**
   * Takes a place, waiting for one if need be. Resolves to the function that gives the place back; calling that again
   * does nothing. Rejects with `signal.reason` when the signal aborts during the wait, and the wait then leaves no trace.
   */
  enter(signal?: AbortSignal): Promise<() => void>;
  /** Runs `task` in a place of its own. `signal` ends only the wait; the task itself is not told. */
  run<T>(task: () => Promise<T> | T, signal?: AbortSignal): Promise<T>;
  /** Takes effect at once: a higher limit lets tasks in, a lower one lets running tasks end. */
  setLimit(limit: number): void;
  readonly running: number;
  readonly waiting: number;
}

/** `limit` is at least 1. */
export function createLimit(limit: number): Limit {
  const queue = new Set<() => void>(); // a Set keeps the order and forgets an aborted wait at once
  let places = checked(limit);
  let running = 0;

  const admit = () => {
    for (const start of queue) {
      if (running >= places) return;
      queue.delete(start);
      running += 1;
      start();
    }
  };
  const place = () => {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      running -= 1;
      admit();
    };
  };
  const enter = (signal?: AbortSignal) =>
    new Promise<() => void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        queue.delete(start);
        reject(signal?.reason);
      };
      const start = () => {
        signal?.removeEventListener("abort", abort);
        resolve(place());
      };
      signal?.addEventListener("abort", abort, { once: true });
      queue.add(start);
      admit();
    });

  return {
    enter,
    async run(task, signal) {
      const leave = await enter(signal);
      try {
        return await task();
      } finally {
        leave();
      }
    },
    setLimit(next) {
      places = checked(next);
      admit();
    },
    get running() {
      return running;
    },
    get waiting() {
      return queue.size;
    },
  };
}

function checked(limit: number): number {
  if (!(limit >= 1)) throw new RangeError(`A limit is at least 1, not ${limit}.`);
  return limit;
}
