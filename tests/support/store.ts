import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, type Log } from "../../src/lib/log.ts";
import type { Store } from "../../src/store/contract.ts";
import { openStore } from "../../src/store/open.ts";
import type { NewMessage, NewRun } from "../../src/store/records.ts";

/** A real store on a real file in a directory of its own, which goes away with it (`await using`). */
export interface TempStore extends AsyncDisposable {
  readonly store: Store;
  readonly path: string;
  /** Another opening of the same file, as another process would have it; closed together with the first. */
  another(): Promise<Store>;
  /** Closes the store and opens the file anew, as a restart does. */
  restart(): Promise<Store>;
}

export async function openTempStore(options: { clock?: () => number; log?: Log } = {}): Promise<TempStore> {
  const directory = mkdtempSync(join(tmpdir(), "hermes-store-"));
  const path = join(directory, "hermes.db");
  const open = () => openStore({ path, log: quietLog(), ...options });
  const opened = [await open()];
  return {
    get store() {
      return opened[0] as Store;
    },
    path,
    async another() {
      const store = await open();
      opened.push(store);
      return store;
    },
    async restart() {
      await opened[0]?.close();
      const store = await open();
      opened[0] = store;
      return store;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((store) => store.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A log that keeps its lines, or drops them when nobody gives it a list. */
export function quietLog(lines: string[] = []): Log {
  return createLog({
    level: "info",
    format: "text",
    redact: (line) => line,
    write: (line) => void lines.push(line),
  });
}

/** How many transactions the log of the database has seen: the commit frames of https://sqlite.org/fileformat.html#the_write_ahead_log */
export async function commitsIn(path: string): Promise<number> {
  const wal = new DataView(await Bun.file(`${path}-wal`).arrayBuffer());
  const frameBytes = 24 + wal.getUint32(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= wal.byteLength; at += frameBytes)
    if (wal.getUint32(at + 8) === wal.getUint32(16) && wal.getUint32(at + 4) !== 0) commits += 1;
  return commits;
}

export function userMessage(text: string): NewMessage {
  return { role: "user", parts: [{ type: "text", text }] };
}

let made = 0;

/** A run that nobody accepted yet, in session `s1` of `api:owner` unless said otherwise. */
export function newRun(change: Partial<NewRun> = {}): NewRun {
  made += 1;
  return {
    id: `run_${made}`,
    kind: "chat",
    session: { owner: "api:owner", id: "s1" },
    request: { model: "fake/echo" },
    message: userMessage(`message ${made}`),
    ...change,
  };
}
