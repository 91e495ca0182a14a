import { databasePath } from "../config/home.ts";
import type { Store } from "../store/contract.ts";
import { livingInstances } from "../store/instances.ts";
import { openStore } from "../store/open.ts";
import { restoreDatabase } from "../store/restore.ts";
import type { SkillLibrary } from "../tools/skill/contract.ts";
import { createSkillLibrary } from "../tools/skill/library.ts";
import { type AppOptions, openQuietly } from "./configuration.ts";

/** Only the database, for commands that look into it. */
export async function openStoreOnly(options: AppOptions): Promise<Store> {
  const { loaded, log } = openQuietly(options);
  return openStore({ path: databasePath(loaded.home), log });
}

/** Only the skills, for commands that look at them. What is wrong with one is theirs to tell, not the log's. */
export function openSkills(options: AppOptions): SkillLibrary {
  const { loaded, log } = openQuietly({ logLevel: "error", ...options });
  return createSkillLibrary({ home: loaded.home, log });
}

/** Puts a backup in the place of the database; `kept` is where the one before is now. Raises what `restoreDatabase` raises. */
export async function restore(
  options: AppOptions,
  from: string,
): Promise<{ path: string; kept: string | null }> {
  const { loaded, log } = openQuietly(options);
  const path = databasePath(loaded.home);
  return { path, ...(await restoreDatabase({ path, from, log })) };
}

/** True while the process with this store instance lives. */
export function isAlive(home: string, instance: string): boolean {
  return livingInstances(databasePath(home)).includes(instance);
}
