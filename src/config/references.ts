import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { expandTilde, type Variables } from "./home.ts";
import { formatPath, type Path } from "./path.ts";
import type { Fault } from "./problems.ts";

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;
const MAX_SECRET_FILE_BYTES = 1_048_576;

export interface Expanded {
  value: unknown;
  /** `formatPath` of each value that a reference changed: it is text, whatever the key wants. */
  paths: Set<string>;
  /** The files that `file:` named. */
  files: string[];
  faults: Fault[];
}

/**
 * Puts the values in for `${NAME}`, `${NAME:-default}` (also used when the variable is empty) and `file:/path` in every
 * string. `$${` stands for `${`. What a variable or a file holds is taken as it is.
 */
export function expandReferences(value: unknown, variables: Variables): Expanded {
  const expanded: Expanded = { value: undefined, paths: new Set(), files: [], faults: [] };
  expanded.value = expand(value, [], variables, expanded);
  return expanded;
}

function expand(value: unknown, path: Path, variables: Variables, into: Expanded): unknown {
  if (Array.isArray(value))
    return value.map((item, i) => expand(item, [...path, String(i)], variables, into));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expand(item, [...path, key], variables, into)]),
    );
  if (typeof value !== "string") return value;
  const text = expandVariables(value, path, variables, into);
  const read = /^file:\S/.test(value)
    ? readReferenced(text.slice("file:".length), path, variables, into)
    : text;
  if (read !== value) into.paths.add(formatPath(path));
  return read;
}

function expandVariables(text: string, path: Path, variables: Variables, into: Expanded): string {
  return text.replace(REFERENCE, (reference, name?: string, fallback?: string) => {
    if (reference === "$${") return "${";
    if (name === undefined) {
      const message = `${formatPath(path)} has a "\${" that begins no reference`;
      into.faults.push({
        path,
        message,
        hint: "Write ${NAME} or ${NAME:-default}; $${ stands for ${ itself.",
      });
      return reference;
    }
    const value = variables[name];
    if (fallback !== undefined) return value || fallback;
    if (value !== undefined) return value;
    const message = `${formatPath(path)} needs the variable ${name}, which is not set`;
    const hint = `Set it in the environment or in .env, or give a default: \${${name}:-...}.`;
    into.faults.push({ path, message, hint });
    return reference;
  });
}

/** The text of a secret's file without its last newline. A pipe or a device could block or never end: refused. */
function readReferenced(name: string, path: Path, variables: Variables, into: Expanded): string {
  const fail = (message: string, hint?: string) => {
    into.faults.push({ path, message: `${formatPath(path)}: ${message}`, ...(hint && { hint }) });
    return "";
  };
  if (!/^(\/|~\/)/.test(name)) return fail("file: needs a whole path", "Write file:/path/to/the/file.");
  const file = resolve(expandTilde(name, variables));
  into.files.push(file);
  try {
    const status = statSync(file);
    if (!status.isFile()) return fail(`${file} is no regular file`);
    if (status.size > MAX_SECRET_FILE_BYTES) return fail(`${file} is larger than 1 MiB`);
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return fail(
      missing
        ? `${file} does not exist`
        : `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
