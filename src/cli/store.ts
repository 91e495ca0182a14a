import type { Store } from "../store/contract.ts";
import type { CommonOptions } from "./options.ts";
import { withProgress } from "./output.ts";

/** Opens the database for a command, whether Hermes runs or not, and closes it behind the work. */
export async function withStore<T>(
  options: CommonOptions,
  what: string,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const opened = async () => {
    const { openStoreOnly } = await import("../app/offline.ts");
    const store = await openStoreOnly(options);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  return withProgress(what, opened());
}
