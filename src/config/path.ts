/** The way to a value from the root of the configuration: names of keys, indexes of lists as digits. */
export type Path = readonly string[];

/** Stands in a path for any entry of a list, and for any name in a map. */
export const ANY_ENTRY = "[]";
export const ANY_NAME = "<name>";

/** `api.auth.keys[0].token`, the way paths are shown and named on the command line. */
export function formatPath(path: Path): string {
  return path.reduce((shown, part) => {
    if (part === ANY_ENTRY) return `${shown}[]`;
    if (/^\d+$/.test(part)) return `${shown}[${part}]`;
    return shown ? `${shown}.${part}` : part;
  }, "");
}

/** The reverse of `formatPath`; also takes `keys.0.token`, and `keys[]` for any entry. */
export function parsePath(text: string): Path {
  return text
    .replaceAll("[]", "[0]")
    .split(/[.[\]]+/)
    .filter(Boolean);
}

/** The path of a JSON pointer (RFC 6901). */
export function fromPointer(pointer: string): Path {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** True for a section or a map: no list, no scalar. */
export function isSection(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value);
}

const isContainer = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** The value at a path; undefined when there is none. */
export function getAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (!isContainer(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

/** Sets the value at a path and makes the sections on the way to it; what is in the way is replaced. */
export function setAt(root: Record<string, unknown>, path: Path, value: unknown): void {
  let parent = root;
  for (const part of path.slice(0, -1)) {
    const next = Object.hasOwn(parent, part) ? parent[part] : undefined;
    if (isContainer(next)) parent = next;
    else {
      const made = {};
      parent[part] = made;
      parent = made;
    }
  }
  const last = path.at(-1);
  if (last !== undefined) parent[last] = value;
}

/** Removes the key at a path. An entry of a list takes the whole list with it, so that no index moves. */
export function removeAt(root: Record<string, unknown>, path: Path): void {
  for (let end = path.length; end > 0; end--) {
    const parent = getAt(root, path.slice(0, end - 1));
    if (Array.isArray(parent)) continue;
    if (isContainer(parent)) delete parent[path[end - 1] ?? ""];
    return;
  }
}
