/** Lanes: tasks of one key run one after another, tasks of different keys side by side. */
export interface Lanes {
  /**
   * Runs `task` once every earlier task of `key` has ended, whether it succeeded or failed. Settles as the task does.
   * A task that waits for another task of its own key never ends.
   */
  run<T>(key: string, task: () => Promise<T> | T): Promise<T>;
  /** Tasks of `key` that run or wait. */
  depth(key: string): number;
  /** Keys that have a task running or waiting; an empty lane costs no memory. */
  readonly size: number;
}

export function createLanes(): Lanes {
  const lanes = new Map<string, { tail: Promise<unknown>; depth: number }>();

  return {
    run(key, task) {
      const lane = lanes.get(key) ?? { tail: Promise.resolve(), depth: 0 };
      lanes.set(key, lane);
      lane.depth += 1;
      const result = lane.tail.then(task);
      const leave = () => {
        lane.depth -= 1;
        if (lane.depth === 0) lanes.delete(key);
      };
      lane.tail = result.then(leave, leave); // the failure belongs to the caller, who holds `result`
      return result;
    },
    depth: (key) => lanes.get(key)?.depth ?? 0,
    get size() {
      return lanes.size;
    },
  };
}

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
