import { join, resolve } from "node:path";
import { checkConfig } from "./check.ts";
import { localProvidersNamed } from "./check-models.ts";
import { checkRoots } from "./check-roots.ts";
import { expandTilde, resolveHome, type Variables, warnOfMode } from "./home.ts";
import { type Inputs, type Layers, layer, locate, markOf, type Source, sourceOf } from "./layers.ts";
import { formatPath, type Path, parsePath } from "./path.ts";
import { ConfigError, formatProblem, type Problem } from "./problems.ts";
import type { Config } from "./schema.ts";
import { mergeVariables, readDotenv, readText } from "./sources.ts";
import { MADE_KEYS, madeKeyFile, readMadeKey } from "./token.ts";
import { type Validated, validate } from "./validate.ts";
import { parseYaml } from "./yaml-file.ts";

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

export interface LoadedConfig {
  /** Valid, with all defaults, frozen. */
  readonly config: Config;
  /** The directory of everything that is Hermes's; it need not exist. */
  readonly home: string;
  /** The configuration file; null when there is none. */
  readonly file: string | null;
  /** `.env` of the home; null when there is none. */
  readonly envFile: string | null;
  /** The environment over `.env`, for programs that Hermes starts. */
  readonly variables: Variables;
  /** The key with which a client starts `hermes mcp`, from `HERMES_API_KEY`; null when it is not set. */
  readonly apiKey: string | null;
  /** What the operator should know, a line each. Without secrets. */
  readonly warnings: readonly string[];
  /** Every file that was read or would be read if it were there. */
  readonly watched: readonly string[];
  /** Where the value of a key, such as `api.port`, came from. */
  sourceOf(key: string): Source;
}

/** The home of Hermes, also when the configuration in it cannot be loaded. */
export function homeDirectory(): string {
  return resolveHome(process.env);
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
    apiKey: inputs.variables["HERMES_API_KEY"] || null,
    warnings,
    watched: [inputs.file, inputs.envFile, ...layers.expanded.files],
    sourceOf: (key) => sourceOf(inputs, layers, parsePath(key), config),
  };
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

function judge(inputs: Inputs, layers: Layers): { config: Config; problems: Problem[]; warnings: string[] } {
  const { config, faults } = validateLayers(inputs, layers);
  for (const name of localProvidersNamed(config)) config.providers[name] = {};
  for (const made of Object.values(MADE_KEYS)) {
    const token = made.isWanted(config) ? readMadeKey(inputs.home, made) : null;
    if (token !== null) made.put(config, token);
  }
  const findings = checkConfig(config);
  checkRoots(config, { home: inputs.home, files: [inputs.file, ...layers.expanded.files] }, findings);
  // What follows from a fault that is already told would only confuse.
  const fresh = findings.faults.filter(({ path }) => !faults.some((fault) => touches(fault.path, path)));
  const problems = [...faults, ...fresh].map((fault) => locate(inputs, layers, fault));
  problems.push(...inputs.yaml.problems.map((problem) => ({ ...problem, file: inputs.file })));
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  const warnings = [
    ...[
      inputs.file,
      inputs.envFile,
      ...Object.values(MADE_KEYS).map((made) => madeKeyFile(inputs.home, made)),
    ].flatMap((file) => warnOfMode(file) ?? []),
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

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
