/** Waits for something that a change brings about. */
export interface Watch {
  /** Something has changed. */
  changed(): void;
  /** Resolves with the first value that is neither false nor undefined; rejects when the time is up. */
  until<T>(what: string, condition: () => T | false | undefined, timeoutMs?: number): Promise<T>;
}

/** Far more than anything takes, also on a busy machine. */
const UNTIL_MS = 20_000;

export function createWatch(): Watch {
  const watchers = new Set<() => void>();
  return {
    changed() {
      for (const watch of watchers) watch();
    },
    async until<T>(what: string, condition: () => T | false | undefined, timeoutMs = UNTIL_MS): Promise<T> {
      const found = Promise.withResolvers<T>();
      const watch = () => {
        const value = condition();
        if (value !== false && value !== undefined) found.resolve(value);
      };
      const timer = setTimeout(
        () => found.reject(new Error(`not within ${timeoutMs} ms: ${what}`)),
        timeoutMs,
      );
      watchers.add(watch);
      watch();
      try {
        return await found.promise;
      } finally {
        clearTimeout(timer);
        watchers.delete(watch);
      }
    },
  };
}
