import type { Server, ServerWebSocket } from "bun";
import { decodeFrame, encodeFrame, type Frame, headerIn } from "../../../src/platforms/feishu/frame.ts";
import type { Ack, FakeFeishuOptions, Json } from "./contract.ts";

const MAX_TRIES = 5;
const SERVICE = 33554678;

/** An event on its way. */
export interface Delivery {
  event: Json;
  eventId: string;
  /** In which order the pieces come. Default: in one. */
  pieces?: readonly number[];
  tries: number;
}

/** What a connection carries. */
export interface Link {
  unacknowledged: Map<string, { delivery: Delivery; timer: Timer }>;
}

/** The other side of the long connection. */
export interface LongConnection {
  /** The answer to the endpoint call. */
  endpoint(origin: string): Json;
  upgrade(request: Request, server: Server<Link>): Response | undefined;
  websocket: Bun.WebSocketHandler<Link>;
  /** Delivers at once, or over the next connection. */
  deliver(delivery: Delivery): void;
  readonly connections: ReadonlySet<ServerWebSocket<Link>>;
  /** Connections that were ever opened. */
  readonly opened: number;
  readonly pings: number;
  readonly acks: readonly Ack[];
  readonly pending: number;
  refuseUpgrades(ms: number): void;
  answerPings(answers: boolean): void;
  /** What pongs say from now on. */
  pongWith(config: Json): void;
  /** Any bytes, on every connection. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  stop(): void;
}

/** Takes connections by tickets that are good for one, cuts events into frames, and delivers again what nobody acknowledges. */
export function createLongConnection(
  options: FakeFeishuOptions,
  ended: (eventId: string, isTaken: boolean) => void,
): LongConnection {
  const { pingInterval = 0.2, reconnectInterval = 0.2, reconnectNonce = 0, reconnectCount = -1 } = options;
  const { redeliverAfterMs = 3000 } = options;
  const connections = new Set<ServerWebSocket<Link>>();
  const tickets = new Set<string>();
  const acks: Ack[] = [];
  let config: Json = {
    PingInterval: pingInterval,
    ReconnectInterval: reconnectInterval,
    ReconnectNonce: reconnectNonce,
    ReconnectCount: reconnectCount,
  };
  let waiting: Delivery[] = [];
  let opened = 0;
  let pings = 0;
  let refusedUntilMs = 0;
  let answersPings = true;
  let count = 0;

  const deliver = (delivery: Delivery) => {
    const connection = [...connections].at(-1);
    if (connection === undefined) waiting.push(delivery);
    else send(connection, delivery);
  };
  const send = (connection: ServerWebSocket<Link>, delivery: Delivery) => {
    const messageId = `msg-${++count}`;
    const again = () => {
      connection.data.unacknowledged.delete(messageId);
      if (delivery.tries + 1 < MAX_TRIES) deliver({ ...delivery, tries: delivery.tries + 1 });
      else ended(delivery.eventId, false);
    };
    const timer = setTimeout(again, redeliverAfterMs);
    connection.data.unacknowledged.set(messageId, { delivery, timer });
    for (const frame of framesOf(delivery, messageId)) connection.send(encodeFrame(frame));
  };
  const takeAck = (connection: ServerWebSocket<Link>, frame: Frame) => {
    const messageId = headerIn(frame, "message_id");
    const sent = connection.data.unacknowledged.get(messageId);
    if (sent === undefined) return;
    clearTimeout(sent.timer);
    connection.data.unacknowledged.delete(messageId);
    const { code } = JSON.parse(new TextDecoder().decode(frame.payload)) as { code: number };
    const { headers, seqId, logId, service } = frame;
    acks.push({ eventId: sent.delivery.eventId, code, headers, seqId, logId, service });
    if (code === 200) ended(sent.delivery.eventId, true);
    else deliver({ ...sent.delivery, tries: sent.delivery.tries + 1 });
  };

  return {
    connections,
    acks,
    deliver,
    endpoint(origin) {
      const ticket = `ticket-${++count}`;
      tickets.add(ticket);
      const url = `${origin.replace(/^http/, "ws")}/ws/v2?fpid=493&aid=552564&device_id=73&access_key=${ticket}&service_id=${SERVICE}&ticket=${ticket}`;
      return { URL: url, ClientConfig: config };
    },
    upgrade(request, server) {
      const ticket = new URL(request.url).searchParams.get("ticket") ?? "";
      if (Date.now() < refusedUntilMs)
        return new Response(null, {
          status: 403,
          headers: { "Handshake-Status": "514", "Handshake-Msg": "refused" },
        });
      if (!tickets.delete(ticket)) return new Response(null, { status: 401 });
      return server.upgrade(request, { data: { unacknowledged: new Map() } })
        ? undefined
        : new Response(null, { status: 400 });
    },
    websocket: {
      sendPings: false,
      idleTimeout: 0,
      open(connection) {
        opened += 1;
        connections.add(connection);
        const rest = waiting;
        waiting = [];
        for (const delivery of rest) send(connection, delivery);
      },
      message(connection, data) {
        const frame = decodeFrame(new Uint8Array(data as Buffer));
        if (frame.method === 1) return takeAck(connection, frame);
        if (headerIn(frame, "type") !== "ping" || frame.service !== SERVICE) return;
        pings += 1;
        if (!answersPings) return;
        const payload = new TextEncoder().encode(JSON.stringify(config));
        connection.send(encodeFrame({ ...frame, headers: [["type", "pong"]], payload }));
      },
      close(connection) {
        connections.delete(connection);
        for (const { delivery, timer } of connection.data.unacknowledged.values()) {
          clearTimeout(timer);
          deliver({ ...delivery, tries: delivery.tries + 1 });
        }
      },
    },
    get opened() {
      return opened;
    },
    get pings() {
      return pings;
    },
    get pending() {
      return [...connections].reduce((sum, { data }) => sum + data.unacknowledged.size, waiting.length);
    },
    refuseUpgrades(ms) {
      refusedUntilMs = Date.now() + ms;
    },
    answerPings(answers) {
      answersPings = answers;
    },
    pongWith(told) {
      config = told;
    },
    send(bytes) {
      for (const connection of connections) connection.send(bytes);
    },
    stop() {
      for (const { data } of connections)
        for (const { timer } of data.unacknowledged.values()) clearTimeout(timer);
    },
  };
}

/** The frames of an event; ids are as large as 64 bits allow. */
function* framesOf({ event, pieces = [0] }: Delivery, messageId: string): Generator<Frame> {
  const bytes = new TextEncoder().encode(JSON.stringify(event));
  const size = Math.ceil(bytes.length / pieces.length);
  for (const seq of pieces)
    yield {
      seqId: 18446744073709551615n,
      logId: 9223372036854775809n + BigInt(seq),
      service: SERVICE,
      method: 1,
      headers: [
        ["type", "event"],
        ["message_id", messageId],
        ["sum", String(pieces.length)],
        ["seq", String(seq)],
        ["trace_id", "trace-飞书"],
      ],
      payload: bytes.subarray(seq * size, (seq + 1) * size),
    };
}
