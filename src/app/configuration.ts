import { isatty } from "node:tty";
import { type Account, enabledAccounts } from "../config/accounts.ts";
import { ensureHome } from "../config/home.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { createRedactor } from "../config/redact.ts";
import type { Config } from "../config/schema.ts";
import { ensureMadeKey, MADE_KEYS, type MadeKey, madeKeyFile } from "../config/token.ts";
import type { SurfaceName } from "../http/edge.ts";
import { AppError } from "../lib/errors.ts";
import { createLog, type LogLevel, type RootLog } from "../lib/log.ts";
import { chooseAccounts, receivesByWebhook } from "./accounts.ts";

/** What a command line says of the configuration. */
export interface AppOptions {
  /** Instead of `HERMES_HOME` and `~/.hermes`. */
  home?: string;
  /** The configuration file; the one in the home directory when absent. */
  config?: string;
  logLevel?: LogLevel;
  /** Values of flags by the path of their key, such as `api.port`. */
  overrides?: Readonly<Record<string, unknown>>;
}

/** Which platforms a process connects. */
export interface Connect {
  /**
   * Names of platforms or accounts, which must be there and must not be connected by another process; empty: all that are
   * configured, then and later, of which one at least must be free. Absent: what is configured and free, if anything.
   */
  only?: readonly string[];
  /** How other processes are told of this one. */
  holder: string;
}

/** What a process is there for. */
export interface ServeOptions extends AppOptions {
  /** The one surface to be served, or all that the configuration enables. */
  serve?: SurfaceName | "enabled";
  /** Absent: no platform. The surface for webhooks is served too where an account receives by them. */
  connect?: Connect;
}

/** A key that Hermes made. */
export interface KeptKey {
  surface: MadeKey["surface"];
  token: string;
  /** Where it is kept. */
  file: string;
  /** True when this start made it. */
  isNew: boolean;
}

/** Reads the configuration. Raises what `loadConfig` raises. */
export function load({ home, config, overrides }: AppOptions): LoadedConfig {
  return loadConfig({
    ...(home === undefined ? {} : { home }),
    ...(config === undefined ? {} : { file: config }),
    ...(overrides === undefined ? {} : { overrides }),
  });
}

/** Loads the configuration; first makes the keys that the surfaces to be served lack. `connect`: null for no platform. */
export async function loadToServe(asked: ServeOptions) {
  const options = await withEvents(asked);
  const first = load(options);
  const accounts = accountsOf(first.config, options);
  const connect = accounts.length === 0 ? null : (options.connect ?? null);
  const surfaces = surfacesOf(first.config, options.serve);
  if (!surfaces.includes("webhook") && (await Promise.all(accounts.map(receivesByWebhook))).includes(true))
    surfaces.push("webhook");
  if (options.serve === "enabled" && surfaces.length === 0 && connect === null) throw nothingToServe();
  const wanted = surfaces.flatMap((name) => (name === "webhook" ? [] : [MADE_KEYS[name]]));
  const made = new Map<MadeKey, boolean>(
    wanted
      .filter((one) => one.isWanted(first.config))
      .map((one) => [one, ensureMadeKey(first.home, one).isNew]),
  );
  const loaded = made.size > 0 ? load(options) : first;
  const madeKeys = wanted.flatMap((one): KeptKey[] => {
    if (loaded.sourceOf(one.key).kind !== one.file) return [];
    const { token } = ensureMadeKey(loaded.home, one);
    const file = madeKeyFile(loaded.home, one);
    return [{ surface: one.surface, token, file, isNew: made.get(one) ?? false }];
  });
  return { loaded, surfaces, madeKeys, connect, reload: () => load(options) };
}

/**
 * Whoever asks for the webhooks asks for events too, which need a secret. Only where there is none, and platforms are to be
 * called there, it is these alone.
 */
async function withEvents(options: ServeOptions): Promise<ServeOptions> {
  if (options.serve !== "webhook") return options;
  const { config } = load(options);
  const { secret, routes, allow_unsigned } = config.gateway.webhook;
  const hasSecret = secret !== undefined || Object.keys(routes).length > 0 || allow_unsigned;
  const isCalled = async () =>
    (await Promise.all(accountsOf(config, options).map(receivesByWebhook))).includes(true);
  if (!hasSecret && (await isCalled())) return options;
  return { ...options, overrides: { ...options.overrides, "gateway.webhook.enabled": true } };
}

function accountsOf(config: Config, { connect, serve }: ServeOptions): Account[] {
  if (connect === undefined) return [];
  const { only } = connect;
  const needsNone = only === undefined || (serve === "webhook" && only.length === 0);
  return needsNone ? enabledAccounts(config) : chooseAccounts(config, only);
}

function surfacesOf(config: Config, serve: SurfaceName | "enabled" | undefined): SurfaceName[] {
  if (serve === undefined) return [];
  if (serve !== "enabled") return [serve];
  const { api, mcp, gateway } = config;
  const sections = { api, mcp, webhook: gateway.webhook };
  return (["api", "mcp", "webhook"] as const).filter((name) => sections[name].enabled);
}

/** The log on stderr, with the secrets of the configuration taken out of it; first tells what the configuration warns of. */
export function openLog(loaded: LoadedConfig, options: AppOptions) {
  const opened = openSilentLog(loaded, options);
  for (const warning of loaded.warnings) opened.log.warn(warning);
  return opened;
}

function openSilentLog(loaded: LoadedConfig, options: AppOptions) {
  const redactor = createRedactor(loaded.config);
  const terminal = isatty(2);
  const { level, format } = loaded.config.log;
  const log = createLog({
    level: options.logLevel ?? level,
    format: format === "auto" ? (terminal ? "text" : "json") : format,
    color: terminal && process.stderr.hasColors(), // false with NO_COLOR
    redact: redactor.redact,
    write: (line) => process.stderr.write(line),
  });
  log.debug("configuration read", { file: loaded.file, env_file: loaded.envFile, home: loaded.home });
  return { log, redactor };
}

/**
 * The configuration and a log of what goes wrong, for commands that end soon. What the configuration warns of is for services,
 * `hermes config check` and `hermes doctor` to tell, and not for every command again.
 */
export function openQuietly(options: AppOptions): { loaded: LoadedConfig; log: RootLog } {
  const loaded = load(options);
  const { log } = openSilentLog(loaded, { logLevel: "warn", ...options });
  for (const warning of loaded.warnings) log.debug(warning);
  ensureHome(loaded.home);
  return { loaded, log };
}

/** Raised where there is no surface to be served. */
export function nothingToServe(): AppError {
  return new AppError("config_invalid", "The configuration enables no surface.", {
    hint: "Set api.enabled or mcp.enabled to true.",
  });
}
