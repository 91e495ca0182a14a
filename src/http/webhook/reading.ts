import { overloadedCalls } from "./in-flight.ts";

/** Reads bodies, so many of an account at once. */
export interface Reading {
  /** Rejects with `overloaded` when newer calls need the place before the body is there. */
  read<T>(account: string, body: () => Promise<T>): Promise<T>;
}

/**
 * At most `max` bodies of an account are being read. Who calls is known by no more than the body, so that a stranger may hold
 * calls open: the one that has been read for longest gives way to a new one. A platform sends its body at once, and is done
 * long before its turn to give way.
 */
export function createReading(max: number): Reading {
  const byAccount = new Map<string, Set<() => void>>();
  return {
    async read(account, body) {
      const places = byAccount.get(account) ?? new Set();
      byAccount.set(account, places);
      const cut = Promise.withResolvers<never>();
      const giveWay = () => {
        places.delete(giveWay);
        cut.reject(overloadedCalls());
      };
      const [oldest] = places;
      if (places.size >= max) oldest?.();
      places.add(giveWay);
      try {
        return await Promise.race([body(), cut.promise]);
      } finally {
        places.delete(giveWay);
        if (places.size === 0 && byAccount.get(account) === places) byAccount.delete(account);
      }
    },
  };
}
