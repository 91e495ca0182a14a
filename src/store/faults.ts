import { SQLiteError } from "bun:sqlite";
import { dirname } from "node:path";
import { AppError } from "../lib/errors.ts";

/** The primary result codes of https://sqlite.org/rescode.html that mean trouble with the file and not with the statement. */
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const NOTADB = 26;
const FILE_FAULTS = new Set([READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB]);
const BUSY = 5;
const LOCKED = 6;

const RETRY_AFTER_MS = 2_000;

/** An extended code that means a full disk: there is no room for the `-shm` file. */
const IOERR_SHMSIZE = 4874;
/** What the system says of the files that are made without SQLite, in the codes of SQLite. */
const SYSTEM_FAULTS = new Map([
  ["EROFS", READONLY],
  ["EACCES", READONLY],
  ["EPERM", READONLY],
  ["ENOSPC", FULL],
  ["EDQUOT", FULL],
]);

/** The primary code is the low byte of the extended one. 0 for what is no fault of the database or its files. */
function primaryCode(error: unknown): number {
  if (error instanceof SQLiteError) return error.errno === IOERR_SHMSIZE ? FULL : error.errno & 0xff;
  return SYSTEM_FAULTS.get((error as NodeJS.ErrnoException | null)?.code ?? "") ?? 0;
}

/** Another connection reads from the write-ahead log, so that it cannot be emptied now. */
export class LogInUse extends Error {
  override readonly name = "LogInUse";
}

/** Another connection holds what this one needs; trying again in a few milliseconds helps. */
export function isBusy(error: unknown): boolean {
  if (error instanceof LogInUse) return true;
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/** The file or its disk failed, so nothing that shares the transaction can be kept. */
export function isFileFault(error: unknown): boolean {
  return FILE_FAULTS.has(primaryCode(error));
}

/** The disk has no more room. */
export function isFull(error: unknown): boolean {
  return primaryCode(error) === FULL;
}

/** A fault of the database as the error that users see. Every other error comes back as it is. */
export function toStoreError(error: unknown, path: string): unknown {
  if (isBusy(error))
    return new AppError("store_unavailable", "The database is held by another process.", {
      cause: error,
      hint: `Look for a program that keeps ${path} locked, such as a database browser or a copy job.`,
      retryAfterMs: RETRY_AFTER_MS,
    });
  if (!isFileFault(error)) return error;
  const [message, hint] = describeFault(primaryCode(error), path);
  return new AppError("store_unavailable", message, { cause: error, hint, retryAfterMs: RETRY_AFTER_MS });
}

function describeFault(code: number, path: string): [message: string, hint: string] {
  switch (code) {
    case FULL:
      return [
        "The disk of the database is full.",
        `Free space on the disk of ${path}; Hermes goes on by itself.`,
      ];
    case READONLY:
      return [
        "The database cannot be written.",
        `Make ${path} and its directory writable for the user that runs Hermes.`,
      ];
    case CANTOPEN:
      return ["The database cannot be opened.", `Check that ${dirname(path)} exists and is writable.`];
    case CORRUPT:
    case NOTADB:
      return [
        "The database file is damaged or is no database.",
        `Stop Hermes, move ${path} away and put a backup in its place.`,
      ];
    default:
      return ["The disk of the database fails.", `Check the disk of ${path} and the system's log.`];
  }
}
