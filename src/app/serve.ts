import type { SurfaceName } from "../http/edge.ts";
import type { SurfaceKind } from "../http/surface.ts";
import { reachableHost } from "../lib/host.ts";
import type { McpFeatures } from "../mcp/contract.ts";
import { nothingToServe } from "./configuration.ts";
import { mcpFeatures } from "./mcp-features.ts";
import type { App } from "./open.ts";
import { startUpkeep } from "./upkeep.ts";

/** A running service. */
export interface Service {
  /** Where each surface answers, its base path included. */
  urls: Readonly<Partial<Record<SurfaceName, string>>>;
  /** Takes nothing new, and ends once the turns that run are answered, or after half a minute at most. */
  stop(turnsEnded?: Promise<void>): Promise<void>;
}

/**
 * Listens, then takes up what an earlier process left unfinished, and keeps house. Raises what `listen` raises. `features`:
 * what MCP serves instead of Hermes's own.
 */
export async function startService(app: App, version: string, features?: McpFeatures): Promise<Service> {
  const { createHttpServer } = await import("../http/server.ts");
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
  api: async () => (await import("../http/api/surface.ts")).API_SURFACE,
  mcp: async (app, version, given) => {
    const [{ mcpSurface }, { createMcpEndpoint }, features] = await Promise.all([
      import("../http/mcp/surface.ts"),
      import("../mcp/endpoint.ts"),
      given ?? mcpFeatures(app),
    ]);
    return mcpSurface(() => createMcpEndpoint({ ...app, features, version }));
  },
};
