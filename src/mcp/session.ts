import {
  type JSONRPCMessage,
  type McpServer,
  type RequestId,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { newId } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { ListKind } from "./contract.ts";
import type { SessionEvents } from "./event-log.ts";
import { RPC_ERROR, rpcRefusal } from "./json-rpc.ts";
import { sendListChanged } from "./list-changed.ts";

/** What a silent stream says a comment after, for clients and proxies that would give it up. */
export const KEEP_ALIVE_MS = 15_000;
/** When a client whose stream broke off should come back. */
const RETRY_MS = 250;
/** How long a call goes on whose client is gone and may come back. Its processes end within a second, this included. */
const RESUME_GRACE_MS = 700;
/** The first revision whose clients take a broken stream up again (SEP-1699). */
const RESUMES_SINCE = "2025-11-25";

export interface SessionParts {
  mcp: McpServer;
  /** Its part of the event log; dropped with it. */
  events: SessionEvents;
  keyId: string;
  /** Called once the client has been given the session's id. */
  opened(session: Session): void;
  closed(session: Session): void;
  log: Log;
}

/** One client of an older revision: its server, and what it is waiting for. */
export interface Session {
  /** Empty until it is opened. */
  readonly id: string;
  readonly keyId: string;
  /** Monotonic. */
  readonly lastUsedMs: number;
  /** A call runs, or the client listens. */
  readonly busy: boolean;
  /** `callPlainly` answers a call that wants its result only, unless it gives undefined; it is not asked once the client wants logs. */
  handle(
    request: Request,
    body: unknown,
    callPlainly?: () => Promise<Response> | undefined,
  ): Promise<Response>;
  notify(list: ListKind): void;
  close(): Promise<void>;
}

/** Connects a server to a session of its own. */
export async function createSession(parts: SessionParts): Promise<Session> {
  const { mcp, events, keyId, log } = parts;
  const pending = new Set<RequestId>();
  const orphans = new Map<RequestId, Timer>();
  let listeners = 0;
  let lastUsedMs = performance.now();
  let wantsLogs = false;

  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => newId("mcp"),
    onsessioninitialized: () => parts.opened(session),
    eventStore: events.store,
    retryInterval: RETRY_MS,
    keepAliveMs: KEEP_ALIVE_MS,
  });
  await mcp.connect(transport);
  watchMessages(transport, {
    // The transport has validated them; the SDK's own tests of their kind would do that once more at every call.
    received(message) {
      if (!("method" in message)) return;
      if (message.method === "logging/setLevel") wantsLogs = true;
      if ("id" in message) pending.add(message.id);
      else if (message.method === "notifications/cancelled") release(message.params?.["requestId"]);
    },
    sent(message) {
      if (!("method" in message)) settle(message.id);
    },
  });
  mcp.server.onclose = () => {
    for (const timer of orphans.values()) clearTimeout(timer);
    events.drop();
    parts.closed(session);
  };

  const settle = (id: RequestId | undefined) => {
    if (id === undefined) return;
    pending.delete(id);
    clearTimeout(orphans.get(id));
    orphans.delete(id);
  };

  /** A cancelled call gets no answer from the SDK. Its stream would stay open, and be asked for again for ever: this ends it. */
  const release = (id: unknown) => {
    if ((typeof id !== "string" && typeof id !== "number") || !pending.has(id)) return;
    const error = { code: RPC_ERROR.internal, message: "The request was cancelled." };
    transport
      .send({ jsonrpc: "2.0", id, error })
      .catch((cause: unknown) => log.debug("mcp", { error: cause }));
  };

  const cancel = (id: RequestId) =>
    transport.onmessage?.({
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params: { requestId: id, reason: "The client is gone." },
    });

  /** The client of this request is gone: its calls end, at once or when it does not come back soon. */
  const abandon = (ids: readonly RequestId[], graceMs: number) => {
    for (const id of ids)
      if (pending.has(id)) {
        clearTimeout(orphans.get(id));
        orphans.set(id, setTimeout(cancel, graceMs, id));
      }
  };

  /** The client listens; with the id of an event it takes calls up again. Which of them, only the SDK knows. */
  const listen = ({ headers, signal }: Request) => {
    listeners += 1;
    const resumed = headers.has("last-event-id") ? [...orphans.keys()] : [];
    for (const id of resumed) clearTimeout(orphans.get(id));
    onAbort(signal, () => {
      listeners -= 1;
      lastUsedMs = performance.now();
      abandon(resumed, RESUME_GRACE_MS);
    });
  };

  const session: Session = {
    get id() {
      return transport.sessionId ?? "";
    },
    keyId,
    get lastUsedMs() {
      return lastUsedMs;
    },
    get busy() {
      return pending.size > 0 || listeners > 0;
    },
    async handle(request, body, callPlainly) {
      lastUsedMs = performance.now();
      const ids = requestIds(body);
      if (ids.some((id) => pending.has(id)))
        return rpcRefusal(
          400,
          RPC_ERROR.invalidRequest,
          "A request with this id is still running in the session.",
        );
      const plain = wantsLogs ? undefined : callPlainly?.();
      if (plain !== undefined) return plain;
      const response = await transport.handleRequest(request, { parsedBody: body });
      if (!isStream(response)) return response;
      if (request.method === "GET") listen(request);
      else {
        const version = request.headers.get("mcp-protocol-version") ?? "";
        const graceMs = version >= RESUMES_SINCE ? RESUME_GRACE_MS : 0;
        onAbort(request.signal, () => abandon(ids, graceMs));
      }
      return response;
    },
    notify: (list) => sendListChanged(mcp.server, list, log),
    close: () => transport.close(),
  };
  return session;
}

/** Also when it has aborted already. */
function onAbort(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener("abort", then, { once: true });
}

/** Puts observers between a transport and the server that is connected to it. */
function watchMessages(
  transport: WebStandardStreamableHTTPServerTransport,
  observers: { received(message: JSONRPCMessage): void; sent(message: JSONRPCMessage): void },
): void {
  const deliver = transport.onmessage;
  transport.onmessage = (message, extra) => {
    deliver?.(message, extra);
    observers.received(message);
  };
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    observers.sent(message);
    return send(message, options);
  };
}

/** The ids of what may be requests; whether they are, the transport finds out. */
function requestIds(body: unknown): RequestId[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.flatMap((message) => {
    const { method, id } = (message ?? {}) as Partial<Record<"method" | "id", unknown>>;
    return method !== undefined && (typeof id === "string" || typeof id === "number") ? [id] : [];
  });
}

function isStream(response: Response): boolean {
  return response.headers.get("content-type") === "text/event-stream";
}
