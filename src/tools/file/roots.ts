import { existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative, resolve } from "node:path";
import type { Config } from "../../config/schema.ts";
import { identityOf } from "../../lib/beneath.ts";
import { AppError } from "../../lib/errors.ts";
import { isWithin } from "../../lib/is-within.ts";

/** A directory that the file and terminal tools reach. */
export interface FileRoot {
  /** Absolute, without links in it: what is mounted and opened. */
  path: string;
  /** Absolute, as the operator wrote it. */
  configured: string;
  readOnly: boolean;
}

const WORKSPACE = "workspace";

/** Real paths stay as they were first seen, so that a link put in the place of a root leads nowhere. */
const realPaths = new Map<string, string>();

/**
 * The directories that the tools reach, writable ones first; relative paths begin at the first. Without
 * `tools.file.roots` that is the workspace in Hermes's home, which is made (0700) when it is not there. A directory that
 * is named as read-only is read-only, wherever else it is named. One below another root is left out while a link stands in
 * its place. Raises `config_invalid` for one that is not there, and for Hermes's home: who writes there writes the configuration.
 */
export function fileRoots({ tools: { file } }: Pick<Config, "tools">, home: string): readonly FileRoot[] {
  const writable = file.roots.length > 0 ? file.roots : [makeWorkspace(home)];
  const configured = [...writable, ...file.read_only_roots].map((path) => absolute(path, home));
  const outerFirst = [...new Set(configured)].sort((a, b) => a.length - b.length);
  const real = new Map<string, string>();
  for (const path of outerFirst) real.set(path, realPath(path, real));
  if ([...real.values()].includes(realHome(home))) throw homeIsNoRoot();
  const readOnly = new Set(file.read_only_roots.map((path) => real.get(absolute(path, home))));
  const roots = configured.map((path) => {
    const own = real.get(path) as string;
    return { path: own, configured: path, readOnly: readOnly.has(own) };
  });
  const once = roots.filter((root, i) => roots.findIndex((other) => other.path === root.path) === i);
  return once.filter((root) => !isReplaced(root, once));
}

/** The identity of what is Hermes's own and may lie below a root; see `Root.closed`. */
export function ownFiles(home: string): string[] {
  return [identityOf(statSync(realHome(home)))];
}

function realHome(home: string): string {
  return realPaths.get(home) ?? realpathSync(home);
}

function homeIsNoRoot(): AppError {
  return new AppError("config_invalid", "Hermes's own home cannot be a root directory of tools.file.", {
    hint: "Name a directory in it, such as its workspace, or one elsewhere.",
  });
}

function absolute(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : resolve(home, path);
}

function makeWorkspace(home: string): string {
  const path = join(home, WORKSPACE);
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

/** Whoever writes to a root could put a link in the place of one below it, which must not be opened, nor mounted. */
function isReplaced({ path }: FileRoot, roots: readonly FileRoot[]): boolean {
  if (!roots.some((other) => other.path !== path && isWithin(path, other.path))) return false;
  try {
    return realpathSync(path) !== path;
  } catch (error) {
    if (error instanceof Error && "code" in error) return true; // not there any more
    throw error;
  }
}

/**
 * Where a root really is. One that lies below another one must not go through a link on the way: whoever writes to
 * the outer one could have put it there.
 */
function realPath(path: string, outer: ReadonlyMap<string, string>): string {
  const known = realPaths.get(path);
  if (known !== undefined) return known;
  let real: string | undefined;
  for (const [configured, at] of outer) {
    if (isWithin(path, configured)) real = join(at, relative(configured, path));
    else if (isWithin(path, at)) real = path;
  }
  try {
    if (!statSync(path).isDirectory()) throw new Error("not a directory");
    real ??= realpathSync(path);
  } catch (cause) {
    throw new AppError("config_invalid", `The root directory ${path} of tools.file is not there.`, {
      hint: "Make it, or take it out of tools.file.roots and tools.file.read_only_roots.",
      cause,
    });
  }
  realPaths.set(path, real);
  return real;
}
