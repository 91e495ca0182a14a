import { join, resolve } from "node:path";
import { checkConfig } from "./check.ts";
import { localProvidersNamed } from "./check-models.ts";
import { type EnvironmentKey, environmentValues } from "./environment.ts";
import { expandTilde, resolveHome, type Variables, warnOfMode } from "./home.ts";
import { formatPath, getAt, type Path, parsePath, setAt } from "./path.ts";
import { ConfigError, type Fault, formatProblem, type Problem } from "./problems.ts";
import { type Expanded, expandReferences } from "./references.ts";
import type { Config } from "./schema.ts";
import { mergeVariables, readDotenv, readText } from "./sources.ts";
import { apiTokenFile, needsApiToken, readApiToken } from "./token.ts";
import { type Validated, validate } from "./validate.ts";
import { type Mark, parseYaml, type YamlFile } from "./yaml-file.ts";

export interface LoadOptions {
  /** Instead of `HERMES_HOME` and `~/.hermes`. */
  home?: string;
  /** Read this file, which must exist, instead of `config.yaml` in the home. */
  file?: string;
  /** Instead of the environment of the process. */
  env?: Variables;
  /** What flags set, by key: `{ "api.port": 0 }`. */
  overrides?: Readonly<Record<string, unknown>>;
}

/** Where a value in force came from. */
export interface Source {
  kind: "flag" | "environment" | ".env" | "file" | "api-token" | "default";
  /** The variable, for `environment` and `.env`. */
  variable?: string;
  /** For `file`, `.env` and `api-token`. */
  file?: string;
  /** For `file`: where the value stands, counted from 1. */
  line?: number;
  column?: number;
}

export interface LoadedConfig {
  /** Valid, with all defaults, frozen. */
  readonly config: Config;
  /** The directory of everything that is Hermes's; it need not exist. */
  readonly home: string;
  /** The configuration file; null when there is none. */
  readonly file: string | null;
  /** `.env` of the home; null when there is none. */
  readonly envFile: string | null;
  /** The environment over `.env`, for the few variables that are no configuration, such as `HERMES_API_KEY`. */
  readonly variables: Variables;
  /** What the operator should know, a line each. Without secrets. */
  readonly warnings: readonly string[];
  /** Every file that was read or would be read if it were there. */
  readonly watched: readonly string[];
  /** Where the value of a key, such as `api.port`, came from. */
  sourceOf(key: string): Source;
}

/**
 * Loads the configuration: flags over the environment over `.env` over the file over the defaults. Works without any
 * file. Raises a `ConfigError` with every problem at once.
 */
export function loadConfig(options: LoadOptions = {}): LoadedConfig {
  const inputs = readInputs(options);
  const layers = layer(inputs, options.overrides ?? {});
  const { config, problems, warnings } = judge(inputs, layers);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config: freeze(config),
    home: inputs.home,
    file: inputs.text === null ? null : inputs.file,
    envFile: Object.keys(inputs.dotenv).length > 0 ? inputs.envFile : null,
    variables: inputs.variables,
    warnings,
    watched: [inputs.file, inputs.envFile, ...layers.expanded.files],
    sourceOf: (key) => sourceOf(inputs, layers, parsePath(key), config),
  };
}

interface Inputs {
  home: string;
  file: string;
  envFile: string;
  text: string | null;
  yaml: YamlFile;
  dotenv: Variables;
  environment: Variables;
  variables: Variables;
}

function readInputs(options: LoadOptions): Inputs {
  const environment = options.env ?? process.env;
  const home = options.home === undefined ? resolveHome(environment) : resolve(options.home);
  const envFile = join(home, ".env");
  const file =
    options.file === undefined ? join(home, "config.yaml") : resolve(expandTilde(options.file, environment));
  const text = readText(file);
  if (text === null && options.file !== undefined)
    throw new ConfigError([{ path: "", file, message: "the file does not exist" }]);
  const yaml = parseYaml(text ?? "");
  if (!yaml.readable) throw new ConfigError(yaml.problems.map((problem) => ({ ...problem, file })));
  const dotenv = readDotenv(envFile);
  return {
    home,
    file,
    envFile,
    text,
    yaml,
    dotenv,
    environment,
    variables: mergeVariables(environment, dotenv),
  };
}

/** The sources laid over one another, not yet validated. */
interface Layers {
  draft: unknown;
  expanded: Expanded;
  /** What the environment and `.env` set. */
  variables: ReadonlyMap<string, EnvironmentKey>;
  /** What flags set. */
  flags: ReadonlySet<string>;
  /** The keys whose value in the file the environment replaced. */
  replaced: EnvironmentKey[];
}

function layer(inputs: Inputs, overrides: Readonly<Record<string, unknown>>): Layers {
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

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function spelled(inputs: Inputs, path: Path, value: unknown): string {
  return typeof value === "string" ? value : (markOf(inputs, path)?.source ?? String(value));
}

function markOf(inputs: Inputs, path: Path): Mark | undefined {
  return inputs.yaml.marks.get(formatPath(path));
}

function judge(inputs: Inputs, layers: Layers): { config: Config; problems: Problem[]; warnings: string[] } {
  const { config, faults } = validateLayers(inputs, layers);
  for (const name of localProvidersNamed(config)) config.providers[name] = {};
  const token = needsApiToken(config) ? readApiToken(inputs.home) : null;
  if (token !== null) config.api.auth.token = token;
  const findings = checkConfig(config);
  // What follows from a fault that is already told would only confuse.
  const fresh = findings.faults.filter(({ path }) => !faults.some((fault) => touches(fault.path, path)));
  const problems = [...faults, ...fresh].map((fault) => locate(inputs, layers, fault));
  problems.push(...inputs.yaml.problems.map((problem) => ({ ...problem, file: inputs.file })));
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  const warnings = [
    ...[inputs.file, inputs.envFile, apiTokenFile(inputs.home)].flatMap((file) => warnOfMode(file) ?? []),
    ...warnOfReplaced(inputs, layers),
    ...findings.warnings.map((warning) => formatProblem(locate(inputs, layers, warning))),
  ];
  return { config, problems, warnings };
}

function validateLayers(inputs: Inputs, layers: Layers): Validated {
  const { expanded, variables, flags } = layers;
  const fromFile = (path: Path) => !variables.has(formatPath(path)) && !flags.has(formatPath(path));
  const isReference = (path: Path) => expanded.paths.has(formatPath(path)) && fromFile(path);
  const broken = expanded.faults.filter(({ path }) => fromFile(path));
  const spelling = {
    source: (path: Path) => (fromFile(path) ? markOf(inputs, path)?.source : undefined),
    isText: (path: Path) => isReference(path) || variables.has(formatPath(path)),
    isHidden: isReference,
  };
  const { config, faults } = validate(
    layers.draft,
    spelling,
    broken.map(({ path }) => path),
  );
  return { config, faults: [...broken, ...faults] };
}

/** True when one path is the other or leads to it. */
function touches(a: Path, b: Path): boolean {
  return a.slice(0, b.length).every((part, i) => part === b[i]);
}

/** Once for all keys, however many there are. */
function warnOfReplaced(inputs: Inputs, { replaced }: Layers): string[] {
  if (replaced.length === 0) return [];
  const shown = replaced.map(({ path, variable }) => {
    const place = inputs.environment[variable] ? "" : " in .env";
    return `${formatPath(path)} (by ${variable}${place})`;
  });
  return [`The environment changes what ${inputs.file} sets: ${shown.join(", ")}`];
}

function locate(inputs: Inputs, layers: Layers, fault: Fault): Problem {
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

function sourceOf(inputs: Inputs, layers: Layers, path: Path, config: Config): Source {
  const given = givenBy(inputs, layers, path);
  if (given) return given;
  const mark = markOf(inputs, path);
  const isSet = mark && mark.source !== "" && getAt(inputs.yaml.value, path) !== null;
  if (isSet) return { kind: "file", file: inputs.file, ...mark.value };
  if (formatPath(path) === "api.auth.token" && config.api.auth.token !== undefined)
    return { kind: "api-token", file: apiTokenFile(inputs.home) };
  return { kind: "default" };
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
