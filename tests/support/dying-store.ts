import type { RunStore, Store } from "../../src/store/contract.ts";

const WRITES = [
  "start",
  "appendEvents",
  "recordStep",
  "absorb",
  "beginToolCall",
  "endToolCall",
  "finish",
] as const;

/**
 * The store of a process that dies at its `at`-th write: that write never comes back, whether it reached the disk (`after`) or
 * not (`before`), and nor does any later one. `died` resolves when that has happened.
 */
export function dyingStore(store: Store, at: number, when: "before" | "after") {
  const died = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  let writes = 0;
  const dying =
    (write: (...parts: never[]) => Promise<unknown>) =>
    async (...parts: never[]) => {
      writes += 1;
      if (writes < at) return write(...parts);
      if (writes === at && when === "after") await write(...parts);
      died.resolve();
      return never;
    };
  const runs = { ...store.runs } as Record<string, unknown>;
  for (const name of WRITES) runs[name] = dying(store.runs[name] as (...parts: never[]) => Promise<unknown>);
  return { store: { ...store, runs: runs as unknown as RunStore }, died: died.promise, writes: () => writes };
}
