import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsync,
  mkdirSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
  write,
} from "node:fs";
import { promisify } from "node:util";
import {
  descriptorPath,
  entryPath,
  identityOf,
  lookAt,
  type Opened,
  opened,
  type Place,
  type Root,
  requireOpen,
  requireRegular,
  walkBeneath,
} from "./beneath.ts";
import { attempt, fileError, shown } from "./beneath-errors.ts";
import { AppError } from "./errors.ts";
import { newId } from "./ids.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

export interface WriteOptions {
  /** Make the directories on the way that are not there. Default: false. */
  makeDirectories?: boolean;
  /** Refuse with `conflict` unless this is the file that is replaced, and as it was then. */
  replaces?: Stats;
}

export interface Written {
  /** False when a file was replaced. */
  created: boolean;
  sizeBytes: number;
}

/**
 * Writes a whole file, all or nothing: into a new file beside it, to the disk, then renamed over it. Links on the way are
 * followed within the root, so that a link to a file stays one. The mode of a file that is replaced is kept; its other
 * names (hard links) keep the old content. Raises `not_found`, `forbidden`, `bad_request`, `conflict`, and
 * `store_unavailable` when the disk is full. Between the last look at what is replaced and the rename nothing else of
 * this process runs; another process has some microseconds.
 */
export async function writeBeneath(
  root: Root,
  path: string,
  content: string | Uint8Array,
  { makeDirectories = false, replaces }: WriteOptions = {},
): Promise<Written> {
  using place = walkBeneath(root, path);
  if (place.name === null) throw new AppError("bad_request", `${shown(path)} is a directory.`);
  if (place.found) requireRegular(place.found.stats, path);
  if (place.rest.length > 0 && !makeDirectories)
    throw new AppError("not_found", `There is no directory for ${shown(path)}.`);
  using made = directoryFor(root, place, path);
  const name = place.rest.at(-1) ?? place.name;
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  await replaceFile({ root, directory: made.fd, name, path, bytes, old: place.found?.stats, replaces });
  return { created: !place.found, sizeBytes: bytes.length };
}

/** Makes a directory and those on the way to it; what is there already is kept. Raises as `writeBeneath` does. */
export function makeDirectoriesBeneath(root: Root, path: string): void {
  using place = walkBeneath(root, path);
  if (place.name === null) return;
  if (place.found) throw new AppError("bad_request", `${shown(path)} is a file, not a directory.`);
  makeDirectoriesIn(root, place.directory, [place.name, ...place.rest], path)[Symbol.dispose]();
}

/** The directory that will hold the file. */
function directoryFor(root: Root, { directory, name, rest }: Place, path: string): Opened {
  const missing = rest.length === 0 ? [] : [name as string, ...rest.slice(0, -1)];
  return makeDirectoriesIn(root, directory, missing, path);
}

function makeDirectoriesIn(root: Root, from: number, names: readonly string[], path: string): Opened {
  let current = attempt(path, () => opened(openSync(descriptorPath(from), O_RDONLY | O_DIRECTORY)));
  try {
    for (const name of names) {
      const next = attempt(path, () => {
        makeDirectory(current.fd, name);
        return opened(openSync(entryPath(current.fd, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      });
      current[Symbol.dispose]();
      current = next;
      requireOpen(root, current.stats, path);
    }
    return current;
  } catch (error) {
    current[Symbol.dispose]();
    throw error;
  }
}

function makeDirectory(directory: number, name: string): void {
  try {
    mkdirSync(entryPath(directory, name));
  } catch (error) {
    // Somebody else was quicker; what is there is opened as a directory, without following links.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

interface Replacement {
  root: Root;
  directory: number;
  name: string;
  path: string;
  bytes: Uint8Array;
  old: Stats | undefined;
  replaces: Stats | undefined;
}

async function replaceFile({
  root,
  directory,
  name,
  path,
  bytes,
  old,
  replaces,
}: Replacement): Promise<void> {
  const temporary = `.${newId("hermes")}.tmp`;
  const fd = attempt(path, () =>
    openSync(entryPath(directory, temporary), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666),
  );
  try {
    try {
      if (old) keepOwnerAndMode(fd, old);
      await writeAll(fd, bytes);
      await promisify(fsync)(fd);
    } finally {
      closeSync(fd);
    }
    requireUnchanged(root, directory, name, path, replaces);
    renameSync(entryPath(directory, temporary), entryPath(directory, name));
  } catch (error) {
    removeIfThere(directory, temporary);
    throw fileError(error, path);
  }
  await promisify(fsync)(directory);
}

function keepOwnerAndMode(fd: number, { uid, gid, mode }: Stats): void {
  if (process.getuid?.() === 0) fchownSync(fd, uid, gid); // only root may give files away
  fchmodSync(fd, mode & 0o777);
}

async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += await writeSome(fd, bytes, done);
}

function writeSome(fd: number, bytes: Uint8Array, from: number): Promise<number> {
  return new Promise((resolve, reject) =>
    write(fd, bytes, from, bytes.length - from, null, (error, written) =>
      error ? reject(error) : resolve(written),
    ),
  );
}

/** What is replaced is looked at once more: it may be another file by now, or a closed one, or a directory. */
function requireUnchanged(
  root: Root,
  directory: number,
  name: string,
  path: string,
  replaces: Stats | undefined,
): void {
  using now = lookAt(directory, name, path);
  if (now) {
    requireOpen(root, now.stats, path);
    if (now.stats.isDirectory()) throw new AppError("bad_request", `${shown(path)} is a directory.`);
  }
  if (replaces && !(now && sameState(now.stats, replaces)))
    throw new AppError("conflict", `${shown(path)} was changed meanwhile; nothing was written.`, {
      hint: "Read it again.",
    });
}

function sameState(a: Stats, b: Stats): boolean {
  return (
    identityOf(a) === identityOf(b) && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs
  );
}

function removeIfThere(directory: number, name: string): void {
  try {
    unlinkSync(entryPath(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
