import { randomUUID } from "node:crypto";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { createFakeToolset } from "./mcp-tools.ts";
import { createV1Server } from "./mcp-v1.ts";
import { createV2Server } from "./mcp-v2.ts";

/** An outside MCP server over Streamable HTTP, in this process. */
export interface FakeMcpHttp {
  url: string;
  /** Every request so far. */
  requests: { method: string; headers: Headers }[];
  /** What became of calls that could not answer. */
  notes: string[];
  /** Resolves with the next note. */
  noted(): Promise<string>;
  /** Forgets every session, as a restart does. */
  forget(): void;
  stop(): Promise<void>;
}

export function startMcpHttp(version: "v1" | "v2"): FakeMcpHttp {
  const requests: FakeMcpHttp["requests"] = [];
  const notes: string[] = [];
  let noted = Promise.withResolvers<string>();
  const toolset = createFakeToolset((what) => {
    notes.push(what);
    noted.resolve(what);
    noted = Promise.withResolvers();
  });
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

  const serveV1 = async (request: Request): Promise<Response> => {
    const id = request.headers.get("mcp-session-id");
    if (id !== null) {
      const known = sessions.get(id);
      return known ? known.handleRequest(request) : new Response("no such session", { status: 404 });
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (made) => void sessions.set(made, transport),
    });
    await createV1Server(toolset).connect(transport);
    return transport.handleRequest(request);
  };
  const v2 = createMcpHandler(() => createV2Server(toolset, () => v2.notify.toolsChanged()));

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      requests.push({ method: request.method, headers: request.headers });
      return version === "v1" ? serveV1(request) : v2.fetch(request);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    requests,
    notes,
    noted: () => noted.promise,
    forget: () => sessions.clear(),
    stop: () => server.stop(true),
  };
}
