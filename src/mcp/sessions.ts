import type { McpServer } from "@modelcontextprotocol/server";
import type { LiveConfig } from "../config/live.ts";
import type { Log } from "../lib/log.ts";
import type { AdmittedRequest, ListKind } from "./contract.ts";
import { createEventLog } from "./event-log.ts";
import { RPC_ERROR, rpcRefusal } from "./json-rpc.ts";
import { createSession, type Session } from "./session.ts";

const MIN_SWEEP_MS = 100;
const MAX_SWEEP_MS = 60_000;
/** So many ended sessions are worth a collection: left to itself, a process that is idle afterwards keeps their memory. */
const COLLECT_AFTER = 500;
/** What they still hold on to when they end is let go by then. */
const COLLECT_DELAY_MS = 100;

export interface SessionsParts {
  newServer(): McpServer;
  config: LiveConfig;
  log: Log;
}

/** The sessions of clients that begin with `initialize`. */
export interface Sessions {
  readonly size: number;
  /** True when the id names a session of this credential. */
  holds(id: string, keyId: string): boolean;
  /** Answers within the session that the request names, or opens one. For `callPlainly` see `Session.handle`. */
  handle(admitted: AdmittedRequest, callPlainly?: () => Promise<Response> | undefined): Promise<Response>;
  notify(list: ListKind): void;
  dropKeys(holds: (keyId: string) => boolean): void;
  close(): Promise<void>;
}

export function createSessions({ newServer, config, log }: SessionsParts): Sessions {
  const sessions = new Map<string, Session>(); // the one used last is the last
  const events = createEventLog();
  let sweeper: Timer | undefined;
  let ended = 0;
  let collector: Timer | undefined;

  const find = (id: string, keyId: string) => {
    const session = sessions.get(id);
    return session?.keyId === keyId ? session : undefined;
  };

  const open = async ({ request, body, keyId }: AdmittedRequest) => {
    const session = await createSession({
      mcp: newServer(),
      events: events.ofSession(),
      keyId,
      opened(one) {
        for (let over = sessions.size + 1 - config.current.mcp.max_sessions; over > 0; over--)
          end(longestSilent(sessions));
        sessions.set(one.id, one);
        scheduleSweep();
      },
      closed(one) {
        sessions.delete(one.id);
        ended += 1;
        if (ended >= COLLECT_AFTER) collector ??= setTimeout(collect, COLLECT_DELAY_MS).unref();
      },
      log,
    });
    return session.handle(request, body);
  };

  const end = (session: Session | undefined) => {
    if (session === undefined) return;
    sessions.delete(session.id);
    session.close().catch((error: unknown) => log.warn("an MCP session did not close", { error }));
  };

  const collect = () => {
    collector = undefined;
    ended = 0;
    Bun.gc(true);
  };

  const scheduleSweep = () => {
    const sweepMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, config.current.mcp.session_ttl_ms / 4));
    sweeper ??= setTimeout(sweep, sweepMs).unref();
  };

  const sweep = () => {
    sweeper = undefined;
    const oldestMs = performance.now() - config.current.mcp.session_ttl_ms;
    for (const session of sessions.values()) if (!session.busy && session.lastUsedMs < oldestMs) end(session);
    if (sessions.size > 0) scheduleSweep();
  };

  return {
    get size() {
      return sessions.size;
    },
    holds: (id, keyId) => find(id, keyId) !== undefined,
    async handle(admitted, callPlainly) {
      const { request, body, keyId } = admitted;
      const id = request.headers.get("mcp-session-id");
      if (id === null) {
        if (request.method === "POST" && isInitialize(body)) return open(admitted);
        if (request.method === "POST" || request.method === "DELETE") return noSession();
        return noStream();
      }
      const session = find(id, keyId);
      if (session === undefined) return unknownSession();
      sessions.delete(id);
      sessions.set(id, session);
      return session.handle(request, body, callPlainly);
    },
    notify(list) {
      for (const session of sessions.values()) session.notify(list);
    },
    dropKeys(holds) {
      for (const session of sessions.values()) if (!holds(session.keyId)) end(session);
    },
    async close() {
      clearTimeout(sweeper);
      clearTimeout(collector);
      await Promise.all([...sessions.values()].map((session) => session.close()));
    },
  };
}

/**
 * Of the credential that has the most sessions, so that nobody drives others out by opening many: the one silent for longest of
 * those that nobody is using; of all of them, when every one is in use.
 */
function longestSilent(sessions: ReadonlyMap<string, Session>): Session | undefined {
  const counts = new Map<string, number>();
  for (const { keyId } of sessions.values()) counts.set(keyId, (counts.get(keyId) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const candidates = [...sessions.values()].filter(({ keyId }) => counts.get(keyId) === most);
  return candidates.find(({ busy }) => !busy) ?? candidates[0];
}

function isInitialize(body: unknown): boolean {
  return typeof body === "object" && body !== null && "method" in body && body.method === "initialize";
}

function noSession(): Response {
  return rpcRefusal(
    400,
    RPC_ERROR.server,
    "There is no session: begin with `initialize` and send the Mcp-Session-Id it returns.",
  );
}

/** A session that has ended, that belongs to another key, or that never was: nobody can tell which. */
function unknownSession(): Response {
  return rpcRefusal(404, RPC_ERROR.sessionNotFound, "Session not found");
}

/** Without a session there is nothing to listen to; clients that fall back to HTTP+SSE stop here. */
function noStream(): Response {
  return rpcRefusal(405, RPC_ERROR.server, "Method not allowed.", { allow: "POST" });
}
