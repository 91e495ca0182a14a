import { type EnvironmentKey, environmentValues } from "./environment.ts";
import type { Variables } from "./home.ts";
import { formatPath, getAt, isSection, type Path, parsePath, setAt } from "./path.ts";
import type { Fault, Problem } from "./problems.ts";
import { type Expanded, expandReferences } from "./references.ts";
import type { Config } from "./schema.ts";
import { MADE_KEYS, type MadeKey, madeKeyFile } from "./token.ts";
import type { Mark, YamlFile } from "./yaml-file.ts";

/** Where a value in force came from. */
export interface Source {
  kind: "flag" | "environment" | ".env" | "file" | MadeKey["file"] | "default";
  /** The variable, for `environment` and `.env`. */
  variable?: string;
  /** For all but `flag`, `environment` and `default`. */
  file?: string;
  /** For `file`: where the value stands, counted from 1. */
  line?: number;
  column?: number;
}

/** What there is to read, read. */
export interface Inputs {
  home: string;
  file: string;
  envFile: string;
  text: string | null;
  yaml: YamlFile;
  dotenv: Variables;
  environment: Variables;
  variables: Variables;
}

/** The sources laid over one another, not yet validated. */
export interface Layers {
  draft: unknown;
  expanded: Expanded;
  /** What the environment and `.env` set. */
  variables: ReadonlyMap<string, EnvironmentKey>;
  /** What flags set. */
  flags: ReadonlySet<string>;
  /** The keys whose value in the file the environment replaced. */
  replaced: EnvironmentKey[];
}

/** Lays the environment over the file, and the flags over both. */
export function layer(inputs: Inputs, overrides: Readonly<Record<string, unknown>>): Layers {
  const expanded = expandReferences(inputs.yaml.value, inputs.variables);
  const draft = expanded.value ?? {};
  const variables = new Map<string, EnvironmentKey>();
  const replaced: EnvironmentKey[] = [];
  const flags = Object.entries(overrides).map(([key, value]) => ({ path: parsePath(key), value }));
  const layers = {
    draft,
    expanded,
    variables,
    flags: new Set(flags.map(({ path }) => formatPath(path))),
    replaced,
  };
  if (!isSection(draft)) return layers;
  for (const { value, ...key } of environmentValues(inputs.variables)) {
    const inFile = getAt(draft, key.path) ?? undefined;
    if (inFile !== undefined && spelled(inputs, key.path, inFile) !== value) replaced.push(key);
    setAt(draft, key.path, value);
    variables.set(formatPath(key.path), key);
  }
  for (const { path, value } of flags) setAt(draft, path, value);
  return layers;
}

function spelled(inputs: Inputs, path: Path, value: unknown): string {
  return typeof value === "string" ? value : (markOf(inputs, path)?.source ?? String(value));
}

/** Where the file has the value. */
export function markOf(inputs: Inputs, path: Path): Mark | undefined {
  return inputs.yaml.marks.get(formatPath(path));
}

/** A fault with the place of the value that has it. */
export function locate(inputs: Inputs, layers: Layers, fault: Fault): Problem {
  const { message, hint } = fault;
  const problem = { path: formatPath(fault.path), message, ...(hint !== undefined && { hint }) };
  const source = givenBy(inputs, layers, fault.path);
  if (source?.kind === "flag") return { ...problem, origin: "command line" };
  if (source?.variable !== undefined) return { ...problem, origin: `${source.variable} (${source.kind})` };
  if (inputs.text === null) return problem;
  const position = positionOf(inputs, fault);
  return { ...problem, file: inputs.file, ...position };
}

/** The place of the value, or of its key; of the section that lacks it when it is not there. */
function positionOf(inputs: Inputs, { path, atKey }: Fault) {
  const mark = markOf(inputs, path);
  if (mark) return atKey ? (mark.key ?? mark.value) : mark.value;
  for (let end = path.length - 1; end > 0; end--) {
    const above = markOf(inputs, path.slice(0, end));
    if (above) return above.key ?? above.value;
  }
  return undefined;
}

/** The flag or the variable that gave the value, if one did. */
function givenBy(inputs: Inputs, { flags, variables }: Layers, path: Path): Source | null {
  const key = formatPath(path);
  if (flags.has(key)) return { kind: "flag" };
  const variable = variables.get(key)?.variable;
  if (variable === undefined) return null;
  if (inputs.environment[variable]) return { kind: "environment", variable };
  return { kind: ".env", variable, file: inputs.envFile };
}

/** Where the value in force at a path came from. */
export function sourceOf(inputs: Inputs, layers: Layers, path: Path, config: Config): Source {
  const given = givenBy(inputs, layers, path);
  if (given) return given;
  const mark = markOf(inputs, path);
  const isSet = mark && mark.source !== "" && getAt(inputs.yaml.value, path) !== null;
  if (isSet) return { kind: "file", file: inputs.file, ...mark.value };
  const made = Object.values(MADE_KEYS).find(({ key }) => key === formatPath(path));
  // Nobody else gave it: what is there was made.
  if (made && [getAt(config, path) ?? []].flat().length > 0)
    return { kind: made.file, file: madeKeyFile(inputs.home, made) };
  return { kind: "default" };
}
