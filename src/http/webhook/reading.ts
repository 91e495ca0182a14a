import { overloadedCalls } from "./in-flight.ts";

/** What of an account is being read at once. */
export interface ReadingLimits {
  bodies: number;
  /** Of all these bodies together, as far as they can grow. One of any size is always read. */
  bytes: number;
}

/** Reads bodies, so many of an account at once. */
export interface Reading {
  /**
   * Rejects with `overloaded` when newer calls need the place before the body is there. `maxBytes`: the most that it may turn
   * out to be.
   */
  read<T>(account: string, maxBytes: number, body: () => Promise<T>): Promise<T>;
}

/** A body that is being read. */
interface Place {
  maxBytes: number;
  giveWay(): void;
}

/** What is being read of an account, the oldest first. */
interface Places {
  all: Set<Place>;
  bytes: number;
}

/**
 * Keeps what is being read of an account within its limits. Who calls is known by no more than the body, so that a stranger may
 * hold calls open: the one that has been read for longest gives way to a new one. A sender who means it sends its body at once,
 * and is done long before its turn to give way.
 */
export function createReading({ bodies, bytes }: ReadingLimits): Reading {
  const byAccount = new Map<string, Places>();
  const leave = (places: Places, place: Place) => {
    if (places.all.delete(place)) places.bytes -= place.maxBytes;
  };
  return {
    async read(account, maxBytes, body) {
      const places = byAccount.get(account) ?? { all: new Set(), bytes: 0 };
      byAccount.set(account, places);
      const cut = Promise.withResolvers<never>();
      const place: Place = { maxBytes, giveWay: () => cut.reject(overloadedCalls()) };
      for (const oldest of places.all) {
        if (places.all.size < bodies && places.bytes + maxBytes <= bytes) break;
        leave(places, oldest);
        oldest.giveWay();
      }
      places.all.add(place);
      places.bytes += maxBytes;
      try {
        return await Promise.race([body(), cut.promise]);
      } finally {
        leave(places, place);
        if (places.all.size === 0 && byAccount.get(account) === places) byAccount.delete(account);
      }
    },
  };
}
