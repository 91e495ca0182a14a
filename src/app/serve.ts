import type { SurfaceName } from "../http/edge.ts";
import type { HttpServer } from "../http/server.ts";
import type { SurfaceKind } from "../http/surface.ts";
import { compileFor } from "../lib/compiling.ts";
import type { AppError } from "../lib/errors.ts";
import { reachableHost } from "../lib/host.ts";
import type { McpFeatures } from "../mcp/contract.ts";
import { nothingToServe } from "./configuration.ts";
import { whenNobodyIsLeft } from "./last-account.ts";
import { mcpFeatures } from "./mcp-features.ts";
import type { App } from "./open.ts";
import { startShrinking } from "./shrink.ts";
import { startUpkeep } from "./upkeep.ts";

/** A running service. */
export interface Service {
  /** Where each surface answers, its base path included. */
  urls: Readonly<Partial<Record<SurfaceName, string>>>;
  /** Resolves with the reason when there is nothing left to do: no surface, and no account that could be connected. */
  over: Promise<AppError>;
  /** Takes nothing new, and ends once the turns that run are answered, or after half a minute at most. */
  stop(turnsEnded?: Promise<void>): Promise<void>;
}

/**
 * Listens where there is a surface, connects the platforms, takes up what an earlier process left unfinished, sends webhooks, and
 * keeps house.
 * Raises what `listen` and `Gateway.start` raise. `features`: what MCP serves instead of Hermes's own.
 */
export async function startService(app: App, version: string, features?: McpFeatures): Promise<Service> {
  const { agent, gateway, outbound } = app;
  const server = await openServer(app, version, features);
  if (server === null && gateway === null) throw nothingToServe();
  const listening = (await server?.listen()) ?? [];
  try {
    await gateway?.start(); // before anything is taken up, so that a second gateway leaves everything as it is
    await agent.recover();
  } catch (error) {
    await server?.stop({ graceMs: 0 });
    throw error;
  }
  outbound.start();
  const upkeep = startUpkeep(app);
  const shrinking = startShrinking(app);
  compileFor("serving");
  const last = server === null && gateway !== null ? whenNobodyIsLeft(gateway) : null;
  return {
    urls: Object.fromEntries(
      listening.map(({ surface, host, port, basePath }) => [
        surface,
        `http://${reachableHost(host)}:${port}${basePath}`,
      ]),
    ),
    over: last?.over ?? new Promise(() => undefined),
    async stop(turnsEnded) {
      last?.stop();
      upkeep.stop();
      shrinking.stop();
      await Promise.all([
        server?.stop(turnsEnded === undefined ? {} : { turnsEnded }),
        gateway?.stop(turnsEnded ?? Promise.resolve()),
      ]);
    },
  };
}

/** The surfaces of this process; null when it has none. */
async function openServer(app: App, version: string, features?: McpFeatures): Promise<HttpServer | null> {
  const kinds = await Promise.all(app.surfaces.map((name) => SURFACES[name](app, version, features)));
  const [first, ...more] = kinds;
  if (first === undefined) return null;
  const { createHttpServer } = await import("../http/server.ts");
  return createHttpServer({ ...app, version }, [first, ...more]);
}

/** What each surface is made from; loaded only when it is served. */
type OpenSurface = (app: App, version: string, features?: McpFeatures) => Promise<SurfaceKind>;
const SURFACES: Readonly<Record<SurfaceName, OpenSurface>> = {
  api: async () => (await import("../http/api/surface.ts")).API_SURFACE,
  mcp: async (app, version, given) => {
    const [{ mcpSurface }, { createMcpEndpoint }, features] = await Promise.all([
      import("../http/mcp/surface.ts"),
      import("../mcp/endpoint.ts"),
      given ?? mcpFeatures(app),
    ]);
    return mcpSurface(() => createMcpEndpoint({ ...app, features, version }));
  },
  webhook: async (app) => {
    const [{ webhookSurface }, { createHooks }] = await Promise.all([
      import("../http/webhook/surface.ts"),
      import("../gateway/hooks/hooks.ts"),
    ]);
    return webhookSurface(createHooks(app));
  },
};
