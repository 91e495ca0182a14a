/** Decides what of many things of one kind is worth a line in the log. */
export interface Seldom {
  /** How many of this kind were passed over since the last one that was told; null for one that is passed over too. */
  tell(kind: string): number | null;
}

export interface SeldomOptions {
  /** One of a kind is told in this time. */
  everyMs: number;
  /** A clock that nobody sets, in milliseconds. */
  now?: () => number;
}

/** Kinds that are remembered; more can only come of a mistake. */
const MAX_KINDS = 1_000;

/** Tells the first one of a kind at once, and the next one after `everyMs`. */
export function createSeldom({ everyMs, now = () => performance.now() }: SeldomOptions): Seldom {
  const kinds = new Map<string, { toldAt: number; passedOver: number }>();
  return {
    tell(kind) {
      const time = now();
      const known = kinds.get(kind);
      if (known !== undefined && time - known.toldAt < everyMs) {
        known.passedOver += 1;
        return null;
      }
      if (kinds.size >= MAX_KINDS) kinds.clear();
      kinds.set(kind, { toldAt: time, passedOver: 0 });
      return known?.passedOver ?? 0;
    },
  };
}
