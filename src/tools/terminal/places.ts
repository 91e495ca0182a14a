import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../../config/schema.ts";
import { AppError } from "../../lib/errors.ts";
import { isWithin } from "../../lib/is-within.ts";
import { fileRoots } from "../file/roots.ts";
import type { TerminalRoot } from "./contract.ts";

/** Where commands may be, and where not. */
export interface Places {
  roots: TerminalRoot[];
  /** What of Hermes's own lies inside a root. */
  closed: string[];
}

/** Directories of the kernel and of every sandbox, which no root can be, or be in. */
const NOT_ROOTS = ["/proc", "/sys", "/dev"];

/** The roots of the file tools. Raises `config_invalid` for a root that no sandbox can hold. */
export function placesOf(config: Pick<Config, "tools">, home: string): Places {
  const roots = fileRoots(config, home).map(({ path, readOnly }) => ({ path, writable: !readOnly }));
  const own = realpathSync(home);
  for (const { path } of roots)
    if (path === "/" || NOT_ROOTS.some((one) => isWithin(path, one)))
      throw new AppError("config_invalid", `Commands cannot be given the root directory ${path}.`, {
        hint: "Name the directories that they are to work in under tools.file.roots; not all of the machine.",
      });
  return { roots, closed: roots.some(({ path }) => isWithin(own, path)) ? [own] : [] };
}

/** The directory to start in; relative ones begin at the first root. The text of the problem when it is none. */
export function workingDirectory(
  { roots }: Places,
  cwd: string | undefined,
): { path: string } | { problem: string } {
  const first = roots[0]?.path ?? "/";
  const path = resolve(first, cwd ?? ".");
  const places = roots.map((root) => root.path).join(", ");
  const outside = { problem: `${cwd} is outside of the directories that commands may use: ${places}.` };
  if (!roots.some((root) => isWithin(path, root.path))) return outside;
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return { problem: `There is no directory ${cwd}. file_list shows what there is.` };
  const real = realpathSync(path);
  return roots.some((root) => isWithin(real, root.path)) ? { path } : outside;
}
