import { join } from "node:path";
import { isatty } from "node:tty";
import { createAgent } from "./agent/agent.ts";
import type { AgentService } from "./agent/contract.ts";
import { ensureHome } from "./config/home.ts";
import { type LoadedConfig, loadConfig } from "./config/load.ts";
import { createRedactor } from "./config/redact.ts";
import { ensureApiToken, needsApiToken } from "./config/token.ts";
import { type ConfigWatch, watchConfig } from "./config/watch.ts";
import { createLog, type LogLevel, type RootLog } from "./lib/log.ts";
import type { SafeFetch, SafeFetchParts } from "./lib/safe-fetch.ts";
import { type Catalogue, openCatalogue } from "./models/catalogue.ts";
import type { ModelRouter } from "./models/contract.ts";
import { createModelRouter } from "./models/router.ts";
import type { Store } from "./store/contract.ts";
import { livingInstances } from "./store/instances.ts";
import { openStore } from "./store/open.ts";
import { restoreDatabase } from "./store/restore.ts";
import { builtinTools } from "./tools/builtin.ts";
import { createToolRegistry, type ToolRegistry } from "./tools/registry.ts";

export interface AppOptions {
  /** Instead of `HERMES_HOME` and `~/.hermes`. */
  home?: string;
  /** The configuration file; the one in the home directory when absent. */
  config?: string;
  logLevel?: LogLevel;
  /** Values of flags by the path of their key, such as `api.port`. */
  overrides?: Readonly<Record<string, unknown>>;
}

/** Everything that runs in this process, joined. Nothing listens and nothing is resumed until `startService`. */
export interface App {
  home: string;
  config: ConfigWatch;
  log: RootLog;
  store: Store;
  catalogue: Catalogue;
  models: ModelRouter;
  tools: ToolRegistry;
  agent: AgentService;
  /** The API token, when this start made it. */
  madeToken: string | null;
  /** Where the API token is that Hermes made; null when the configuration has one. */
  tokenFile: string | null;
  /** Lets running turns end until the deadline, parks the others for the next start, and closes the database. */
  stop(deadlineMs: number): Promise<void>;
}

/** A running service. */
export interface Service {
  /** Where the REST API answers, its base path included. */
  apiUrl: string;
  /** Takes nothing new, and ends once the turns that run are answered, or after half a minute at most. */
  stop(turnsEnded?: Promise<void>): Promise<void>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Reads the configuration, opens the database and makes the agent. `makeToken`: a token is made when none is configured. */
export async function openApp(options: AppOptions & { makeToken?: boolean }): Promise<App> {
  const { loaded, madeToken } = loadWithToken(options, options.makeToken ?? false);
  const { log, redactor } = openLog(loaded, options);
  ensureHome(loaded.home);
  const config = watchConfig(loaded, { log, reload: () => load(options) });
  config.onChange((changed) => {
    redactor.follow(changed);
    log.setLevel(options.logLevel ?? changed.log.level);
  });
  const store = await openStore({ path: databasePath(loaded), log });
  const catalogue = openCatalogue({ home: loaded.home, log });
  const models = createModelRouter({ config, log, catalogue });
  const fetch = lazySafeFetch({ allowCidrs: () => config.current.network.allow_cidrs, log });
  const own = builtinTools({ store, config, home: loaded.home, fetch, log });
  const tools = createToolRegistry({
    tools: () => own,
    enabledGroups: () => config.current.tools.groups,
    log,
  });
  const agent = createAgent({ store, models, tools, config, log, fetch });
  return {
    home: loaded.home,
    config,
    log,
    store,
    catalogue,
    models,
    tools,
    agent,
    madeToken,
    tokenFile: tokenFileOf(loaded),
    async stop(deadlineMs) {
      await agent.stop(deadlineMs);
      config.stop();
      await store.close();
    },
  };
}

/** Only the database, for commands that look into it. */
export async function openStoreOnly(options: AppOptions): Promise<Store> {
  const { loaded, log } = openQuietly(options);
  return openStore({ path: databasePath(loaded), log });
}

/** Puts a backup in the place of the database; `kept` is where the one before is now. Raises what `restoreDatabase` raises. */
export async function restore(
  options: AppOptions,
  from: string,
): Promise<{ path: string; kept: string | null }> {
  const { loaded, log } = openQuietly(options);
  const path = databasePath(loaded);
  return { path, ...(await restoreDatabase({ path, from, log })) };
}

/** True while the process with this store instance lives. */
export function isAlive(home: string, instance: string): boolean {
  return livingInstances(databasePath({ home })).includes(instance);
}

/** A host to connect to for one that is listened on, as it stands in a URL. */
export function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** The configuration and a log of what goes wrong, for commands that end soon. */
function openQuietly(options: AppOptions): { loaded: LoadedConfig; log: RootLog } {
  const loaded = load(options);
  const { log } = openLog(loaded, { logLevel: "warn", ...options });
  ensureHome(loaded.home);
  return { loaded, log };
}

/** Listens, then takes up what an earlier process left unfinished, and keeps house. Raises what `listen` raises. */
export async function startService(app: App, version: string): Promise<Service> {
  const { createHttpServer } = await import("./http/server.ts");
  const server = createHttpServer({ ...app, version });
  const { port } = await server.listen();
  await app.agent.recover();
  const upkeep = startUpkeep(app);
  const { host, base_path } = app.config.current.api;
  return {
    apiUrl: `http://${reachableHost(host)}:${port}${base_path}`,
    async stop(turnsEnded) {
      upkeep.stop();
      await server.stop(turnsEnded === undefined ? {} : { turnsEnded });
    },
  };
}

/** Once an hour drops what is past its keeping time; once a day asks for newer model facts. */
function startUpkeep({ store, catalogue, config, log }: App): { stop(): void } {
  const stopping = new AbortController();
  const prune = () =>
    store
      .prune({
        deliveriesMs: config.current.store.deliveries_days * DAY_MS,
        eventsMs: config.current.store.run_events_days * DAY_MS,
      })
      .catch((error: unknown) => log.warn("old run events could not be dropped", { error }));
  const refresh = () => catalogue.refresh(stopping.signal);
  const timers = [setInterval(prune, HOUR_MS), setInterval(refresh, DAY_MS)];
  return {
    stop() {
      stopping.abort();
      for (const timer of timers) clearInterval(timer);
    },
  };
}

function load({ home, config, overrides }: AppOptions): LoadedConfig {
  return loadConfig({
    ...(home === undefined ? {} : { home }),
    ...(config === undefined ? {} : { file: config }),
    ...(overrides === undefined ? {} : { overrides }),
  });
}

/** Loads the configuration; makes the API token first where it is wanted and missing. */
function loadWithToken(
  options: AppOptions,
  makeToken: boolean,
): { loaded: LoadedConfig; madeToken: string | null } {
  const loaded = load(options);
  if (!makeToken || !needsApiToken(loaded.config)) return { loaded, madeToken: null };
  const { token, made } = ensureApiToken(loaded.home);
  return { loaded: load(options), madeToken: made ? token : null };
}

function tokenFileOf({ sourceOf }: LoadedConfig): string | null {
  const { kind, file = null } = sourceOf("api.auth.token");
  return kind === "api-token" ? file : null;
}

/** Loaded with the first attachment: what it is made of takes longer to load than most other parts. */
function lazySafeFetch(parts: SafeFetchParts): SafeFetch {
  let loaded: Promise<SafeFetch> | undefined;
  return async (...request) => {
    loaded ??= import("./lib/safe-fetch.ts").then(({ createSafeFetch }) => createSafeFetch(parts));
    return (await loaded)(...request);
  };
}

function openLog(loaded: LoadedConfig, options: AppOptions) {
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
  for (const warning of loaded.warnings) log.warn(warning);
  log.debug("configuration read", { file: loaded.file, env_file: loaded.envFile, home: loaded.home });
  return { log, redactor };
}

/** Where the database of a home is. */
export function databasePath({ home }: { home: string }): string {
  return join(home, "hermes.sqlite");
}
