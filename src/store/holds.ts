import type { Database } from "bun:sqlite";
import { hash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFile } from "./connection.ts";
import { lockDirectory, tryLock } from "./instances.ts";

const UNKNOWN_HOLDER = "another process";

/** What one process at a time may do among those that share a database. */
export interface Holds {
  /** Takes the thing of this name, or tells who has it: whatever that process gave as its `holder`. */
  take(name: string, holder: string): { release: () => void } | { heldBy: string };
  /** Lets go of everything. */
  close(): void;
}

/**
 * Locks like those of `Instances`, which the kernel takes away when the process ends, however it ends. The file of a lock
 * stays for ever: whoever removed it could not know that nobody has just opened it, and two would hold the same name.
 */
export function createHolds(databasePath: string): Holds {
  const held = new Map<Database, string>();
  const release = (lock: Database) => {
    const holderFile = held.get(lock);
    if (holderFile === undefined) return;
    held.delete(lock);
    rmSync(holderFile, { force: true });
    lock.close(true);
  };

  return {
    take(name, holder) {
      const path = join(lockDirectory(databasePath), `${hash("sha256", name)}.hold`);
      const holderFile = `${path}er`;
      makePrivateFile(path);
      const lock = tryLock(path);
      if (!lock) return { heldBy: readHolder(holderFile) };
      held.set(lock, holderFile);
      try {
        writeHolder(holderFile, holder);
      } catch (error) {
        release(lock);
        throw error;
      }
      return { release: () => release(lock) };
    },
    close() {
      for (const lock of [...held.keys()]) release(lock);
    },
  };
}

/** Renamed into its place, so that nobody reads half a name. */
function writeHolder(path: string, holder: string): void {
  const unnamed = `${path}.new`;
  writeFileSync(unnamed, holder, { mode: 0o600 });
  renameSync(unnamed, path);
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return UNKNOWN_HOLDER; // it has the lock since a moment, and its name is not written yet
  }
}
