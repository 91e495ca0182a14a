import { lookAt, type Opened, openLookedDirectory, type Root, requireOpen } from "../../lib/beneath.ts";
import { type Entry, entriesOf } from "../../lib/beneath-read.ts";
import { AppError } from "../../lib/errors.ts";

/** Something below the directory that is walked. */
export interface TreeEntry extends Entry {
  /** From the directory that is walked. */
  path: string;
  /** The open directory that it is in, for as long as the walk stands here. */
  directory: number;
}

export interface TreeOptions {
  /** 1: only what is in the directory itself. */
  maxDepth: number;
  /** Directories that are not gone into. */
  skip(name: string): boolean;
  /** Begin here instead of at the beginning: the names of a path that an earlier walk gave. */
  from?: readonly string[];
  /** Called with each directory that cannot be read. */
  skipped(path: string): void;
}

/**
 * Everything below an open directory, each directory before what is in it, by name. Directories are gone into by
 * descriptor and links are not followed, so that the walk stays below. Holds one descriptor for each level.
 */
export function* walkTree(
  root: Root,
  top: Opened,
  options: TreeOptions,
  path = "",
  depth = 1,
): Generator<TreeEntry> {
  const [first, ...further] = options.from ?? [];
  for (const entry of entriesOf(top.fd, path)) {
    if (first !== undefined && entry.name < first) continue;
    const isOnWay = entry.name === first && further.length > 0;
    const entryPath = path === "" ? entry.name : `${path}/${entry.name}`;
    if (!isOnWay) yield { ...entry, path: entryPath, directory: top.fd };
    if (entry.kind !== "directory" || depth >= options.maxDepth || options.skip(entry.name)) continue;
    const inner = { ...options, from: isOnWay ? further : [] };
    try {
      using looked = lookAt(top.fd, entry.name, entryPath);
      if (!looked) continue;
      requireOpen(root, looked.stats, entryPath);
      using directory = openLookedDirectory(looked, entryPath);
      yield* walkTree(root, directory, inner, entryPath, depth + 1);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      options.skipped(entryPath);
    }
  }
}
