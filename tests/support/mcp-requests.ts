import type { MCP_ROUTES } from "../../src/http/mcp/routes.ts";

export const MCP_ACCEPT = "application/json, text/event-stream";

/** A request of a client of the sessions. */
export function rpc(method: string, params: object = {}, id: number | string = 1) {
  return { jsonrpc: "2.0", id, method, params };
}

export const INITIALIZE = rpc("initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
});

/** The same for a client of 2026-07-28, with the headers that must say what the body says. */
export function modern(method: string, params: object = {}, id: number | string = 1) {
  const version = "2026-07-28";
  const name = (params as { name?: string }).name;
  return {
    headers: {
      "mcp-protocol-version": version,
      "mcp-method": method,
      ...(name === undefined ? {} : { "mcp-name": name }),
    } as Record<string, string>,
    body: rpc(
      method,
      {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": version,
          "io.modelcontextprotocol/clientCapabilities": {},
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
        },
      },
      id,
    ),
  };
}

export interface McpCall {
  headers?: Record<string, string>;
  body?: unknown;
  method?: string;
  signal?: AbortSignal;
}

/** A request as an MCP client sends it. */
export function sendMcp(url: string, { headers, body, method, signal }: McpCall): Promise<Response> {
  return fetch(url, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      accept: MCP_ACCEPT,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The JSON-RPC message of an answer, whether it came as JSON or as the last event of a stream. */
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever members they are about
export async function messageOf(answer: Response): Promise<any> {
  const text = await answer.text();
  if (!(answer.headers.get("content-type") ?? "").startsWith("text/event-stream")) return JSON.parse(text);
  const data = [...text.matchAll(/^data: (.+)$/gm)].at(-1)?.[1] ?? "";
  return JSON.parse(data);
}

export type McpRouteName = keyof typeof MCP_ROUTES;

/** A request that reaches each route, and what it answers to whoever may ask. */
export const MCP_SAMPLES: Record<McpRouteName, { body?: unknown; status: number }> = {
  send: { body: INITIALIZE, status: 200 },
  listen: { status: 405 },
  end: { status: 400 },
  sendAtRoot: { body: INITIALIZE, status: 200 },
  listenAtRoot: { status: 405 },
  endAtRoot: { status: 400 },
  tools: { status: 200 },
  execute: { body: { tool: "memory_search", arguments: { query: "x" } }, status: 200 },
  metadata: { status: 404 },
  metadataOfMcp: { status: 404 },
  health: { status: 200 },
};
