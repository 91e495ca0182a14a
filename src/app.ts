import { join } from "node:path";
import { isatty } from "node:tty";
import { version as ownVersion } from "../package.json";
import { createAgent } from "./agent/agent.ts";
import type { AgentService } from "./agent/contract.ts";
import { createDelegation } from "./agent/delegation.ts";
import { ensureHome } from "./config/home.ts";
import { type LoadedConfig, loadConfig } from "./config/load.ts";
import { createRedactor } from "./config/redact.ts";
import type { Config } from "./config/schema.ts";
import { ensureMadeKey, MADE_KEYS, type MadeKey, madeKeyFile } from "./config/token.ts";
import { type ConfigWatch, watchConfig } from "./config/watch.ts";
import type { SurfaceName } from "./http/edge.ts";
import type { SurfaceKind } from "./http/surface.ts";
import { AppError } from "./lib/errors.ts";
import { createLog, type LogLevel, type RootLog } from "./lib/log.ts";
import type { SafeFetch, SafeFetchParts } from "./lib/safe-fetch.ts";
import type { McpFeatures } from "./mcp/contract.ts";
import { type Catalogue, openCatalogue } from "./models/catalogue.ts";
import type { ModelRouter } from "./models/contract.ts";
import { createModelRouter } from "./models/router.ts";
import type { Store } from "./store/contract.ts";
import { livingInstances } from "./store/instances.ts";
import { openStore } from "./store/open.ts";
import { restoreDatabase } from "./store/restore.ts";
import { builtinTools } from "./tools/builtin.ts";
import type { Tool } from "./tools/contract.ts";
import { createMcpServers, type McpServers } from "./tools/mcp-servers/servers.ts";
import { enabledGroups } from "./tools/policy.ts";
import { createToolRegistry, type ToolRegistry } from "./tools/registry.ts";
import type { SkillLibrary } from "./tools/skill/contract.ts";
import { createSkillLibrary } from "./tools/skill/library.ts";
import { createTerminal, type Terminal } from "./tools/terminal/terminal.ts";

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
  /** The commands that run in this process, and the sandbox around them. */
  terminal: Terminal;
  /** The outside MCP servers; they are being connected since `openApp`. */
  mcpServers: McpServers;
  agent: AgentService;
  /** Reaches only the public internet and what the operator exempted. */
  fetch: SafeFetch;
  /** The surfaces that this process was asked to serve. */
  surfaces: readonly SurfaceName[];
  /** The keys of these surfaces that Hermes made, because the configuration has none. */
  madeKeys: readonly KeptKey[];
  /** The key that `HERMES_API_KEY` holds; null when it is not set. */
  apiKey: string | null;
  /** Lets running turns end until the deadline, parks the others for the next start, and closes the database. */
  stop(deadlineMs: number): Promise<void>;
}

/** A key that Hermes made. */
export interface KeptKey {
  surface: SurfaceName;
  token: string;
  /** Where it is kept. */
  file: string;
  /** True when this start made it. */
  isNew: boolean;
}

/** A running service. */
export interface Service {
  /** Where each surface answers, its base path included. */
  urls: Readonly<Partial<Record<SurfaceName, string>>>;
  /** Takes nothing new, and ends once the turns that run are answered, or after half a minute at most. */
  stop(turnsEnded?: Promise<void>): Promise<void>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Reads the configuration, opens the database and makes the agent. `serve`: the one surface to be served, or all that the
 * configuration enables; a key is made for each that has none.
 */
export async function openApp(options: AppOptions & { serve?: SurfaceName | "enabled" }): Promise<App> {
  const { loaded, surfaces, madeKeys } = loadToServe(options);
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
  const delegation = createDelegation({ agent: () => agent, tools: () => tools, config, log });
  const terminal = createTerminal({ config, home: loaded.home, log });
  const own = builtinTools({ store, config, home: loaded.home, fetch, terminal, delegation, log });
  const mcpServers = createMcpServers({
    config,
    variables: loaded.variables,
    log,
    version: ownVersion,
  });
  const tools: ToolRegistry = createToolRegistry({
    tools: joinTools(own, mcpServers.tools),
    enabledGroups: () => enabledGroups(config.current.tools),
    approvals: { tools: () => config.current.tools, terminalDefault: terminal.approvalDefault },
    log,
  });
  const agent: AgentService = createAgent({ store, models, tools, config, log, fetch });
  mcpServers.start();
  return {
    home: loaded.home,
    config,
    log,
    store,
    catalogue,
    models,
    tools,
    terminal,
    mcpServers,
    agent,
    fetch,
    surfaces,
    madeKeys,
    apiKey: loaded.apiKey,
    async stop(deadlineMs) {
      await agent.stop(deadlineMs);
      config.stop();
      await mcpServers.stop();
      await terminal.stop();
      await store.close();
    },
  };
}

/** Only the database, for commands that look into it. */
export async function openStoreOnly(options: AppOptions): Promise<Store> {
  const { loaded, log } = openQuietly(options);
  return openStore({ path: databasePath(loaded), log });
}

/** Only the skills, for commands that look at them. What is wrong with one is theirs to tell, not the log's. */
export function openSkills(options: AppOptions): SkillLibrary {
  const { loaded, log } = openQuietly({ logLevel: "error", ...options });
  return createSkillLibrary({ home: loaded.home, log });
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

/**
 * Listens, then takes up what an earlier process left unfinished, and keeps house. Raises what `listen` raises. `features`:
 * what MCP serves instead of Hermes's own.
 */
export async function startService(app: App, version: string, features?: McpFeatures): Promise<Service> {
  const { createHttpServer } = await import("./http/server.ts");
  const [first, ...more] = await Promise.all(
    app.surfaces.map((name) => SURFACES[name](app, version, features)),
  );
  if (first === undefined) throw nothingToServe();
  const server = createHttpServer({ ...app, version }, [first, ...more]);
  const listening = await server.listen();
  await app.agent.recover();
  const upkeep = startUpkeep(app);
  return {
    urls: Object.fromEntries(
      listening.map(({ surface, host, port, basePath }) => [
        surface,
        `http://${reachableHost(host)}:${port}${basePath}`,
      ]),
    ),
    async stop(turnsEnded) {
      upkeep.stop();
      await server.stop(turnsEnded === undefined ? {} : { turnsEnded });
    },
  };
}

/** What each surface is made from; loaded only when it is served. */
type OpenSurface = (app: App, version: string, features?: McpFeatures) => Promise<SurfaceKind>;
const SURFACES: Readonly<Record<SurfaceName, OpenSurface>> = {
  api: async () => (await import("./http/api/surface.ts")).API_SURFACE,
  mcp: async (app, version, given) => {
    const [{ mcpSurface }, { createMcpEndpoint }, features] = await Promise.all([
      import("./http/mcp/surface.ts"),
      import("./mcp/endpoint.ts"),
      given ?? mcpFeatures(app),
    ]);
    return mcpSurface(() => createMcpEndpoint({ ...app, features, version }));
  },
};

/** What MCP serves, whatever the transport. */
export async function mcpFeatures(app: App): Promise<McpFeatures> {
  const { home, log, tools, store, config, mcpServers } = app;
  const [{ createFeatures }, { createSkillLibrary }] = await Promise.all([
    import("./mcp/features.ts"),
    import("./tools/skill/library.ts"),
  ]);
  return createFeatures({
    tools,
    store,
    config,
    log,
    skills: createSkillLibrary({ home, log }),
    onToolsChange: mcpServers.onChange,
  });
}

function nothingToServe(): AppError {
  return new AppError("config_invalid", "The configuration enables no surface.", {
    hint: "Set api.enabled or mcp.enabled to true.",
  });
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

/** Loads the configuration; first makes the keys that the surfaces to be served lack. */
function loadToServe(options: AppOptions & { serve?: SurfaceName | "enabled" }) {
  const first = load(options);
  const surfaces = surfacesOf(first.config, options.serve);
  const wanted = surfaces.map((name) => MADE_KEYS[name]);
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
  return { loaded, surfaces, madeKeys };
}

function surfacesOf(config: Config, serve: SurfaceName | "enabled" | undefined): SurfaceName[] {
  if (serve === undefined) return [];
  if (serve !== "enabled") return [serve];
  const enabled = (["api", "mcp"] as const).filter((name) => config[name].enabled);
  if (enabled.length === 0) throw nothingToServe();
  return enabled;
}

/** Hermes's own tools and those of outside servers; the same array as long as nothing has changed. */
function joinTools(own: readonly Tool[], outside: () => readonly Tool[]): () => readonly Tool[] {
  let from = outside();
  let joined = [...own, ...from];
  return () => {
    const current = outside();
    if (current !== from) {
      from = current;
      joined = [...own, ...from];
    }
    return joined;
  };
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
