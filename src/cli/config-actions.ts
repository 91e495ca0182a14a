import { stringify } from "yaml";
import { documentKeys, typeName } from "../config/document.ts";
import { variableOf } from "../config/environment.ts";
import { exampleYaml } from "../config/example.ts";
import { configJsonSchema } from "../config/json-schema.ts";
import type { Source } from "../config/layers.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { ANY_NAME, formatPath, getAt, type Path, parsePath, setAt } from "../config/path.ts";
import { ConfigError } from "../config/problems.ts";
import { createRedactor, REDACTED } from "../config/redact.ts";
import { ConfigSchema } from "../config/schema.ts";
import type { ConfigNode } from "../config/schema-parts.ts";
import { holdsSecret, isLeaf, nodeAt, walkConfig } from "../config/walk.ts";
import { AppError } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import { print, printJson, say } from "./output.ts";
import { AlreadyTold } from "./report.ts";

export interface ReadOptions {
  config?: string;
  json?: true;
}

function load({ config }: ReadOptions): LoadedConfig {
  return loadConfig(config === undefined ? {} : { file: config });
}

/** `config check`. Throws after it has printed what is wrong as JSON, for the exit code. */
export function check(options: ReadOptions): void {
  try {
    const { file, home, warnings } = load(options);
    for (const warning of options.json ? [] : warnings) say(`warning: ${warning}`);
    if (options.json) printJson({ ok: true, file, home, problems: [], warnings });
    else
      print(file === null ? `There is no file in ${home}; the defaults are in force.` : `${file} is valid.`);
  } catch (error) {
    if (!options.json || !(error instanceof ConfigError)) throw error;
    printJson({ ok: false, problems: error.problems });
    throw new AlreadyTold(error);
  }
}

/** `config show`. */
export function show(options: ReadOptions & { sources?: true }): void {
  const loaded = load(options);
  const shown = withoutSecrets(loaded);
  if (!options.sources) {
    if (options.json) printJson(shown);
    else print(stringify(shown));
    return;
  }
  const rows = [...walkConfig(ConfigSchema, shown)]
    .filter(({ node }) => isLeaf(node))
    .map(({ path, value }) => ({ key: formatPath(path), value, source: loaded.sourceOf(formatPath(path)) }));
  if (options.json) printJson(rows);
  else
    for (const { key, value, source } of rows)
      print(`${key}: ${JSON.stringify(value)}  # ${describe(source)}`);
}

/** A copy to show: secrets replaced where the schema marks them, and wherever else their values turn up. */
function withoutSecrets({ config }: LoadedConfig): Record<string, unknown> {
  const { redact } = createRedactor(config);
  const shown: Record<string, unknown> = {};
  for (const { path, node, value } of walkConfig(ConfigSchema, config)) {
    if (path.length === 0) continue;
    if (typeof value === "object" && value !== null) setAt(shown, path, Array.isArray(value) ? [] : {});
    else setAt(shown, path, node.secret ? REDACTED : typeof value === "string" ? redact(value) : value);
  }
  return shown;
}

function describe({ kind, variable, file, line, column }: Source): string {
  const position = line === undefined ? "" : `:${line}:${column}`;
  return [kind, variable, file === undefined ? undefined : `${file}${position}`].filter(Boolean).join(" ");
}

interface Explanation {
  key: string;
  description: string;
  type: string;
  default?: unknown;
  variable?: string;
  example?: unknown;
  secret?: true;
  needs_restart?: true;
  keys?: string[];
  /** Absent when it is not set, or when the configuration cannot be loaded. */
  value?: unknown;
  source?: Source;
}

/** `config explain KEY`. */
export function explain(key: string, options: ReadOptions): void {
  const path = parsePath(key);
  const node = path.length === 0 ? null : nodeAt(ConfigSchema, path);
  if (!node) throw unknownKey(key);
  const variable = variableOf(path);
  const explanation: Explanation = {
    key,
    description: node.description ?? "",
    type: typeName(node),
    ...(isLeaf(node) && node.default !== undefined && { default: node.default }),
    ...(variable !== null && { variable }),
    ...(node.sample !== undefined && { example: node.sample }),
    ...(isLeaf(node) && holdsSecret(node) && { secret: true }),
    ...(node.restart && { needs_restart: true }),
    ...(!isLeaf(node) && { keys: keysOf(node) }),
    ...inForce(path, options),
  };
  if (options.json) printJson(explanation);
  else print(explanationText(explanation));
}

function unknownKey(key: string): AppError {
  const keys = documentKeys().map((document) => document.key);
  const last = (name: string) => name.split(".").at(-1) ?? name;
  const meant =
    nearest(key, keys) ?? keys.find((known) => last(known) === nearest(last(key), keys.map(last)));
  const hint = meant ? `Did you mean "${meant}"?` : `The sections are: ${keysOf(ConfigSchema).join(", ")}.`;
  return new AppError("usage", `${key} is not a key of the configuration.`, { hint });
}

function keysOf(node: ConfigNode): string[] {
  if (node["items"]) return keysOf(node["items"]).map((key) => `[].${key}`);
  return node["properties"] ? Object.keys(node["properties"]) : [ANY_NAME];
}

/** The value in force and its source. The key is explained also when the configuration has problems. */
function inForce(path: Path, options: ReadOptions): Pick<Explanation, "value" | "source"> {
  try {
    const loaded = load(options);
    const value = getAt(withoutSecrets(loaded), path);
    return value === undefined ? {} : { value, source: loaded.sourceOf(formatPath(path)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    say(`warning: ${error.message}`);
    return {};
  }
}

function explanationText(explanation: Explanation): string {
  const { key, description, keys, value, source } = explanation;
  const lines = [`${key}: ${description}`, `  type: ${explanation.type}`];
  const add = (name: string, shown: unknown) => {
    if (shown !== undefined)
      lines.push(`  ${name}: ${typeof shown === "string" ? shown : JSON.stringify(shown)}`);
  };
  add("default", explanation.default);
  add("variable", explanation.variable);
  add("example", explanation.example);
  if (explanation.secret) lines.push("  a secret: never shown");
  if (explanation.needs_restart) lines.push("  a change needs a restart");
  add("keys", keys?.join(", "));
  if (!keys) add("in force", source ? `${JSON.stringify(value)} (${describe(source)})` : "not set");
  return lines.join("\n");
}

/** `config schema`. */
export function printSchema(): void {
  printJson(configJsonSchema());
}

/** `config example`. */
export function printExample(): void {
  print(exampleYaml());
}
