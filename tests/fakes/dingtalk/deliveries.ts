import { randomUUID } from "node:crypto";
import type { ServerWebSocket } from "bun";
import type { Fates } from "../fates.ts";

const ROBOT_TOPIC = "/v1.0/im/bot/messages/get";

/** What a connection carries: what was sent on it and not acknowledged, by the id of its frame. */
export interface SocketData {
  sent: Map<string, { payload: object; timer: Timer }>;
}

export type Connection = ServerWebSocket<SocketData>;

/** Messages on their way to clients; what nobody has acknowledged waits for the next connection. */
export interface Deliveries {
  deliver(payload: object): void;
  /** There is a connection more. */
  opened(): void;
  /** There is one less: what it has not acknowledged goes elsewhere. */
  closed(connection: Connection): void;
  acknowledge(connection: Connection, frameId: string): void;
  readonly pending: number;
  stop(): void;
}

/** A frame of DingTalk's. */
export function frameOf(appKey: string, type: string, topic: string, data: object) {
  const headers = {
    appId: appKey,
    connectionId: "fake",
    contentType: "application/json",
    messageId: randomUUID().replaceAll("-", "_"),
    time: String(Date.now()),
    topic,
  };
  return { specVersion: "1.0", type, headers, data: JSON.stringify(data) };
}

export function createDeliveries(
  appKey: string,
  connections: ReadonlySet<Connection>,
  redeliverAfterMs: number,
  fates: Fates,
): Deliveries {
  let waiting: object[] = [];

  const deliver = (payload: object) => {
    // One of the connections gets it; here always the same one, so that order can be seen.
    const connection = [...connections].at(-1);
    if (connection === undefined) {
      waiting.push(payload);
      return;
    }
    const frame = frameOf(appKey, "CALLBACK", ROBOT_TOPIC, payload);
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
  return {
    deliver,
    opened: deliverWaiting,
    closed({ data }) {
      for (const { payload, timer } of data.sent.values()) {
        clearTimeout(timer);
        waiting.push(payload);
      }
      data.sent.clear();
      deliverWaiting();
    },
    acknowledge({ data }, frameId) {
      const sent = data.sent.get(frameId);
      if (sent === undefined) return;
      clearTimeout(sent.timer);
      data.sent.delete(frameId);
      fates.end(String((sent.payload as { msgId?: unknown }).msgId), true);
    },
    get pending() {
      return waiting.length + [...connections].reduce((sum, { data }) => sum + data.sent.size, 0);
    },
    stop() {
      for (const { data } of connections) for (const { timer } of data.sent.values()) clearTimeout(timer);
    },
  };
}
