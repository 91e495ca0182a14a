import { renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { newId } from "../lib/ids.ts";
import { type Db, makePrivateFile, syncPath } from "./connection.ts";

/**
 * Writes a consistent copy of the database to `toPath`, mode 0600, while others go on writing. The copy appears whole or
 * not at all: it is made under another name, synced and renamed.
 */
export function copyTo(db: Db, toPath: string): void {
  const unfinished = `${toPath}.${newId("part")}`;
  try {
    makePrivateFile(unfinished);
    db.$client.prepare("VACUUM INTO ?").run(unfinished);
    syncPath(unfinished); // SQLite does not sync what VACUUM INTO writes
    renameSync(unfinished, toPath);
    syncPath(dirname(toPath));
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
