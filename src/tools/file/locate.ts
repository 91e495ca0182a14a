import { statSync } from "node:fs";
import { join, posix } from "node:path";
import type { LiveConfig } from "../../config/live.ts";
import { identityOf, type Root } from "../../lib/beneath.ts";
import { shown } from "../../lib/beneath-errors.ts";
import { AppError } from "../../lib/errors.ts";
import { isWithin } from "../../lib/is-within.ts";
import { type FileRoot, fileRoots, ownFiles } from "./roots.ts";

/** Where a path that a caller wrote belongs. Nothing has been opened yet. */
export interface Location {
  root: Root;
  /** Below the root, for the functions of `lib/beneath`. May hold `..`, which they check. */
  below: string;
  /** How results name a path below the same root: relative in the first one, absolute in others. */
  name(below: string): string;
}

/** Turns every path that a caller writes into a place below a root; the only way from a parameter to a file. */
export interface Locator {
  /** Raises `forbidden` for an absolute path that is below no root, or for writing to a read-only one. */
  locate(path: string, access: "read" | "write"): Location;
  roots(): readonly FileRoot[];
}

/** The roots are asked from the configuration at each call. */
export function createLocator(config: LiveConfig, home: string): Locator {
  const roots = () => fileRoots(config.current, home);
  return {
    roots,
    locate(path, access) {
      const all = roots();
      const { root, below } = rootOf(all, path);
      if (access === "write" && root.readOnly)
        throw new AppError("forbidden", `${shown(path)} is in a read-only directory.`, {
          hint: `Writable are ${all.flatMap((one) => (one.readOnly ? [] : [one.path])).join(", ")}.`,
        });
      const closed = new Set(ownFiles(home));
      if (access === "write") for (const one of innerReadOnly(all, root)) closed.add(one);
      const first = root === all[0];
      return {
        root: { path: root.path, closed },
        below,
        name: (inner) => {
          const tidy = posix.normalize(`./${inner}`).replace(/\/$/, "");
          return first ? tidy : join(root.path, tidy);
        },
      };
    },
  };
}

/** By whole names; `..` is left to the walk, which knows where it really leads. The innermost root wins. */
function rootOf(all: readonly FileRoot[], path: string): { root: FileRoot; below: string } {
  if (!path.startsWith("/")) return { root: all[0] as FileRoot, below: path };
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  let best: { root: FileRoot; below: string; depth: number } | undefined;
  for (const root of all)
    for (const spelling of [root.path, root.configured]) {
      const above = spelling.split("/").filter(Boolean);
      if (above.some((name, i) => names[i] !== name) || (best && best.depth >= above.length)) continue;
      best = { root, below: names.slice(above.length).join("/"), depth: above.length };
    }
  if (best) return best;
  throw new AppError("forbidden", `${shown(path)} is not in a directory that is open to tools.`, {
    hint: `Open are ${all.map((root) => root.path).join(", ")}.`,
  });
}

/** Read-only roots below a writable one, which a path through the writable one must not write to. */
function innerReadOnly(all: readonly FileRoot[], root: FileRoot): string[] {
  return all
    .filter((one) => one.readOnly && one !== root && isWithin(one.path, root.path))
    .flatMap((one) => statSync(one.path, { throwIfNoEntry: false }) ?? [])
    .map(identityOf);
}
