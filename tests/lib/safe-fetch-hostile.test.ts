import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { AppError } from "../../src/lib/errors.ts";
import { createSafeFetch } from "../../src/lib/safe-fetch.ts";

/** Answers of servers that want to harm whoever asks them. */
const HOSTILE = {
  "headers without an end": flood("HTTP/1.1 200 OK\r\n", `x-a: ${"a".repeat(300)}\r\n`.repeat(200)),
  "a header without an end": flood("HTTP/1.1 200 OK\r\nx-a: ", "a".repeat(65_536)),
  "a body in chunks whose size has no end": flood(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "0".repeat(65_536),
  ),
  "a protocol that nobody asked for": says("101 Switching Protocols", "Upgrade: x\r\nConnection: upgrade"),
  "two lengths": says("200 OK", "Content-Length: 2\r\nContent-Length: 5"),
  "a negative length": says("200 OK", "Content-Length: -2"),
  "a length beyond all numbers": says("200 OK", `Content-Length: ${"9".repeat(30)}`),
  "no HTTP": (socket: Socket) => void socket.end("SSH-2.0-OpenSSH_9.2\r\n"),
};
/** Answers that go on for as long as somebody reads. */
const ENDLESS = {
  "hints before the answer": flood("", "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n".repeat(1_000)),
  "trailers behind the body": flood(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
    `x: ${"a".repeat(1_000)}\r\n`.repeat(60),
  ),
};

function says(status: string, headers: string) {
  return (socket: Socket) => void socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\nok`);
}

/** Writes the same again and again, as fast as it is taken. */
function flood(head: string, piece: string) {
  return (socket: Socket) => {
    socket.write(head);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", more);
    more();
  };
}

const sockets = new Set<Socket>();
let server: Server;
beforeAll(async () => {
  const behaviours = new Map<string, (socket: Socket) => void>(Object.entries({ ...HOSTILE, ...ENDLESS }));
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("data", (request) => {
      const path = String(request).split(" ")[1] ?? "";
      behaviours.get(decodeURIComponent(path.slice(1)))?.(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.close();
  for (const socket of sockets) socket.destroy();
});

/** The error that the answer of this name makes. */
function failureOf(name: string, timeoutMs: number): Promise<unknown> {
  const safeFetch = createSafeFetch({ allowCidrs: () => ["127.0.0.1/32"] });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${encodeURIComponent(name)}`;
  return safeFetch(url, { timeoutMs, maxBytes: 1_000_000 }).catch((error: unknown) => error);
}

test.each(Object.keys(HOSTILE))("an answer with %s is none, and said to be none", async (name) => {
  const failure = await failureOf(name, 60_000);
  if (!(failure instanceof AppError)) throw new Error(`it was taken: ${JSON.stringify(failure)}`);
  expect([failure.code, failure.message]).toEqual([
    "network_failed",
    expect.stringMatching(/answered with something other than HTTP\.$/),
  ]);
  expect(failure.hint).toBeDefined();
});

test.each(Object.keys(ENDLESS))(
  "an answer with %s without an end is not read for longer than asked",
  async (name) => {
    expect(await failureOf(name, 300)).toMatchObject({ code: "network_timeout" });
  },
);
