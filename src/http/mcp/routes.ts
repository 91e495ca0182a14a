import { Type } from "typebox";
import { ROUTES, type Route } from "../routes.ts";

const JsonRpcMessage = Type.Object({ jsonrpc: Type.Literal("2.0") });

/** The body of `POST /execute`. */
export const ExecuteToolBody = Type.Object(
  {
    tool: Type.String({ minLength: 1, maxLength: 128 }),
    arguments: Type.Optional(Type.Object({}, { additionalProperties: true })),
  },
  { additionalProperties: false },
);

/** For whoever opens the address in a browser. */
export const PAGE: Route = {
  method: "GET",
  path: "/",
  scope: "public",
  tag: "MCP",
  summary: "How to connect",
};

const connect = {
  scope: "any",
  tag: "MCP",
  errors: "json-rpc",
} as const;

/**
 * Every route beside MCP itself, and MCP at both addresses: clients are given one with `/mcp` and one without a path. What a
 * key may do there is decided tool by tool.
 */
export const MCP_ROUTES = {
  send: { ...connect, method: "POST", path: "/mcp", summary: "Send a message", body: JsonRpcMessage },
  listen: { ...connect, method: "GET", path: "/mcp", summary: "Listen to the server", page: PAGE },
  end: { ...connect, method: "DELETE", path: "/mcp", summary: "End a session" },
  sendAtRoot: { ...connect, method: "POST", path: "/", summary: "Send a message", body: JsonRpcMessage },
  listenAtRoot: { ...connect, method: "GET", path: "/", summary: "Listen to the server", page: PAGE },
  endAtRoot: { ...connect, method: "DELETE", path: "/", summary: "End a session" },
  tools: { method: "GET", path: "/tools", scope: "any", tag: "Tools", summary: "List the tools" },
  execute: {
    method: "POST",
    path: "/execute",
    scope: "any",
    tag: "Tools",
    summary: "Call a tool",
    body: ExecuteToolBody,
  },
  metadata: {
    method: "GET",
    path: "/.well-known/oauth-protected-resource",
    scope: "public",
    tag: "OAuth",
    summary: "Who issues tokens for the address without a path (RFC 9728)",
  },
  metadataOfMcp: {
    method: "GET",
    path: "/.well-known/oauth-protected-resource/mcp",
    scope: "public",
    tag: "OAuth",
    summary: "Who issues tokens for /mcp (RFC 9728)",
  },
  health: ROUTES.health,
} as const satisfies Record<string, Route>;
