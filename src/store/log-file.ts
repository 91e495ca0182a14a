import { closeSync, fdatasync, openSync } from "node:fs";

/** The write-ahead log of a connection, as a file that can be synced. */
export interface LogFile {
  /** Resolves once all that was written to the log before the call is on disk; rejects with the error of the system. */
  sync(): Promise<void>;
  close(): void;
}

/**
 * Opens the log of a database whose connection has opened it already. SQLite holds no lock on this file, unlike on the database
 * itself, so that closing a descriptor of it takes none away.
 */
export function openLogFile(databasePath: string): LogFile {
  const file = openSync(`${databasePath}-wal`, "r");
  let syncs = 0;
  let closed = false;
  // Not while a sync waits for its thread: by then the number could be that of another file.
  const closeUnused = () => {
    if (closed && syncs === 0) closeSync(file);
  };
  return {
    sync() {
      syncs += 1;
      return new Promise((resolve, reject) => {
        fdatasync(file, (error) => {
          syncs -= 1;
          closeUnused();
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close() {
      if (closed) return;
      closed = true;
      closeUnused();
    },
  };
}
