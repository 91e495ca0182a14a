import { Kind } from "typebox";
import { Value, ValueErrorType } from "typebox/value";
import { nearest } from "../lib/nearest.ts";
import { formatPath, fromPointer, getAt, isSection, type Path, removeAt, setAt } from "./path.ts";
import type { Fault } from "./problems.ts";
import { type Config, ConfigSchema } from "./schema.ts";
import type { ConfigNode } from "./schema-parts.ts";
import { holdsSecret, nodeAt, recordParts, walkConfig } from "./walk.ts";

/** How the values of a draft were written. */
export interface Spelling {
  /** The text of a plain number in the file, with all its digits. */
  source(path: Path): string | undefined;
  /** True for a value that a variable or another file gave: it is text, to be read as what the key wants. */
  isText(path: Path): boolean;
  /** True for a value that must not be shown, whatever its key. */
  isHidden(path: Path): boolean;
}

export interface Validated {
  /** Valid in itself: where the draft had faults, with the defaults. */
  config: Config;
  faults: Fault[];
}

type Draft = Record<string, unknown>;

const MAX_REPAIRS = 10;

/** Checks a draft against the schema and puts the defaults in. Never throws; tells every fault at once. */
export function validate(raw: unknown, spelling: Spelling, broken: readonly Path[] = []): Validated {
  if (!isSection(raw)) {
    const message = "the configuration must consist of sections, such as model: and api:";
    return { config: attempt({}).config, faults: [{ path: [], message }] };
  }
  const draft = dropNulls(raw) as Draft;
  conform(draft, spelling);
  for (const path of broken) removeAt(draft, path);
  const first = attempt(draft);
  const faults = new Map<string, Fault>();
  for (const { type, path } of first.errors) {
    const shown = formatPath(path);
    if (!faults.has(shown)) faults.set(shown, explain(type, path, getAt(draft, path), spelling));
  }
  return { config: repair(draft, first), faults: [...faults.values()] };
}

/** A key with nothing behind it is a key that is not set, as in a section whose content is commented out. */
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (typeof value !== "object" || value === null) return value;
  const set = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(set.map(([key, item]) => [key, dropNulls(item)]));
}

interface Attempt {
  /** The draft with its defaults. */
  config: Config;
  errors: { type: ValueErrorType; path: Path }[];
}

function attempt(draft: Draft): Attempt {
  const config = Value.Default(ConfigSchema, structuredClone(draft)) as Config;
  const errors = [...Value.Errors(ConfigSchema, config)];
  return { config, errors: errors.map(({ type, path }) => ({ type, path: fromPointer(path) })) };
}

/** Takes away what is wrong until the rest is valid, so that the other checks can tell their faults as well. */
function repair(draft: Draft, first: Attempt): Config {
  let latest = first;
  for (let i = 0; i < MAX_REPAIRS && latest.errors.length > 0; i++) {
    for (const { type, path } of latest.errors)
      removeAt(draft, type === ValueErrorType.ObjectRequiredProperty ? path.slice(0, -1) : path);
    latest = attempt(draft);
  }
  return latest.errors.length === 0 ? latest.config : attempt({}).config;
}

/** Reads text as the number or the word that the key wants, and a number as text where the key wants text. */
function conform(draft: Draft, spelling: Spelling): void {
  for (const { path, node, value } of [...walkConfig(ConfigSchema, draft)]) {
    const meant = conformed(node, value, path, spelling);
    if (meant !== value) setAt(draft, path, meant);
  }
}

function conformed(node: ConfigNode, value: unknown, path: Path, spelling: Spelling): unknown {
  const accepted: ConfigNode[] = node["anyOf"] ?? [node];
  const accepts = (kind: string) => accepted.some((option) => option[Kind] === kind);
  if (typeof value === "number") {
    const text = spelling.source(path);
    if (text === undefined || !accepts("String")) return value;
    return accepts("Integer") && text === String(value) ? value : text;
  }
  if (typeof value !== "string") return value;
  const word = accepted.find((option) => String(option["const"]).toLowerCase() === value.toLowerCase());
  if (word && accepts("Literal")) return word["const"];
  if (!spelling.isText(path)) return value;
  if (accepts("Boolean") && /^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
  const isNumber = accepts("Number") || accepts("Integer");
  return isNumber && /^-?\d{1,15}(\.\d+)?$/.test(value) ? Number(value) : value;
}

function explain(type: ValueErrorType, path: Path, value: unknown, spelling: Spelling): Fault {
  const shown = formatPath(path);
  if (type === ValueErrorType.ObjectAdditionalProperties) return explainKey(path);
  if (type === ValueErrorType.ObjectRequiredProperty) return { path, message: `${shown} is missing` };
  const node = nodeAt(ConfigSchema, path) ?? ConfigSchema;
  const hidden = holdsSecret(node) || spelling.isHidden(path);
  const instead = hidden ? "" : `, not ${showValue(value)}`;
  const hint = hintFor(path, value);
  return { path, message: `${shown} must be ${describeType(node)}${instead}`, ...(hint && { hint }) };
}

function explainKey(path: Path): Fault {
  const parent = nodeAt(ConfigSchema, path.slice(0, -1));
  const key = path.at(-1) ?? "";
  if (parent?.[Kind] === "Record")
    return { path, atKey: true, message: `${formatPath(path)}: a name here is made of ${parent.form}` };
  const keys = parent ? Object.keys(parent["properties"]) : [];
  const meant = nearest(key, keys);
  const hint = meant ? `Did you mean "${meant}"?` : `The keys here are: ${keys.join(", ")}.`;
  return { path, atKey: true, message: `${formatPath(path)} is not a key`, hint };
}

function hintFor(path: Path, value: unknown): string | null {
  if (typeof value !== "string" || !path.includes("allowed_users")) return null;
  if (/^\d+$/.test(value)) return "Write the number without quotes.";
  return "A user name can change hands: write the numeric id.";
}

/** What a key takes, in words that follow "must be". */
function describeType(node: ConfigNode): string {
  if (node["anyOf"]) return describeUnion(node["anyOf"]);
  if (node.form && node[Kind] === "String") return node.form;
  if (node[Kind] === "Boolean") return "true or false";
  if (node[Kind] === "Array") return `a list, each entry ${describeType(node["items"])}`;
  if (node[Kind] === "Integer") return `a whole number${describeRange(node)}`;
  if (node[Kind] === "Number") return `a number${describeRange(node)}`;
  if (node[Kind] === "String") return node["minLength"] ? "text that is not empty" : "text";
  if (node[Kind] === "Literal") return JSON.stringify(node["const"]);
  return node[Kind] === "Record"
    ? `a section of names; each ${describeType(recordParts(node)[1])}`
    : "a section";
}

function describeUnion(options: readonly ConfigNode[]): string {
  const shown = options.map(describeType);
  if (options.every((option) => option[Kind] === "Literal")) return `one of ${shown.join(", ")}`;
  return shown.join(" or ");
}

function describeRange(node: ConfigNode): string {
  const { minimum, maximum, exclusiveMinimum } = node;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return exclusiveMinimum === undefined ? "" : ` above ${exclusiveMinimum}`;
}

function showValue(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a section";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
