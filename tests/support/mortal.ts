import type { RemoteAdapter } from "../../src/gateway/contract.ts";
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
  const dyingMembers = <T extends object>(whole: T, names: readonly string[]): T => {
    const copy = { ...whole } as Record<string, unknown>;
    for (const name of names) copy[name] = dying((whole as Record<string, Work>)[name] as Work);
    return copy as T;
  };
  const parts = Object.entries(WRITES).map(([name, writes]) => [
    name,
    dyingMembers(store[name as keyof typeof WRITES], writes),
  ]);
  return {
    store: { ...store, ...Object.fromEntries(parts) } as Store,
    adapter: dyingMembers(adapter, CALLS),
    died: died.promise,
    changes: () => changes,
  };
}
