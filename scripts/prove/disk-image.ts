import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** One change that a process asked of the files in one directory, or a line that it wrote to stdout. */
export type Operation =
  | { kind: "create" | "unlink" | "sync"; path: string }
  | { kind: "write"; path: string; offset: number; data: Buffer }
  | { kind: "truncate"; path: string; sizeBytes: number }
  | { kind: "rename"; path: string; to: string }
  | { kind: "said"; text: string };

const HEX = /\\x([0-9a-f]{2})/g;

/**
 * The operations in the output of `strace -y -xx -e trace=openat,write,pwrite64,fsync,...` of one thread, as far as they
 * concern files below `directory` or stdout. Throws on a call that it cannot read: a proof must not skip what it saw.
 */
export function parseTrace(trace: string, directory: string): Operation[] {
  return trace
    .split("\n")
    .map(parseLine)
    .filter((operation) => operation !== null)
    .filter((operation) => operation.kind === "said" || operation.path.startsWith(`${directory}/`));
}

function parseLine(line: string): Operation | null {
  const call = /^(\w+)\((.*)\)\s+= (-?\d+)/s.exec(line);
  if (!call) {
    if (/^(\+\+\+|---)/.test(line) || line === "") return null;
    throw new Error(`unreadable line of strace: ${line.slice(0, 200)}`);
  }
  const [, name, argumentText = "", result] = call;
  if (Number(result) < 0) return null;
  const strings = [...argumentText.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)].map((match) => {
    if (match[2]) throw new Error("strace cut a string off; raise -s");
    return fromHex(match[1] ?? "");
  });
  const path = /^\d+<((?:\\x[0-9a-f]{2})*)>/.exec(argumentText)?.[1];
  const opened = path === undefined ? (strings[0]?.toString() ?? "") : fromHex(path).toString();
  const numbers = argumentText.split(", ").map(Number);
  switch (name) {
    case "openat":
      return argumentText.includes("O_CREAT") ? { kind: "create", path: opened } : null;
    case "write":
      return argumentText.startsWith("1<") ? { kind: "said", text: (strings[0] ?? "").toString() } : null;
    case "pwrite64":
      return {
        kind: "write",
        path: opened,
        offset: numbers.at(-1) ?? Number.NaN,
        data: (strings[0] as Buffer).subarray(0, Number(result)),
      };
    case "fsync":
    case "fdatasync":
      return { kind: "sync", path: opened };
    case "ftruncate":
      return { kind: "truncate", path: opened, sizeBytes: numbers.at(-1) ?? Number.NaN };
    case "rename":
      return { kind: "rename", path: opened, to: (strings[1] ?? "").toString() };
    case "unlink":
      return { kind: "unlink", path: opened };
    default:
      throw new Error(`strace recorded ${name}, which this simulation does not know`);
  }
}

function fromHex(text: string): Buffer {
  return Buffer.from(text.replace(HEX, "$1"), "hex");
}

interface File {
  /** What is on the disk for certain. */
  synced: Buffer;
  /** What was asked since the last sync of the file, of which a power cut may keep any part. */
  pending: (Operation & { kind: "write" | "truncate" })[];
}

/** The files of one directory as a disk could hold them after a power cut. */
export class DiskImage {
  private readonly files = new Map<string, File>();
  /** With `ignoreSyncs` nothing is ever certain: the disk that the proof must be able to tell from an honest one. */
  constructor(private readonly ignoreSyncs = false) {}

  apply(operation: Operation): void {
    if (operation.kind === "said") return;
    const file = this.files.get(operation.path);
    switch (operation.kind) {
      case "create":
        if (!file) this.files.set(operation.path, { synced: Buffer.alloc(0), pending: [] });
        return;
      case "unlink":
        this.files.delete(operation.path);
        return;
      case "rename":
        if (file) this.files.set(operation.to, file);
        this.files.delete(operation.path);
        return;
      case "sync":
        if (!file || this.ignoreSyncs) return; // a directory: its names are taken as kept in order
        file.synced = replay(file, () => true);
        file.pending = [];
        return;
      default:
        if (!file) throw new Error(`a write to ${operation.path}, which was never created`);
        file.pending.push(operation);
    }
  }

  /** Writes the files out. `keep` decides for each unsynced sector or truncation whether the disk has it. */
  writeTo(directory: string, keep: () => boolean): void {
    mkdirSync(directory, { recursive: true });
    for (const [path, file] of this.files)
      if (!path.endsWith("-shm"))
        writeFileSync(join(directory, basename(path)), replay(file, keep), { mode: 0o600 });
  }
}

const SECTOR_BYTES = 512;

function replay(file: File, keep: () => boolean): Buffer {
  const ends = file.pending.map((each) => (each.kind === "write" ? each.offset + each.data.length : 0));
  const content = Buffer.alloc(Math.max(file.synced.length, ...ends));
  file.synced.copy(content);
  let sizeBytes = file.synced.length;
  for (const operation of file.pending) {
    if (operation.kind === "truncate") {
      if (!keep()) continue;
      content.fill(0, operation.sizeBytes, sizeBytes);
      sizeBytes = operation.sizeBytes;
      continue;
    }
    const { offset, data } = operation;
    for (let at = 0; at < data.length; ) {
      const end = Math.min(data.length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES));
      if (keep()) {
        data.copy(content, offset + at, at, end);
        sizeBytes = Math.max(sizeBytes, offset + end);
      }
      at = end;
    }
  }
  return content.subarray(0, sizeBytes);
}
