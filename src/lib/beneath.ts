import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readlinkSync,
  type Stats,
  statfsSync,
  statSync,
} from "node:fs";
import { attempt, codeOf, notDirectory, notFile, notFound, outside, shown } from "./beneath-errors.ts";
import { AppError } from "./errors.ts";

/**
 * Opens what lies below a root directory, whatever a path, a link or another process does meanwhile.
 *
 * A path is walked one name at a time, each name opened from the descriptor of the directory before it
 * (`/proc/self/fd/N/name`) and without following links. A link is read and its target walked in the same way; `..` goes
 * back to the descriptor before and never past the root. So nothing is checked by name first and opened by name later:
 * what was checked is what is open. The last name is opened without access (O_PATH) and looked at before it is really
 * opened, so that no FIFO can hang and no device is touched.
 *
 * It guards against `..`, absolute paths, links out of the root (also ones swapped in during the walk), hard links to
 * content of elsewhere, FIFOs, sockets, devices, and the kernel's own files under /proc and /sys. It does not guard
 * against mounts below the root, which the operator makes, nor against a directory that is moved out of the root
 * while it is open: the walk then ends in that directory, wherever it is by then, but goes no higher.
 * Linux only. Texts of its errors name only the path that was asked for.
 */
export interface Root {
  /** Absolute, without links in it, as `realpath` gives it. Links put in its place later are not followed. */
  path: string;
  /** Directories and files below that are not entered and not opened; see `identityOf`. */
  closed?: ReadonlySet<string>;
}

/** An open descriptor, closed at the end of its `using`. */
export interface Opened extends Disposable {
  readonly fd: number;
  readonly stats: Stats;
}

/** Where a walk ended. Holds descriptors until it is disposed of. */
export interface Place extends Disposable {
  /** The directory itself, or the one that holds, or would hold, `name`. Without access (O_PATH). */
  readonly directory: number;
  /** The last name, with no link behind it; null when the path leads to `directory` itself. */
  readonly name: string | null;
  /** What is there, when it is not a directory: opened without access (O_PATH). */
  readonly found: Opened | null;
  /** Names after `name` that are not there either, when `found` is null. */
  readonly rest: readonly string[];
}

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** The same on every processor that Bun runs on. */
const O_PATH = 0o10000000;
const MAX_LINKS = 40; // as the kernel has it
/** procfs and sysfs, as statfs(2) numbers them. */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x9fa0, 0x62656572]);

/** How a name is opened in a directory that is held by its descriptor. */
export function entryPath(directory: number, name: string): string {
  return `/proc/self/fd/${directory}/${name}`;
}

/** The path of a descriptor itself. */
export function descriptorPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Names a file or a directory however it is reached. */
export function identityOf({ dev, ino }: Pick<Stats, "dev" | "ino">): string {
  return `${dev}:${ino}`;
}

/**
 * Opens a regular file to be read. The caller closes it. Raises `not_found`, `forbidden` (outside, closed, no right, a
 * second hard link) or `bad_request` (not a file).
 */
export function openBeneath(root: Root, path: string): Opened {
  using place = walkBeneath(root, path);
  if (!place.found) throw place.name === null ? notFile(path) : notFound(path);
  return openLooked(place.found, path);
}

/** Opens what was looked at, if it is a regular file with one name. Raises `forbidden` or `bad_request`. */
export function openLooked({ fd, stats }: Opened, path: string): Opened {
  requireRegular(stats, path);
  if (stats.nlink > 1)
    throw new AppError("forbidden", `${shown(path)} has a second name (a hard link), perhaps outside.`, {
      hint: "Make a copy of it and use that.",
    });
  // By its descriptor, so that it is the very file that was looked at.
  return attempt(path, () => opened(openSync(descriptorPath(fd), O_RDONLY | O_NONBLOCK)));
}

/** Opens a directory that was looked at. Raises `bad_request` for anything else. */
export function openLookedDirectory({ fd, stats }: Opened, path: string): Opened {
  if (!stats.isDirectory()) throw notDirectory(path);
  return attempt(path, () => opened(openSync(descriptorPath(fd), O_RDONLY | O_DIRECTORY)));
}

/** Opens a directory to be listed. The caller closes it. Raises `not_found`, `forbidden`, or `bad_request` for a file. */
export function openDirectoryBeneath(root: Root, path: string): Opened {
  using place = walkBeneath(root, path);
  if (place.name !== null) throw place.found ? notDirectory(path) : notFound(path);
  return attempt(path, () => opened(openSync(descriptorPath(place.directory), O_RDONLY | O_DIRECTORY)));
}

/** Walks to where a path leads. What is missing at its end is no error. Raises `not_found`, `forbidden`, `bad_request`. */
export function walkBeneath(root: Root, path: string): Place {
  if (path.includes("\0")) throw new AppError("bad_request", "A path cannot have a NUL character in it.");
  const directories: number[] = [];
  let found: Opened | null = null;
  const release = () => {
    found?.[Symbol.dispose]();
    for (const fd of directories.splice(0)) closeSync(fd);
  };
  try {
    directories.push(openRoot(root.path));
    let ahead = namesBelow(root, path);
    let links = 0;
    for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
      if (name === "..") {
        if (directories.length === 1) throw outside(path);
        closeSync(directories.pop() as number);
        continue;
      }
      const directory = directories.at(-1) as number;
      const next = lookAt(directory, name, path);
      if (!next) {
        if (ahead.includes("..")) throw notFound(path);
        return { directory, name, found: null, rest: ahead, [Symbol.dispose]: release };
      }
      found = next;
      requireOpen(root, next.stats, path);
      if (next.stats.isDirectory()) {
        directories.push(next.fd);
        found = null;
      } else if (next.stats.isSymbolicLink()) {
        if (++links > MAX_LINKS)
          throw new AppError("bad_request", `${shown(path)} goes through too many links.`);
        const target = readLink(directory, name, path);
        if (target.startsWith("/")) for (const fd of directories.splice(1)) closeSync(fd);
        ahead = [...namesBelow(root, target, path), ...ahead];
        next[Symbol.dispose]();
        found = null;
      } else {
        if (ahead.length > 0) throw notDirectory(path);
        return { directory, name, found: next, rest: [], [Symbol.dispose]: release };
      }
    }
    const directory = directories.at(-1) as number;
    return { directory, name: null, found: null, rest: [], [Symbol.dispose]: release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Looks at a name without following it. Null when there is nothing. The caller closes it. */
export function lookAt(directory: number, name: string, path: string): Opened | null {
  return attempt(path, () => {
    try {
      return opened(openSync(entryPath(directory, name), O_PATH | O_NOFOLLOW));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
  });
}

/** Raises `forbidden` for what the root has closed, and for the kernel's own files. */
export function requireOpen(root: Root, stats: Stats, path: string): void {
  if (root.closed?.has(identityOf(stats)))
    throw new AppError("forbidden", `${shown(path)} is closed.`, {
      hint: "Files of Hermes itself are out of reach, and what is read-only is not written to.",
    });
  if (kernelDevices().has(stats.dev))
    throw new AppError("forbidden", `${shown(path)} is not on a disk, but part of the kernel.`);
}

/** Raises `bad_request` for anything but a regular file. */
export function requireRegular(stats: Stats, path: string): void {
  if (stats.isDirectory()) throw notFile(path);
  if (!stats.isFile())
    throw new AppError("bad_request", `${shown(path)} is a device, a pipe or a socket, not a file.`);
}

/** Closed when disposed of, once. */
export function opened(fd: number): Opened {
  let open = true;
  const close = () => {
    if (open) closeSync(fd);
    open = false;
  };
  try {
    return { fd, stats: fstatSync(fd), [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The names to walk from the root, or, for a relative link target, from where the walk is. */
function namesBelow(root: Root, path: string, askedFor = path): string[] {
  const names = namesOf(path);
  if (!path.startsWith("/")) return names;
  const above = namesOf(root.path);
  if (above.some((name, i) => names[i] !== name)) throw outside(askedFor);
  return names.slice(above.length);
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** Follows no link on the way: in a root that lies below another one, somebody could have put one there. */
function openRoot(path: string): number {
  let fd = openSync("/", O_PATH | O_DIRECTORY);
  try {
    for (const name of namesOf(path)) {
      const next = openSync(entryPath(fd, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
      closeSync(fd);
      fd = next;
    }
    return fd;
  } catch (cause) {
    closeSync(fd);
    throw new AppError("not_found", "The root directory is not there, or is not a directory any more.", {
      cause,
    });
  }
}

function readLink(directory: number, name: string, path: string): string {
  try {
    return readlinkSync(entryPath(directory, name));
  } catch (cause) {
    throw new AppError("conflict", `${shown(path)} was changed meanwhile.`, { hint: "Try again.", cause });
  }
}

let kernelDeviceNumbers: ReadonlySet<number> | undefined;

function kernelDevices(): ReadonlySet<number> {
  kernelDeviceNumbers ??= new Set(
    ["/proc", "/sys"]
      .filter((path) => existsSync(path) && KERNEL_FILE_SYSTEMS.has(statfsSync(path).type))
      .map((path) => statSync(path).dev),
  );
  return kernelDeviceNumbers;
}
