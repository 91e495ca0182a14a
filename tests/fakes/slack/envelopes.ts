import { randomUUID } from "node:crypto";
import type { ServerWebSocket } from "bun";
import type { Delivery } from "./contract.ts";

const MAX_RETRIES = 3;

/** What a connection carries. */
export interface SocketData {
  /** What was sent on it and not acknowledged, by the id of the envelope. */
  unacknowledged: Map<string, { delivery: Delivery; timer: Timer }>;
}

export type Connection = ServerWebSocket<SocketData>;

/** What is on its way to the app: each delivery until it is acknowledged, over whichever connection there is. */
export interface Envelopes {
  readonly connections: ReadonlySet<Connection>;
  readonly pending: number;
  /** Delivers at once, or over the next connection. */
  deliver(delivery: Delivery): void;
  /** Uses the connection from now on. */
  add(connection: Connection): void;
  acknowledge(connection: Connection, envelope: string): void;
  /** The connection is gone: what was on it goes over another. */
  lose(connection: Connection): void;
  stop(): void;
}

/** Told of a delivery that is over: acknowledged, or tried for the last time. */
export type Ended = (delivery: Delivery, isTaken: boolean) => void;

/** `Envelopes` that are sent again after `redeliverAfterMs`. */
export function createEnvelopes(redeliverAfterMs: number, ended: Ended): Envelopes {
  const connections = new Set<Connection>();
  let waiting: Delivery[] = [];

  const send = (connection: Connection, delivery: Delivery) => {
    const envelope = randomUUID();
    const timer = setTimeout(() => {
      connection.data.unacknowledged.delete(envelope);
      if (delivery.retry < MAX_RETRIES) deliver({ ...delivery, retry: delivery.retry + 1 });
      else ended(delivery, false);
    }, redeliverAfterMs);
    connection.data.unacknowledged.set(envelope, { delivery, timer });
    connection.send(JSON.stringify(envelopeOf(envelope, delivery)));
  };
  const deliver = (delivery: Delivery) => {
    const connection = [...connections].at(-1);
    if (connection === undefined) waiting.push(delivery);
    else send(connection, delivery);
  };
  const deliverWaiting = () => {
    const rest = waiting;
    waiting = [];
    for (const delivery of rest) deliver(delivery);
  };

  return {
    connections,
    deliver,
    get pending() {
      return [...connections].reduce((sum, { data }) => sum + data.unacknowledged.size, waiting.length);
    },
    add(connection) {
      connections.add(connection);
      deliverWaiting();
    },
    acknowledge({ data }, envelope) {
      const sent = data.unacknowledged.get(envelope);
      if (sent === undefined) return;
      clearTimeout(sent.timer);
      data.unacknowledged.delete(envelope);
      ended(sent.delivery, true);
    },
    lose(connection) {
      connections.delete(connection);
      for (const { delivery, timer } of connection.data.unacknowledged.values()) {
        clearTimeout(timer);
        waiting.push({ ...delivery, retry: delivery.retry + 1 });
      }
      connection.data.unacknowledged.clear();
      deliverWaiting();
    },
    stop() {
      for (const { data } of connections)
        for (const { timer } of data.unacknowledged.values()) clearTimeout(timer);
    },
  };
}

/** docs.slack.dev/apis/events-api/using-socket-mode */
function envelopeOf(envelope: string, { kind, payload, retry }: Delivery): object {
  return {
    envelope_id: envelope,
    type: kind,
    payload,
    accepts_response_payload: kind !== "events_api",
    ...(kind === "events_api" ? { retry_attempt: retry, retry_reason: retry === 0 ? "" : "timeout" } : {}),
  };
}
