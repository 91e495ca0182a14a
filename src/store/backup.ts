import { renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { type Db, makePrivateFile, syncPath } from "./connection.ts";

/**
 * Writes a consistent copy of the database to `toPath`, mode 0600, while others go on writing. The copy appears whole or
 * not at all: it is made under another name, synced and renamed. Rejects with `store_unavailable` when it cannot be made.
 */
export function copyTo(db: Db, toPath: string): void {
  try {
    writeCopy(db, toPath);
  } catch (error) {
    throw new AppError("store_unavailable", `The copy of the database to ${toPath} failed.`, {
      cause: error,
      hint: "Check that the directory exists, is writable and has room for the whole database.",
    });
  }
}

function writeCopy(db: Db, toPath: string): void {
  const unfinished = `${toPath}.${newId("part")}`;
  makePrivateFile(unfinished);
  try {
    db.$client.prepare("VACUUM INTO ?").run(unfinished);
    syncPath(unfinished); // SQLite does not sync what VACUUM INTO writes
    renameSync(unfinished, toPath);
    syncPath(dirname(toPath));
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
