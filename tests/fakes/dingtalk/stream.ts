import { randomUUID } from "node:crypto";
import type { Server } from "bun";
import type { Fates } from "../fates.ts";
import type { FakeDingTalkOptions } from "./contract.ts";
import { type Connection, createDeliveries, frameOf, type SocketData } from "./deliveries.ts";

/** The other side of Stream mode, as the official SDKs speak it. */
export interface Stream {
  /** Good for one connection. */
  ticket(): string;
  upgrade(request: Request, server: Server<SocketData>): Response | undefined;
  websocket: Bun.WebSocketHandler<SocketData>;
  /** Delivers at once, or over the next connection. */
  deliver(payload: object): void;
  sendFrame(frame: object): void;
  readonly connections: ReadonlySet<Connection>;
  readonly opened: number;
  readonly refused: number;
  readonly pending: number;
  readonly acknowledged: Record<string, unknown>[];
  refuseUpgradesFor(ms: number): void;
  stop(): void;
}

/** Takes connections that have a ticket. */
export function createStream(
  appKey: string,
  { redeliverAfterMs = 60_000, pingEveryMs = 30_000 }: FakeDingTalkOptions,
  fates: Fates,
): Stream {
  const connections = new Set<Connection>();
  const tickets = new Set<string>();
  const acknowledged: Record<string, unknown>[] = [];
  const deliveries = createDeliveries(appKey, connections, redeliverAfterMs, fates);
  let opened = 0;
  let refused = 0;
  let refusedUntilMs = 0;

  const sendFrame = (frame: object) => {
    for (const connection of connections) connection.send(JSON.stringify(frame));
  };
  const ping = () => sendFrame(frameOf(appKey, "SYSTEM", "ping", { opaque: randomUUID() }));
  const pinging = setInterval(ping, pingEveryMs);

  return {
    connections,
    acknowledged,
    sendFrame: (frame) => sendFrame({ ...frameOf(appKey, "SYSTEM", "", {}), ...frame }),
    deliver: deliveries.deliver,
    get opened() {
      return opened;
    },
    get refused() {
      return refused;
    },
    get pending() {
      return deliveries.pending;
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
        refused += 1;
        return new Response("refused", { status: isRefused ? 503 : 401 });
      }
      const isUpgraded = server.upgrade(request, { data: { sent: new Map() } });
      return isUpgraded ? undefined : new Response("no websocket", { status: 400 });
    },
    websocket: {
      sendPings: false,
      idleTimeout: 0,
      open(connection) {
        opened += 1;
        connections.add(connection);
        for (const topic of ["CONNECTED", "REGISTERED"])
          connection.send(JSON.stringify(frameOf(appKey, "SYSTEM", topic, {})));
        deliveries.opened();
      },
      message(connection, message) {
        const answer = JSON.parse(String(message)) as { code?: number; headers?: { messageId?: string } };
        acknowledged.push(answer as Record<string, unknown>);
        if (answer.code === 200) deliveries.acknowledge(connection, answer.headers?.messageId ?? "");
      },
      close(connection) {
        connections.delete(connection);
        deliveries.closed(connection);
      },
    },
    refuseUpgradesFor(ms) {
      refusedUntilMs = Date.now() + ms;
    },
    stop() {
      clearInterval(pinging);
      deliveries.stop();
    },
  };
}
