/** What became of a message so far: it is on its way, or acknowledged, or given up by its platform without that. */
export type Fate = "open" | "taken" | "given up";

/** What becomes of messages that a platform delivers until somebody acknowledges them, or until it gives them up. */
export interface Fates {
  /** One more delivery of the message begins. It may take several tries. */
  begin(id: string): void;
  /** A delivery is over: acknowledged, or tried for the last time. */
  end(id: string, isTaken: boolean): void;
  of(id: string): Fate;
}

export function createFates(): Fates {
  const fates = new Map<string, { open: number; isTaken: boolean }>();
  return {
    begin(id) {
      const { open = 0, isTaken = false } = fates.get(id) ?? {};
      fates.set(id, { open: open + 1, isTaken });
    },
    end(id, isTaken) {
      const fate = fates.get(id);
      if (fate !== undefined) fates.set(id, { open: fate.open - 1, isTaken: fate.isTaken || isTaken });
    },
    of(id) {
      const { open = 1, isTaken = false } = fates.get(id) ?? {};
      if (isTaken) return "taken";
      return open > 0 ? "open" : "given up";
    },
  };
}
