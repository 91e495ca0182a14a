import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** A request as it came. */
export interface ReceivedWebhook {
  method: string;
  path: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Uint8Array;
  /** What the clock of the test said. */
  atMs: number;
}

/** What a receiver does with a request; it answers by writing to the socket, or does not. */
export type Behaviour = (socket: Socket, request: ReceivedWebhook) => void;

/** An answer with a status, and with headers. */
export const answers =
  (
    status: number,
    headers: Record<string, string> | ((nowMs: number) => Record<string, string>) = {},
    body = "ok",
  ) =>
  (socket: Socket, { atMs }: ReceivedWebhook): void => {
    const lines = Object.entries(typeof headers === "function" ? headers(atMs) : headers).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    socket.end(
      `HTTP/1.1 ${status} Whatever\r\n${lines.join("")}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  };

/** Everything that receivers do wrong, and the way they do it right. */
export const BEHAVIOURS = {
  ok: answers(200),
  accepted: answers(202, {}, ""),
  empty: (socket) => void socket.end("HTTP/1.1 204 No Content\r\n\r\n"),
  reset: (socket) => void socket.resetAndDestroy(),
  closes: (socket) => void socket.end(),
  stalls: () => undefined,
  stallsInBody: (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
  breaksOff: (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
  drips: (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    const timer = setInterval(() => socket.write("."), 5);
    socket.on("close", () => clearInterval(timer));
  },
  endless: (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = `8000\r\n${"x".repeat(0x8000)}\r\n`;
    const more = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on("drain", more);
    more();
  },
  noHttp: (socket) => void socket.end("SSH-2.0-OpenSSH_9.2\r\n"),
  redirects: answers(302, { location: "/elsewhere" }),
  redirectsForGood: answers(308, { location: "/elsewhere" }),
  unauthorized: answers(401),
  missing: answers(404),
  gone: answers(410),
  tooMany: answers(429),
  tooManySeconds: answers(429, { "retry-after": "3600" }),
  tooManyDate: answers(429, (nowMs) => ({ "retry-after": new Date(nowMs + 3_600_000).toUTCString() })),
  tooManyPast: answers(429, { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }),
  tooManyGarbage: answers(429, { "retry-after": "soon" }),
  tooManyNegative: answers(429, { "retry-after": "-5" }),
  tooManyForEver: answers(429, { "retry-after": "999999999" }),
  error: answers(500, {}, "<h1>oops</h1>"),
  badGateway: answers(502),
  unavailable: answers(503, { "retry-after": "7200" }),
} as const satisfies Record<string, Behaviour>;

export interface WebhookReceiver extends Disposable {
  /** `http://127.0.0.1:PORT`; a request to `/NAME` gets the behaviour of that name. */
  origin: string;
  received: ReceivedWebhook[];
  /** What a path does from now on. */
  set(path: string, behaviour: Behaviour): void;
}

/** Speaks just enough HTTP to do everything wrong that can be done wrong. */
export async function startWebhookReceiver(now: () => number = Date.now): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const own = new Map<string, Behaviour>();
  const sockets = new Set<Socket>();
  const behaviourAt = (path: string): Behaviour =>
    own.get(path) ?? new Map<string, Behaviour>(Object.entries(BEHAVIOURS)).get(path) ?? BEHAVIOURS.ok;
  const server = createServer((socket) => {
    sockets.add(socket);
    let bytes = Buffer.alloc(0);
    let isDone = false;
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      if (isDone) return;
      bytes = Buffer.concat([bytes, Buffer.from(chunk)]);
      const request = parse(bytes, now());
      if (request === null) return;
      isDone = true;
      received.push(request);
      behaviourAt(request.path.slice(1))(socket, request);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    set: (path, behaviour) => void own.set(path, behaviour),
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The whole request, or null while a part of it is missing. */
function parse(bytes: Buffer, atMs: number): ReceivedWebhook | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [line = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const [method = "", path = ""] = line.split(" ");
  const headers: Record<string, string> = Object.fromEntries(
    lines.map((one) => [
      one.slice(0, one.indexOf(":")).toLowerCase(),
      one.slice(one.indexOf(":") + 1).trim(),
    ]),
  );
  const length = Number(headers["content-length"] ?? 0);
  const body = bytes.subarray(end + 4);
  return body.length < length ? null : { method, path, headers, body: body.subarray(0, length), atMs };
}
