import { relative } from "node:path";

/** True when `path` is `directory` or below it, by their names alone. */
export function isWithin(path: string, directory: string): boolean {
  const below = relative(directory, path);
  return below === "" || (below !== ".." && !below.startsWith("../"));
}
