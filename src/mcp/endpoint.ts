import { createMcpHandler, isLegacyRequest } from "@modelcontextprotocol/server";
import type { LiveConfig } from "../config/live.ts";
import type { Log } from "../lib/log.ts";
import type { AdmittedRequest, Era, ListKind, McpEndpoint, McpFeatures } from "./contract.ts";
import { RPC_ERROR, rpcRefusal } from "./json-rpc.ts";
import { createAcceptedShapes, type PlainCall, plainAnswer, plainCallOf } from "./plain-calls.ts";
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
  const calls = new WeakMap<Request, PlainCall>();
  const accepted = createAcceptedShapes();
  const info = serverInfo(parts.version);
  const newServer = createServerFactory({
    ...parts,
    originOf: ({ http }) => {
      const admitted = http?.req && admissions.get(http.req);
      if (!admitted) throw new Error("an MCP request without an admission");
      return admitted;
    },
    onToolCall({ http }) {
      const call = http?.req && calls.get(http.req);
      if (call) accepted.add(call.shape);
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

  /** Undefined where the SDK has to look at the call, or the tool has more to say than its result. */
  const callPlainly = (admitted: AdmittedRequest, era: Era): Promise<Response> | undefined => {
    const { request, caller } = admitted;
    const call = plainCallOf(admitted);
    if (call === null) return undefined;
    if (!accepted.has(call.shape)) {
      calls.set(request, call);
      return undefined;
    }
    const { signal, headers } = request;
    const sessionId = headers.get("mcp-session-id");
    return features.tools.callPlainly?.(call.params, caller, era, signal)?.then(
      (result) => plainAnswer(call.id, result, era, { serverInfo: info, sessionId }),
      (error) => {
        if (signal.aborted) return new Response(null, { status: 499 }); // nobody is there to read it
        throw error;
      },
    );
  };

  const answer = async (admitted: AdmittedRequest): Promise<Response> => {
    const { request, body, keyId } = admitted;
    admissions.set(request, admitted);
    if (request.method === "POST" && body === undefined)
      return rpcRefusal(400, RPC_ERROR.parse, "The body is not JSON.");
    const speaksModern = (request.headers.get("mcp-protocol-version") ?? "") >= MODERN_SINCE;
    const sessionId = request.headers.get("mcp-session-id");
    // Telling the eras apart costs as much as a call. Who names an open session, or the modern revision, has told already.
    const session = speaksModern || sessionId === null ? undefined : sessions.use(sessionId, keyId);
    if (session !== undefined) {
      const plain = session.quiet ? callPlainly(admitted, "legacy") : undefined;
      return plain ?? session.handle(request, body);
    }
    if (!speaksModern && (await isLegacyRequest(request, body))) return sessions.handle(admitted);
    return callPlainly(admitted, "modern") ?? modern.fetch(request, { parsedBody: body });
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
