import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isWithin } from "../lib/is-within.ts";
import { formatPath } from "./path.ts";
import type { Findings } from "./problems.ts";
import type { Config } from "./schema.ts";

/** Where a configuration comes from. */
export interface ConfigFiles {
  home: string;
  /** The configuration itself, and what `file:` names in it. */
  files: readonly string[];
}

/**
 * Checks that no root directory of the tools holds a file that the configuration is read from: who writes that decides what
 * Hermes may do, and who reads it knows its keys. A home below a root is kept out of reach there, with all that is in it.
 */
export function checkRoots(
  { tools: { file } }: Config,
  { home, files }: ConfigFiles,
  { faults }: Findings,
): void {
  const ownHome = realOf(home);
  const isOpenIn = (root: string) => (path: string) =>
    isWithin(path, root) && !(isWithin(path, ownHome) && isWithin(ownHome, root));
  for (const key of ["roots", "read_only_roots"] as const) {
    const roots = key === "roots" && file.roots.length === 0 ? [join(home, "workspace")] : file[key];
    for (const [i, text] of roots.entries()) {
      const inside = files.find((path) => [path, realOf(path)].some(isOpenIn(realOf(absolute(text, home)))));
      if (inside === undefined) continue;
      const path = ["tools", "file", key, ...(file[key].length === 0 ? [] : [String(i)])];
      faults.push({
        path,
        message: `${formatPath(path)}: ${text} holds ${inside}, which the configuration is read from`,
        hint: "Keep that file elsewhere, or name narrower directories.",
      });
    }
  }
}

function absolute(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : resolve(home, path);
}

/** Without links on the way; as it stands where there is nothing. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error) return path;
    throw error;
  }
}
