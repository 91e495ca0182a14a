import { Kind } from "typebox";
import { ANY_ENTRY, ANY_NAME, type Path } from "./path.ts";
import type { ConfigNode } from "./schema-parts.ts";

/** One key of the schema. */
export interface SchemaKey {
  path: Path;
  node: ConfigNode;
  /** False for the keys that must be there. */
  optional: boolean;
}

/** One value of a configuration with the part of the schema that describes it. */
export interface Visited {
  path: Path;
  node: ConfigNode;
  value: unknown;
}

/** The schema of a child: of a key of an object or a map, or of an entry of a list. Null when there can be none. */
export function childNode(node: ConfigNode, key: string): ConfigNode | null {
  if (node[Kind] === "Array") return /^\d+$/.test(key) ? node["items"] : null;
  if (node[Kind] === "Object") return Object.hasOwn(node["properties"], key) ? node["properties"][key] : null;
  if (node[Kind] !== "Record") return null;
  const [pattern, value] = recordParts(node);
  return key === ANY_NAME || new RegExp(pattern).test(key) ? value : null;
}

/** The pattern of a map's names and the schema of its values. */
export function recordParts(node: ConfigNode): [pattern: string, value: ConfigNode] {
  const parts = Object.entries<ConfigNode>(node["patternProperties"])[0];
  if (!parts) throw new TypeError("a record without a pattern");
  return parts;
}

/** The schema at a path; null when the path names nothing. */
export function nodeAt(root: ConfigNode, path: Path): ConfigNode | null {
  let node: ConfigNode | null = root;
  for (const part of path) node = node && childNode(node, part);
  return node;
}

/** Every value that the schema knows, containers before their content, in the order of the schema. */
export function* walkConfig(node: ConfigNode, value: unknown, path: Path = []): Generator<Visited> {
  yield { path, node, value };
  if (typeof value !== "object" || value === null) return;
  const keys = node[Kind] === "Object" ? Object.keys(node["properties"]) : Object.keys(value);
  for (const key of keys) {
    const child = childNode(node, key);
    if (child && Object.hasOwn(value, key))
      yield* walkConfig(child, (value as Record<string, unknown>)[key], [...path, key]);
  }
}

/** Every node of the schema, containers before their content. */
export function* walkSchema(node: ConfigNode, path: Path = [], optional = true): Generator<SchemaKey> {
  yield { path, node, optional };
  if (node[Kind] === "Array") yield* walkSchema(node["items"], [...path, ANY_ENTRY]);
  if (node[Kind] === "Record") yield* walkSchema(recordParts(node)[1], [...path, ANY_NAME]);
  if (node[Kind] !== "Object") return;
  const required: readonly string[] = node["required"] ?? [];
  for (const [key, child] of Object.entries<ConfigNode>(node["properties"]))
    yield* walkSchema(child, [...path, key], !required.includes(key) || child.default !== undefined);
}

/** True when the value is one that is shown whole: no section, no map, no list of sections. */
export function isLeaf(node: ConfigNode): boolean {
  if (node[Kind] === "Array") return isLeaf(node["items"]);
  return node[Kind] !== "Object" && node[Kind] !== "Record";
}

/** True when the value, or a part of it, is a secret. */
export function holdsSecret(node: ConfigNode): boolean {
  if (node.secret) return true;
  if (node[Kind] === "Array") return holdsSecret(node["items"]);
  if (node[Kind] === "Record") return holdsSecret(recordParts(node)[1]);
  return node[Kind] === "Object" && Object.values<ConfigNode>(node["properties"]).some(holdsSecret);
}
