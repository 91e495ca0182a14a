import { existsSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative, resolve } from "node:path";
import type { Config } from "../../config/schema.ts";
import { identityOf } from "../../lib/beneath.ts";
import { AppError } from "../../lib/errors.ts";

/** A directory that the file and terminal tools reach. */
export interface FileRoot {
  /** Absolute, without links in it: what is mounted and opened. */
  path: string;
  /** Absolute, as the operator wrote it. */
  configured: string;
  readOnly: boolean;
}

const WORKSPACE = "workspace";
/** What of Hermes's own is closed when the operator opens its whole home: secrets, and files whose locks a reader would drop. */
const OWN_FILES = /^(hermes\.sqlite.*|instances|config\.ya?ml|\.env|api-token)$/;

/** Real paths stay as they were first seen, so that a link put in the place of a root leads nowhere. */
const realPaths = new Map<string, string>();

/**
 * The directories that the tools reach, writable ones first; relative paths begin at the first. Without
 * `tools.file.roots` that is the workspace in Hermes's home, which is made (0700) when it is not there. A directory that
 * is named as read-only is read-only, wherever else it is named. One below another root is left out while a link stands in
 * its place. Raises `config_invalid` for one that is not there.
 */
export function fileRoots({ tools: { file } }: Pick<Config, "tools">, home: string): readonly FileRoot[] {
  const writable = file.roots.length > 0 ? file.roots : [makeWorkspace(home)];
  const configured = [...writable, ...file.read_only_roots].map((path) => absolute(path, home));
  const outerFirst = [...new Set(configured)].sort((a, b) => a.length - b.length);
  const real = new Map<string, string>();
  for (const path of outerFirst) real.set(path, realPath(path, real));
  const readOnly = new Set(file.read_only_roots.map((path) => real.get(absolute(path, home))));
  const roots = configured.map((path) => {
    const own = real.get(path) as string;
    return { path: own, configured: path, readOnly: readOnly.has(own) };
  });
  const once = roots.filter((root, i) => roots.findIndex((other) => other.path === root.path) === i);
  return once.filter((root) => !isReplaced(root, once));
}

/** Files and directories below a root that are Hermes's own; see `Root.closed`. */
export function ownFiles(home: string, root: FileRoot): string[] {
  const path = realPaths.get(home) ?? realpathSync(home);
  const own =
    root.path === path
      ? readdirSync(path).flatMap((name) => (OWN_FILES.test(name) ? [join(path, name)] : []))
      : [path];
  return own.flatMap((file) => statSync(file, { throwIfNoEntry: false }) ?? []).map(identityOf);
}

/** True when `path` is `directory` or below it, by their names alone. */
export function isWithin(path: string, directory: string): boolean {
  const below = relative(directory, path);
  return below === "" || (below !== ".." && !below.startsWith("../"));
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
