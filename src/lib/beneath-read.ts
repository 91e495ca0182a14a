import { type Dirent, lstatSync, read, readdirSync } from "node:fs";
import { descriptorPath, entryPath, openBeneath, openDirectoryBeneath, type Root } from "./beneath.ts";
import { attempt, fileError, shown } from "./beneath-errors.ts";
import { AppError } from "./errors.ts";

export type EntryKind = "file" | "directory" | "link" | "other";

export interface Entry {
  name: string;
  kind: EntryKind;
}

/**
 * The whole of a file of at most `maxBytes`. Raises what `openBeneath` raises, and `bad_request` for a larger one; a file
 * that grows while it is read is cut at the limit.
 */
export async function readBeneath(root: Root, path: string, maxBytes: number): Promise<Buffer> {
  using file = openSmall(root, path, maxBytes);
  return await readWhole(file.fd, path, maxBytes); // open until it is read
}

/** The first `length` bytes of a file that `readBeneath` would read; raises what that raises. */
export async function peekBeneath(
  root: Root,
  path: string,
  maxBytes: number,
  length: number,
): Promise<Buffer> {
  using file = openSmall(root, path, maxBytes);
  return await readAt(file.fd, path, 0, length); // open until it is read
}

function openSmall(root: Root, path: string, maxBytes: number): ReturnType<typeof openBeneath> {
  const file = openBeneath(root, path);
  const { size } = file.stats;
  if (size <= maxBytes) return file;
  file[Symbol.dispose]();
  throw new AppError(
    "bad_request",
    `${shown(path)} has ${size} bytes; ${maxBytes} are the most that are taken here.`,
  );
}

/** What an open file holds, `maxBytes` of it at most. */
export async function readWhole(fd: number, path: string, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  while (size < maxBytes) {
    const piece = await readAt(fd, path, size, Math.min(maxBytes - size, 1 << 20));
    if (piece.length === 0) break;
    pieces.push(piece);
    size += piece.length;
  }
  return Buffer.concat(pieces, size);
}

/** Up to `length` bytes of an open file from `position` on; none at its end. Reads into `into` when it is given. */
export function readAt(
  fd: number,
  path: string,
  position: number,
  length: number,
  into = Buffer.allocUnsafe(length),
): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    read(fd, into, 0, length, position, (error, bytesRead) =>
      error ? reject(fileError(error, path)) : resolve(into.subarray(0, bytesRead)),
    ),
  );
}

/** What is in a directory, by name. Raises what `openDirectoryBeneath` raises. */
export function listBeneath(root: Root, path: string): Entry[] {
  using directory = openDirectoryBeneath(root, path);
  return entriesOf(directory.fd, path);
}

/** What is in an open directory, by name. Links are not followed. */
export function entriesOf(directory: number, path: string): Entry[] {
  return attempt(path, () => readdirSync(descriptorPath(directory), { withFileTypes: true }))
    .map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Size of a file in an open directory; null when it is not there any more. */
export function sizeIn(directory: number, name: string): number | null {
  return lstatSync(entryPath(directory, name), { throwIfNoEntry: false })?.size ?? null;
}

function kindOf(entry: Dirent): EntryKind {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "link" : "other";
}
