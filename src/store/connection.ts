import { Database } from "bun:sqlite";
import { chmodSync, closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import { AppError } from "../lib/errors.ts";

/** A connection with its Drizzle face; `$client` is the plain one. */
export type Db = BunSQLiteDatabase & { $client: Database };

/** Where Drizzle notes the migrations it has run; the first table of every database of Hermes. */
export const MIGRATIONS_TABLE = "__drizzle_migrations";

/** Waiting for a lock blocks the event loop, so the wait is short and the writer tries again by itself. */
const BUSY_TIMEOUT_MS = 10;

const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA trusted_schema = OFF;
  PRAGMA cache_size = -8000;
  PRAGMA temp_store = MEMORY;
  PRAGMA journal_size_limit = 67108864;
`;

/**
 * Opens the file, which must exist; see `makePrivateFile`. SQLite gives the `-wal` and `-shm` files the mode of the
 * database. The database of another program is refused with `store_unavailable`.
 */
export function connect(path: string): Db {
  const client = new Database(path, { create: false, readwrite: true, strict: true });
  try {
    client.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    refuseForeign(client, path);
    client.run(PRAGMAS);
  } catch (error) {
    client.close(true);
    throw error;
  }
  return drizzle(client) as Db;
}

/** Before anything is changed in it: switching to the write-ahead log would change the file. */
function refuseForeign(client: Database, path: string): void {
  const tables = client
    .query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all();
  if (tables.length === 0 || tables.some((table) => table.name === MIGRATIONS_TABLE)) return;
  throw new AppError("store_unavailable", `${path} is the database of another program.`, {
    hint: "Choose another path for the database of Hermes, or move that file away.",
  });
}

/** Finalises every statement and releases every lock, also after an error. */
export function disconnect(db: Db): void {
  db.$client.close(true);
}

/** Makes the directories to the path that are missing, for the owner alone. Those that exist keep their mode. */
function makePrivateDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made !== dirname(first); made = dirname(made)) syncPath(dirname(made));
}

/**
 * A database that exists is never opened here: closing a file drops every lock that this process holds on it
 * (POSIX advisory locks), those of SQLite included.
 */
export function makePrivateFile(path: string): void {
  makePrivateDirectory(dirname(path));
  try {
    const file = openSync(path, "wx", 0o600);
    fchmodSync(file, 0o600); // whatever the umask took away
    closeSync(file);
    syncPath(dirname(path)); // or a power cut may take the name of the file, and all of it
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  }
}

/** Forces a file, or the names in a directory, to the disk. Never for a database that is open; see `makePrivateFile`. */
export function syncPath(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A statement that is prepared when a connection first needs it and kept for as long as the connection lives. */
export function statement<T>(prepare: (db: Db) => T): (db: Db) => T {
  const prepared = new WeakMap<Db, T>();
  return (db) => {
    let known = prepared.get(db);
    if (known === undefined) {
      known = prepare(db);
      prepared.set(db, known);
    }
    return known;
  };
}
