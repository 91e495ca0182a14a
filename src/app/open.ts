import { version as ownVersion } from "../../package.json";
import { createAgent } from "../agent/agent.ts";
import type { AgentService, FetchFile } from "../agent/contract.ts";
import { createDelegation } from "../agent/delegation.ts";
import { databasePath, ensureHome } from "../config/home.ts";
import { type ConfigWatch, watchConfig } from "../config/watch.ts";
import type { Gateway } from "../gateway/contract.ts";
import type { GatewayParts } from "../gateway/gateway.ts";
import type { SurfaceName } from "../http/edge.ts";
import { AppError } from "../lib/errors.ts";
import type { RootLog } from "../lib/log.ts";
import type { SafeFetch, SafeFetchParts } from "../lib/safe-fetch.ts";
import { type Catalogue, openCatalogue } from "../models/catalogue.ts";
import type { ModelRouter } from "../models/contract.ts";
import { createModelRouter } from "../models/router.ts";
import type { Store } from "../store/contract.ts";
import { openStore } from "../store/open.ts";
import { builtinTools } from "../tools/builtin.ts";
import type { Tool } from "../tools/contract.ts";
import { createMcpServers, type McpServers } from "../tools/mcp-servers/servers.ts";
import { enabledGroups } from "../tools/policy.ts";
import { createToolRegistry, type ToolRegistry } from "../tools/registry.ts";
import { createTerminal, type Terminal } from "../tools/terminal/terminal.ts";
import { createOutbound, type Outbound } from "../webhooks/outbound/outbound.ts";
import { lateWish } from "./accounts.ts";
import { type KeptKey, loadToServe, openLog, type ServeOptions } from "./configuration.ts";

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
  /** The platforms that this process was asked to connect; null when there are none. */
  gateway: Gateway | null;
  /** The webhooks that Hermes sends; nothing is sent until it is started. */
  outbound: Outbound;
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

/** Reads the configuration, opens the database and makes the agent. A key is made for each surface to be served that has none. */
export async function openApp(options: ServeOptions): Promise<App> {
  const { loaded, surfaces, madeKeys, connect, reload } = await loadToServe(options);
  const { log, redactor } = openLog(loaded, options);
  ensureHome(loaded.home);
  const config = watchConfig(loaded, { log, reload });
  config.onChange((changed) => {
    redactor.follow(changed);
    log.setLevel(options.logLevel ?? changed.log.level);
  });
  const store = await openStore({ path: databasePath(loaded.home), log });
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
  const outbound = createOutbound({
    store: store.webhooks,
    config,
    fetch,
    log,
    holder: store.instance,
    redact: redactor.redactUnmistakable,
  });
  const shared = { store, models, tools, config, log };
  const agent: AgentService = createAgent({
    ...shared,
    fetch,
    announcer: outbound.announcer,
    ...(connect && { fetchFile: (file, signal) => fetchFrom(gateway, file, signal) }),
  });
  const gateway: Gateway | null =
    connect && (await makeGateway({ ...shared, ...connect, agent, home: loaded.home }));
  if (options.connect)
    config.onChange((changed) => {
      lateWish(changed, { gateway, surfaces })
        .then((wish) => wish !== null && log.warn(wish))
        .catch((error: unknown) => log.error("a change could not be looked at", { error }));
    });
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
    gateway,
    outbound,
    fetch,
    surfaces,
    madeKeys,
    apiKey: loaded.apiKey,
    async stop(deadlineMs) {
      const turnsEnded = agent.stop(deadlineMs);
      await Promise.all([turnsEnded, gateway?.stop(turnsEnded)]);
      await outbound.stop();
      config.stop();
      await mcpServers.stop();
      await terminal.stop();
      await store.close();
    },
  };
}

/** Loaded only where platforms are connected. */
async function makeGateway(parts: GatewayParts): Promise<Gateway> {
  const { createGateway } = await import("../gateway/gateway.ts");
  return createGateway(parts);
}

async function fetchFrom(gateway: Gateway | null, ...request: Parameters<FetchFile>): ReturnType<FetchFile> {
  if (gateway === null) throw new AppError("attachment_refused", "No platform is connected here.");
  return gateway.fetchFile(...request);
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
    loaded ??= import("../lib/safe-fetch.ts").then(({ createSafeFetch }) => createSafeFetch(parts));
    return (await loaded)(...request);
  };
}
