import { connect, type Db, disconnect } from "./connection.ts";
import { LogInUse } from "./faults.ts";

/** The one connection of this process, replaced by a new one after it failed. */
export interface Lifeline {
  /** The connection for reading. Throws what SQLite throws when the file cannot be opened. */
  readable(): Db;
  /** The connection for writing. Throws like `readable`, and busy or file errors of the checkpoint below. */
  writable(): Db;
  /** Drops a connection that is not trusted any more; the next use opens a new one. */
  spoil(): void;
  close(): void;
}

/**
 * After a failed fsync the kernel may call pages clean that never reached the disk, and a log that was recovered from
 * such pages would lose whatever is appended to it later at a power cut. So before the first write of each connection
 * everything in the log is written to the database file anew and synced, and the log starts from nothing.
 */
export function createLifeline(path: string): Lifeline {
  let db: Db | null = null;
  let logIsSound = false;

  const readable = () => {
    db ??= connect(path);
    return db;
  };
  const drop = () => {
    const dropped = db;
    db = null;
    logIsSound = false;
    if (dropped) disconnect(dropped);
  };

  return {
    readable,
    writable() {
      const current = readable();
      if (!logIsSound) {
        emptyLog(current);
        logIsSound = true;
      }
      return current;
    },
    spoil() {
      try {
        drop();
      } catch {
        // The connection is given up because its file fails; closing it may fail for the same reason.
      }
    },
    close: drop,
  };
}

/** Throws `LogInUse` while another connection reads from the log. */
function emptyLog(db: Db): void {
  const [busy] = db.$client.prepare<[number], []>("PRAGMA wal_checkpoint(TRUNCATE)").values()[0] ?? [1];
  if (busy !== 0) throw new LogInUse();
}
