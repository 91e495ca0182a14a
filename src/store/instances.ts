import { Database } from "bun:sqlite";
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { makePrivateFile } from "./connection.ts";
import { isBusy } from "./faults.ts";

const SUFFIX = ".lock";

/**
 * The processes that share a database. Each holds a lock that the kernel takes away when the process ends, however it
 * ends; unlike a process id it means the same in every container. The lock is an exclusive transaction on a file of its
 * own, because that is the file lock that is at hand on every platform.
 */
export interface Instances {
  readonly own: string;
  /** Those of `names` that no living process holds. */
  gone(names: string[]): string[];
  /** Removes what processes that are gone left behind, and makes its own lock anew when that was removed. */
  sweep(): void;
  close(): void;
}

/** Takes a new name among the processes that share the database, and its lock. */
export function joinInstances(databasePath: string): Instances {
  const own = newId("ins");
  const directory = lockDirectory(databasePath);
  const file = (name: string) => join(directory, `${name}${SUFFIX}`);
  let lock = holdNew(file(own));

  return {
    own,
    gone: (names) => names.filter((name) => name !== own && isGone(file(name))),
    sweep() {
      if (!existsSync(file(own))) {
        const lost = lock;
        lock = holdNew(file(own));
        lost.close(true);
      }
      for (const name of readdirSync(directory))
        if (name.endsWith(SUFFIX) && name !== `${own}${SUFFIX}`) isGone(join(directory, name));
    },
    close() {
      rmSync(file(own), { force: true });
      lock.close(true);
    },
  };
}

/** The names of the processes that have the database open now. */
export function livingInstances(databasePath: string): string[] {
  const directory = lockDirectory(databasePath);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(SUFFIX) && !isGone(join(directory, name)))
    .map((name) => name.slice(0, -SUFFIX.length));
}

/** Where the locks of those that share a database are. */
export function lockDirectory(databasePath: string): string {
  return join(dirname(databasePath), "instances");
}

/** Removes the file of a process that is gone. */
function isGone(path: string): boolean {
  if (!existsSync(path)) return true;
  const lock = tryLock(path);
  if (!lock) return !existsSync(path);
  rmSync(path, { force: true });
  lock.close(true);
  return true;
}

/** Locked first and named afterwards: whoever sees the name finds the lock held. */
function holdNew(path: string): Database {
  const unnamed = `${path}.new`;
  makePrivateFile(unnamed);
  const lock = tryLock(unnamed);
  if (!lock) throw new Error(`The new file ${unnamed} is locked by somebody else.`);
  renameSync(unnamed, path);
  return lock;
}

/** The lock, or null when it is held, or when its file went away at this moment. */
export function tryLock(path: string): Database | null {
  let lock: Database | undefined;
  try {
    lock = new Database(path, { create: false, readwrite: true });
    lock.run("PRAGMA busy_timeout = 0");
    lock.run("PRAGMA journal_mode = MEMORY"); // a journal on disk would stay behind after a crash
    lock.run("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close(true);
    if (isBusy(error) || !existsSync(path)) return null;
    throw error;
  }
}

const LOCK_PATIENCE_MS = 60_000;
const LOCK_PAUSE_MS = 20;

/** Waits until no other process holds the lock of this name; rejects with `store_unavailable` after a minute. */
export async function waitForLock(
  databasePath: string,
  name: string,
  log: Log,
): Promise<{ release: () => void }> {
  const path = join(lockDirectory(databasePath), name);
  makePrivateFile(path);
  const since = performance.now();
  for (let tries = 0; ; tries++) {
    const lock = tryLock(path);
    if (lock) return { release: () => lock.close(true) };
    if (tries === 1_000 / LOCK_PAUSE_MS) log.info("waiting for another process", { lock: path });
    if (performance.now() - since > LOCK_PATIENCE_MS)
      throw new AppError("store_unavailable", `Another process holds ${path} for more than a minute.`, {
        hint: "Another Hermes is bringing the database to a newer schema; wait for it, or stop it.",
      });
    await Bun.sleep(LOCK_PAUSE_MS);
  }
}
