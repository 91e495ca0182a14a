import type { Config } from "../../config/schema.ts";
import type { SurfaceParts } from "../edge.ts";
import { clientScheme } from "../plugins/client-address.ts";
import { scopeOfGroup } from "./scopes.ts";

const METADATA_PATH = "/.well-known/oauth-protected-resource";
const MCP_PATH = "/mcp";

/** What the address of a request is found out from. */
export type ResourceParts = Pick<SurfaceParts, "config" | "socket">;

/** The public address without `/mcp` and without a slash at its end; null when the configuration names none. */
export function publicBase({ mcp }: Config): string | null {
  return mcp.public_url?.replace(/\/+$/, "").replace(/\/mcp$/, "") ?? null;
}

/** The address of the server as the client of this request sees it. The guard has checked the Host. */
export function baseOf({ config, socket }: ResourceParts, request: Request): string {
  const base = publicBase(config.current);
  if (base !== null) return base;
  const peer = socket()?.requestIP(request)?.address ?? "";
  const { trusted_proxies: proxies } = config.current.network;
  const scheme = clientScheme(peer, request.headers.get("x-forwarded-proto"), proxies);
  return `${scheme}://${request.headers.get("host")}`;
}

/** True for a request to `/mcp` or to the metadata of that resource. */
function isAtMcp(request: Request): boolean {
  return new URL(request.url).pathname.endsWith(MCP_PATH);
}

/** Where the metadata of the resource are that the request went to. */
export function metadataUrl(parts: ResourceParts, request: Request): string {
  return `${baseOf(parts, request)}${METADATA_PATH}${isAtMcp(request) ? MCP_PATH : ""}`;
}

/** The metadata of the protected resource (RFC 9728 §2), at either of its two addresses. */
export function resourceMetadata(parts: ResourceParts, request: Request): Record<string, unknown> {
  const { mcp, tools } = parts.config.current;
  return {
    resource: `${baseOf(parts, request)}${isAtMcp(request) ? MCP_PATH : ""}`,
    authorization_servers: [mcp.auth.issuer],
    scopes_supported: tools.groups.map(scopeOfGroup),
    bearer_methods_supported: ["header"],
    resource_name: "Hermes",
  };
}

/**
 * The audiences of tokens that are meant for this server: what the configuration lists, otherwise every way to write its two
 * addresses. Without a public address those are the names that lead to the listener.
 */
export function audiencesOf(config: Config, port: number): string[] {
  const { auth, host } = config.mcp;
  if (auth.audience.length > 0) return [...auth.audience];
  const base = publicBase(config);
  const names = ["localhost", "127.0.0.1", "[::1]", host.includes(":") ? `[${host}]` : host];
  const bases = base === null ? [...new Set(names)].map((name) => `http://${name}:${port}`) : [base];
  return bases.flatMap((one) => ["", "/", MCP_PATH, `${MCP_PATH}/`].map((path) => one + path));
}
