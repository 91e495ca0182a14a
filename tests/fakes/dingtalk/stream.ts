import { randomUUID } from "node:crypto";
import type { Server, ServerWebSocket } from "bun";
import type { FakeDingTalkOptions } from "./contract.ts";

const ROBOT_TOPIC = "/v1.0/im/bot/messages/get";

/** What a connection carries: what was sent on it and not acknowledged, by the id of its frame. */
export interface SocketData {
  sent: Map<string, { payload: object; timer: Timer }>;
}

/** The other side of Stream mode, as the official SDKs speak it. */
export interface Stream {
  ticket(): string;
  upgrade(request: Request, server: Server<SocketData>): Response | undefined;
  websocket: Bun.WebSocketHandler<SocketData>;
  /** Delivers at once, or over the next connection. */
  deliver(payload: object): void;
  sendFrame(frame: object): void;
  readonly connections: ReadonlySet<ServerWebSocket<SocketData>>;
  readonly opened: number;
  readonly refused: number;
  readonly pending: number;
  readonly acknowledged: Record<string, unknown>[];
  refuseUpgradesFor(ms: number): void;
  stop(): void;
}

/** Takes connections, and keeps what nobody has acknowledged for the next one. */
export function createStream(
  appKey: string,
  { redeliverAfterMs = 60_000, pingEveryMs = 30_000 }: FakeDingTalkOptions,
): Stream {
  const connections = new Set<ServerWebSocket<SocketData>>();
  const tickets = new Set<string>();
  const acknowledged: Record<string, unknown>[] = [];
  let waiting: object[] = [];
  let counts = { opened: 0, refused: 0 };
  let refusedUntilMs = 0;

  const frameOf = (type: string, topic: string, data: object) => ({
    specVersion: "1.0",
    type,
    headers: {
      appId: appKey,
      connectionId: "fake",
      contentType: "application/json",
      messageId: randomUUID().replaceAll("-", "_"),
      time: String(Date.now()),
      topic,
    },
    data: JSON.stringify(data),
  });
  const deliver = (payload: object) => {
    const connection = [...connections].at(-1);
    if (connection === undefined) return waiting.push(payload);
    const frame = frameOf("CALLBACK", ROBOT_TOPIC, payload);
    const { messageId } = frame.headers;
    const again = () => {
      connection.data.sent.delete(messageId);
      deliver(payload);
    };
    connection.data.sent.set(messageId, { payload, timer: setTimeout(again, redeliverAfterMs) });
    connection.send(JSON.stringify(frame));
  };
  const deliverWaiting = () => {
    const rest = waiting;
    waiting = [];
    for (const payload of rest) deliver(payload);
  };
  const sendFrame = (frame: object) => {
    for (const connection of connections) connection.send(JSON.stringify(frame));
  };
  const pinging = setInterval(
    () => sendFrame(frameOf("SYSTEM", "ping", { opaque: randomUUID() })),
    pingEveryMs,
  );

  return {
    connections,
    acknowledged,
    sendFrame: (frame) => sendFrame({ ...frameOf("SYSTEM", "", {}), ...frame }),
    deliver: (payload) => void deliver(payload),
    get opened() {
      return counts.opened;
    },
    get refused() {
      return counts.refused;
    },
    get pending() {
      return waiting.length + [...connections].reduce((sum, { data }) => sum + data.sent.size, 0);
    },
    ticket() {
      // Real ones are UUIDs; nothing says that they stay so, and these do not survive an address as they are.
      const ticket = `${Buffer.from(randomUUID()).toString("base64")}+/=`;
      tickets.add(ticket);
      return ticket;
    },
    upgrade(request, server) {
      const isKnown = tickets.delete(new URL(request.url).searchParams.get("ticket") ?? "");
      const isRefused = Date.now() < refusedUntilMs;
      if (isRefused || !isKnown) {
        counts = { ...counts, refused: counts.refused + 1 };
        return new Response("refused", { status: isRefused ? 503 : 401 });
      }
      const isUpgraded = server.upgrade(request, { data: { sent: new Map() } });
      return isUpgraded ? undefined : new Response("no websocket", { status: 400 });
    },
    websocket: {
      sendPings: false,
      idleTimeout: 0,
      open(connection) {
        counts = { ...counts, opened: counts.opened + 1 };
        connections.add(connection);
        for (const topic of ["CONNECTED", "REGISTERED"])
          connection.send(JSON.stringify(frameOf("SYSTEM", topic, {})));
        deliverWaiting();
      },
      message(connection, message) {
        const answer = JSON.parse(String(message)) as { code?: number; headers?: { messageId?: string } };
        acknowledged.push(answer as Record<string, unknown>);
        const id = answer.headers?.messageId ?? "";
        const sent = connection.data.sent.get(id);
        if (answer.code !== 200 || sent === undefined) return;
        clearTimeout(sent.timer);
        connection.data.sent.delete(id);
      },
      close(connection) {
        connections.delete(connection);
        for (const { payload, timer } of connection.data.sent.values()) {
          clearTimeout(timer);
          waiting.push(payload);
        }
        connection.data.sent.clear();
        deliverWaiting();
      },
    },
    refuseUpgradesFor(ms) {
      refusedUntilMs = Date.now() + ms;
    },
    stop() {
      clearInterval(pinging);
      for (const { data } of connections) for (const { timer } of data.sent.values()) clearTimeout(timer);
    },
  };
}
