import { randomUUID } from "node:crypto";
import type { Server } from "bun";
import type { FakeSlackOptions } from "./contract.ts";
import {
  type Connection,
  createEnvelopes,
  type Ended,
  type Envelopes,
  type SocketData,
} from "./envelopes.ts";

/** The other side of Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode). */
export interface SocketMode {
  readonly envelopes: Envelopes;
  /** Open connections, those without a hello included. */
  readonly connections: ReadonlySet<Connection>;
  /** Connections that were ever opened. */
  readonly opened: number;
  ticket(): string;
  upgrade(request: Request, server: Server<SocketData>): Response | undefined;
  readonly websocket: Bun.WebSocketHandler<SocketData>;
  refuseUpgradesFor(ms: number): void;
  sayHello(says: boolean): void;
  ping(sends: boolean): void;
  stop(): void;
}

/** Takes connections, greets and pings them. */
export function createSocketMode(options: FakeSlackOptions, ended: Ended): SocketMode {
  const envelopes = createEnvelopes(options.redeliverAfterMs ?? 3000, ended);
  const connections = new Set<Connection>();
  const tickets = new Set<string>();
  const now = { opened: 0, refusesUntilMs: 0, saysHello: true, pings: true };
  const pinger = setInterval(() => {
    if (now.pings) for (const connection of connections) connection.ping("ping from Slack");
  }, options.pingEveryMs ?? 1000);

  const websocket: Bun.WebSocketHandler<SocketData> = {
    sendPings: false,
    idleTimeout: 0,
    open(connection) {
      now.opened += 1;
      connections.add(connection);
      if (!now.saysHello) return;
      connection.send(JSON.stringify({ type: "hello", num_connections: connections.size }));
      envelopes.add(connection);
    },
    message(connection, message) {
      const { envelope_id: envelope = "" } = JSON.parse(String(message)) as { envelope_id?: string };
      envelopes.acknowledge(connection, envelope);
    },
    close(connection) {
      connections.delete(connection);
      envelopes.lose(connection);
    },
  };

  return {
    envelopes,
    connections,
    websocket,
    get opened() {
      return now.opened;
    },
    ticket() {
      const ticket = randomUUID();
      tickets.add(ticket);
      return ticket;
    },
    upgrade(request, server) {
      const isKnown = tickets.delete(new URL(request.url).searchParams.get("ticket") ?? "");
      if (Date.now() < now.refusesUntilMs) return new Response("try again later", { status: 503 });
      if (!isKnown) return new Response("invalid ticket", { status: 408 });
      const isUpgraded = server.upgrade(request, { data: { unacknowledged: new Map() } });
      return isUpgraded ? undefined : new Response("no websocket", { status: 400 });
    },
    refuseUpgradesFor: (ms) => void Object.assign(now, { refusesUntilMs: Date.now() + ms }),
    sayHello: (saysHello) => void Object.assign(now, { saysHello }),
    ping: (pings) => void Object.assign(now, { pings }),
    stop() {
      clearInterval(pinger);
      envelopes.stop();
    },
  };
}
