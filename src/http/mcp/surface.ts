import type { Config } from "../../config/schema.ts";
import type { McpEndpoint } from "../../mcp/contract.ts";
import type { SurfaceParts } from "../edge.ts";
import { createAccessTokens } from "../oauth/access-tokens.ts";
import { publicBase } from "../oauth/resource.ts";
import { servedRoutes } from "../routes.ts";
import type { Surface, SurfaceKind } from "../surface.ts";
import { createWork } from "../work.ts";
import { mcpAuthentication } from "./authentication.ts";
import { mcpApi } from "./endpoints.ts";
import { createGrants } from "./grants.ts";
import { MCP_ROUTES } from "./routes.ts";
import { createMcpStreams } from "./streams.ts";

const CORS = {
  sent: [
    "content-type",
    "authorization",
    "x-api-key",
    "mcp-session-id",
    "mcp-protocol-version",
    "mcp-method",
    "mcp-name",
    "last-event-id",
    "x-request-id",
  ].join(", "),
  /** Arguments of tools that are mirrored in headers (SEP-2243). */
  alsoSent: /^mcp-param-[a-z0-9_-]{1,64}$/i,
  read: "mcp-session-id, www-authenticate, ratelimit, ratelimit-policy, retry-after, x-request-id",
};

/** MCP over HTTP. `createEndpoint` is called when the surface opens. */
export function mcpSurface(createEndpoint: () => McpEndpoint): SurfaceKind {
  const kind: SurfaceKind = {
    name: "mcp",
    key: "mcp",
    settings: ({ mcp }: Config) => mcp,
    basePath: () => "",
    open: (parts) => openMcpSurface(kind, parts, createEndpoint()),
  };
  return kind;
}

function openMcpSurface(kind: SurfaceKind, parts: SurfaceParts, endpoint: McpEndpoint): Surface {
  const { config, fetch, tools, socket } = parts;
  const port = () => socket()?.port ?? config.current.mcp.port;
  const authentication = mcpAuthentication(parts, createAccessTokens({ config, fetch, port }));
  const streams = createMcpStreams();
  const work = createWork();
  return {
    kind,
    routes: servedRoutes(MCP_ROUTES, ""),
    authentication,
    hostNames(current) {
      const base = publicBase(current);
      return base === null ? [] : [new URL(base).hostname];
    },
    cors: CORS,
    signpost: "MCP is at / and /mcp, the list of tools at /tools.",
    plugin: mcpApi({
      ...parts,
      endpoint,
      grants: createGrants(tools, authentication),
      streams,
      work,
    }),
    status: () => ({
      url: config.current.mcp.public_url,
      sessions: endpoint.sessions,
      event_streams: streams.size,
    }),
    dropKeys() {
      endpoint.dropKeys(authentication.holds);
      streams.dropKeys(authentication.holds);
    },
    announceStop: () => streams.end("standing"),
    settled: work.idle,
    async close() {
      streams.end("all");
      await endpoint.close();
    },
  };
}
