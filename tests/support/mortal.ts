import type { RemoteAdapter } from "../../src/gateway/contract.ts";
import { AppError } from "../../src/lib/errors.ts";
import type { Store } from "../../src/store/contract.ts";

/** What a gateway changes outside of its own memory. */
const WRITES = {
  runs: [
    "accept",
    "start",
    "recordStep",
    "appendEvents",
    "absorb",
    "beginToolCall",
    "endToolCall",
    "requestApproval",
    "settleApproval",
    "requestCancel",
    "finish",
  ],
  deliveries: ["add", "recordParts", "postpone", "finish", "bury"],
  approvals: ["decide"],
  pairings: ["request", "approve"],
  chats: ["save"],
  inbox: ["begin"],
  sessions: ["undo"],
} as const satisfies { [Name in keyof Store]?: readonly (keyof Store[Name])[] };

const CALLS = ["send", "edit", "remove"] as const satisfies readonly (keyof RemoteAdapter)[];

type Work = (...parts: never[]) => Promise<unknown>;

/** Puts `around` around every change of the world. */
function withChanges(
  store: Store,
  adapter: RemoteAdapter,
  around: (work: Work, isStore: boolean) => Work,
): { store: Store; adapter: RemoteAdapter } {
  const wrapped = <T extends object>(whole: T, names: readonly string[], isStore: boolean): T => {
    const copy = { ...whole } as Record<string, unknown>;
    for (const name of names) copy[name] = around((whole as Record<string, Work>)[name] as Work, isStore);
    return copy as T;
  };
  const parts = Object.entries(WRITES).map(([name, writes]) => [
    name,
    wrapped(store[name as keyof typeof WRITES], writes, true),
  ]);
  return {
    store: { ...store, ...Object.fromEntries(parts) } as Store,
    adapter: wrapped(adapter, CALLS, false),
  };
}

/** A store on a disk that is full at its `at`-th write and at the `more` after it. */
export function fullDisk(store: Store, adapter: RemoteAdapter, at: number, more: number) {
  let writes = 0;
  const around = (work: Work, isStore: boolean): Work =>
    isStore
      ? async (...parts) => {
          writes += 1;
          if (writes >= at && writes <= at + more)
            throw new AppError("store_unavailable", "The disk is full.");
          return await work(...parts);
        }
      : work;
  return { ...withChanges(store, adapter, around), writes: () => writes };
}

/**
 * The store and the adapter of a process that dies at its `at`-th change of the world: that one never comes back, whether it
 * happened (`after`) or not (`before`), and nor does any later one. `died` resolves when that has happened.
 */
export function mortal(store: Store, adapter: RemoteAdapter, at: number, when: "before" | "after") {
  const died = Promise.withResolvers<"died">();
  const never = new Promise<never>(() => {});
  let changes = 0;
  const dying =
    (work: Work): Work =>
    async (...parts) => {
      changes += 1;
      if (changes < at) return await work(...parts);
      if (changes === at && when === "after") await work(...parts);
      died.resolve("died");
      return await never;
    };
  return {
    ...withChanges(store, adapter, dying),
    died: died.promise,
    changes: () => changes,
  };
}
