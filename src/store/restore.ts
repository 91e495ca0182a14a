import { Database } from "bun:sqlite";
import { copyFileSync, existsSync, linkSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { makePrivateFile, syncPath } from "./connection.ts";
import { isBusy, isFileFault } from "./faults.ts";
import { livingInstances } from "./instances.ts";
import { openStore } from "./open.ts";

export interface RestoreOptions {
  /** The database to replace; it need not exist. */
  path: string;
  /** The backup; it is only read. */
  from: string;
  log: Log;
}

/**
 * Puts a copy of a backup in the place of the database and keeps the replaced one beside it; returns where, or null when
 * there was none. Rejects with `conflict` while a process has the database open, with `store_unavailable` for a backup
 * that is damaged, of another program or of a newer Hermes. Until the last step, a rename, nothing has changed.
 */
export async function restoreDatabase({ path, from, log }: RestoreOptions): Promise<{ kept: string | null }> {
  refuseWhileOpen(path);
  const copy = `${path}.${newId("restore")}`;
  try {
    copyBackup(from, copy);
    await checkCopy(copy, from, log);
    return { kept: replace(path, copy) };
  } finally {
    removeCopy(copy);
  }
}

function refuseWhileOpen(path: string): void {
  if (livingInstances(path).length > 0) throw inUse(path);
}

function inUse(path: string): AppError {
  return new AppError("conflict", `A running Hermes uses ${path}.`, {
    hint: "Stop every Hermes of this home (api, serve, chat, ...), then restore again.",
  });
}

function copyBackup(from: string, copy: string): void {
  if (!statSync(from, { throwIfNoEntry: false })?.isFile())
    throw new AppError("not_found", `There is no file ${from}.`, {
      hint: "Name a file that `hermes backup` made.",
    });
  try {
    makePrivateFile(copy);
    copyFileSync(from, copy);
  } catch (cause) {
    throw new AppError("store_unavailable", `${from} could not be copied to ${dirname(copy)}.`, {
      cause,
      hint: "Check that the file can be read and that there is room for another copy of it.",
    });
  }
}

/** Opens the copy as Hermes would, which also brings an older one to this schema, and reads all of it. */
async function checkCopy(copy: string, from: string, log: Log): Promise<void> {
  let problems: string[];
  try {
    if (statSync(copy).size === 0) throw new Error("it is empty"); // which SQLite would take for a new database
    const store = await openStore({ path: copy, log });
    try {
      problems = await store.check();
    } finally {
      await store.close();
    }
  } catch (cause) {
    const reason = cause instanceof AppError ? cause.message.replaceAll(copy, from) : "It is no database.";
    throw new AppError("store_unavailable", `${from} cannot be restored. ${reason}`, {
      cause,
      hint: "Name a file that `hermes backup` made, by this Hermes or an older one.",
    });
  }
  if (problems.length > 0)
    throw new AppError("store_unavailable", `${from} is damaged: ${problems[0]}`, {
      hint: "Restore an older backup. The database in use was not touched.",
    });
  syncPath(copy);
}

function replace(path: string, copy: string): string | null {
  const release = lockWhole(path);
  try {
    refuseWhileOpen(path); // whoever comes later cannot read the locked file, and finds the new one after that
    const kept = existsSync(path)
      ? `${path}.replaced-${new Date().toISOString().replaceAll(/[:.]/g, "")}`
      : null;
    if (kept !== null) keep(path, kept);
    renameSync(copy, path);
    syncPath(dirname(path));
    return kept;
  } finally {
    release();
  }
}

/**
 * Gives the database a second name. It keeps the first one until the copy takes that over: a process that starts in
 * between would make a new database in an empty place.
 */
function keep(path: string, kept: string): void {
  // The log of a damaged database still belongs to it; that of a sound one is empty and gone.
  for (const suffix of ["-wal", "-shm"])
    if (existsSync(path + suffix)) renameSync(path + suffix, kept + suffix);
  try {
    linkSync(path, kept);
  } catch {
    renameSync(path, kept); // a file system without second names; whatever else is wrong fails here too
  }
}

/**
 * Locks the database against everybody, also against those who are just opening it and have no instance yet, and against
 * other programs. Its write-ahead log is folded in, so that the file alone is all of it. What is too damaged for that
 * cannot be in use either.
 */
function lockWhole(path: string): () => void {
  if (!existsSync(path)) return () => undefined;
  let db: Database | undefined;
  try {
    db = new Database(path, { create: false, readwrite: true });
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("PRAGMA journal_mode = DELETE");
    db.run("BEGIN EXCLUSIVE");
    const held = db;
    return () => held.close();
  } catch (error) {
    db?.close();
    if (isBusy(error)) throw inUse(path);
    if (!isFileFault(error)) throw error;
    return () => undefined;
  }
}

/** The copy with what SQLite and a migration put beside it. */
function removeCopy(copy: string): void {
  for (const name of readdirSync(dirname(copy)))
    if (name.startsWith(basename(copy))) rmSync(join(dirname(copy), name));
}
