import { createMcpHandler, isLegacyRequest } from "@modelcontextprotocol/server";
import type { LiveConfig } from "../config/live.ts";
import type { Log } from "../lib/log.ts";
import type { AdmittedRequest, ListKind, McpEndpoint, McpFeatures } from "./contract.ts";
import { RPC_ERROR, rpcRefusal } from "./json-rpc.ts";
import { createPlainCalls } from "./plain-calls.ts";
import { createServerFactory, serverInfo } from "./server.ts";
import { KEEP_ALIVE_MS } from "./session.ts";
import { createSessions } from "./sessions.ts";

/** The first revision without sessions; a version is a date, so that the later one is the greater text. */
const MODERN_SINCE = "2026-07-28";

export interface McpEndpointParts {
  features: McpFeatures;
  config: LiveConfig;
  /** Of Hermes, as clients are told. */
  version: string;
  log: Log;
  /** How long a client may keep a question open, in milliseconds. Default: 10 minutes. */
  requestStateTtlMs?: number;
}

/** The MCP server behind an HTTP edge, for clients of every revision. Nothing here asks who the caller is: the edge knows. */
export function createMcpEndpoint(parts: McpEndpointParts): McpEndpoint {
  const { features, config, log } = parts;
  const admissions = new WeakMap<Request, AdmittedRequest>();
  const plain = createPlainCalls({ tools: features.tools, serverInfo: serverInfo(parts.version) });
  const newServer = createServerFactory({
    ...parts,
    originOf: ({ http }) => {
      const admitted = http?.req && admissions.get(http.req);
      if (!admitted) throw new Error("an MCP request without an admission");
      return admitted;
    },
    onToolCall({ http }) {
      if (http?.req) plain.accept(http.req);
    },
  });
  const sessions = createSessions({ newServer: () => newServer("legacy"), config, log });
  const modern = createMcpHandler(() => newServer("modern"), {
    legacy: "reject",
    keepAliveMs: KEEP_ALIVE_MS,
    onerror: (error) => log.debug("mcp", { era: "modern", error }),
  });
  const stopListening = features.onChange((list) => {
    sessions.notify(list);
    notifyModern(list);
  });
  const notifyModern = (list: ListKind) => {
    if (list === "tools") modern.notify.toolsChanged();
    else if (list === "resources") modern.notify.resourcesChanged();
    else modern.notify.promptsChanged();
  };

  const answer = async (admitted: AdmittedRequest): Promise<Response> => {
    const { request, body, keyId } = admitted;
    admissions.set(request, admitted);
    if (request.method === "POST" && body === undefined)
      return rpcRefusal(400, RPC_ERROR.parse, "The body is not JSON.");
    const speaksModern = (request.headers.get("mcp-protocol-version") ?? "") >= MODERN_SINCE;
    const sessionId = request.headers.get("mcp-session-id");
    // Telling the eras apart costs as much as a call. Who names an open session, or the modern revision, has told already.
    const inSession = !speaksModern && sessionId !== null && sessions.holds(sessionId, keyId);
    if (inSession) return sessions.handle(admitted, () => plain.answer(admitted, "legacy"));
    if (!speaksModern && (await isLegacyRequest(request, body))) return sessions.handle(admitted);
    return plain.answer(admitted, "modern") ?? modern.fetch(request, { parsedBody: body });
  };

  return {
    async handle(admitted) {
      try {
        return await answer(admitted);
      } catch (error) {
        log.error("an MCP request failed", { error });
        return rpcRefusal(500, RPC_ERROR.internal, "Internal error");
      }
    },
    dropKeys: sessions.dropKeys,
    get sessions() {
      return sessions.size;
    },
    async close() {
      stopListening();
      await Promise.all([sessions.close(), modern.close()]);
    },
  };
}
