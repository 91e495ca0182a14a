/** Counts what is being done, so that somebody can wait for the end of it. */
export interface Work {
  /** One more; the returned function says that it is done. */
  begin(): () => void;
  /** Resolves once nothing is being done. */
  idle(): Promise<void>;
}

export function createWork(): Work {
  let running = 0;
  let waiting: (() => void)[] = [];
  return {
    begin() {
      running += 1;
      return () => {
        running -= 1;
        if (running > 0) return;
        for (const resolve of waiting) resolve();
        waiting = [];
      };
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
