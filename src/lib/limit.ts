/** Runs a task once there is a place for it, and settles as the task does. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** A limit on how many tasks run at once, at least 1; the others wait in the order in which they came. */
export function createLimit(places: number): Limit {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift(); // who waits gets this very place, so that nobody overtakes
      if (next) next();
      else free += 1;
    }
  };
}
