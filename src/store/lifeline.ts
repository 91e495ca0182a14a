import { statSync } from "node:fs";
import { connect, type Db, disconnect, makePrivateFile } from "./connection.ts";
import { isFileFault, isFull, LogInUse } from "./faults.ts";

/** The one connection of this process, replaced by a new one after it failed. */
export interface Lifeline {
  /** The connection for reading. Throws what SQLite throws when the file cannot be opened. */
  readable(): Db;
  /** The connection for writing. Throws like `readable`, and busy or file errors of the checkpoint below. */
  writable(): Db;
  /** Takes note of an error. After one of the file the connection is dropped and the next use opens a new one. */
  failed(error: unknown): void;
  /** Drops the connection whatever the file says to that. */
  abandon(): void;
  /** False when the path leads to another file by now: the one of the connection was replaced or removed. */
  isAtPath(): boolean;
  close(): void;
}

/**
 * What is known of the write-ahead log: `unknown` when this process has not written yet, so that somebody's crash may lie
 * behind; `suspect` after a fault.
 */
type LogState = "unknown" | "suspect" | "sound";

/**
 * After a failed fsync the kernel may call pages clean that never reached the disk, and a log that was recovered from
 * such pages would lose whatever is appended to it later at a power cut. So after a fault, and before the first write,
 * everything in the log is written to the database file anew and synced, and the log starts from nothing. Before the
 * first write this may be left out when somebody else uses the log: then no crash lies behind it. A full disk leaves the
 * connection sound and readable; emptying the log then gives back what room there is.
 */
export function createLifeline(path: string): Lifeline {
  let db: Db | null = null;
  let log: LogState = "unknown";
  let file: number | null = null; // its inode, found just before it was opened

  const readable = () => {
    if (db) return db;
    // Made for the first connection only: what is missing later was taken away, and an empty one would hide that.
    if (file === null) makePrivateFile(path);
    file = inodeAt(path);
    db = connect(path);
    return db;
  };
  const drop = () => {
    const dropped = db;
    db = null;
    if (dropped) disconnect(dropped);
  };

  const abandon = () => {
    try {
      drop();
    } catch {
      // The connection is given up because its file fails; closing it may fail for the same reason.
    }
  };

  return {
    readable,
    writable() {
      const current = readable();
      if (log === "sound") return current;
      if (!emptyLog(current) && log === "suspect") throw new LogInUse();
      log = "sound";
      return current;
    },
    failed(error) {
      if (!isFileFault(error)) return;
      log = "suspect";
      if (!isFull(error)) abandon();
    },
    abandon,
    isAtPath: () => file === null || inodeAt(path) === file,
    close: drop,
  };
}

function inodeAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}

/** False when another connection uses the log at this moment. */
function emptyLog(db: Db): boolean {
  return db.$client.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get()?.busy === 0;
}
