import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { lingering } from "../../src/http/lingering.ts";
import { HOOK_SECRET, openHookServer, signature } from "../support/hooks.ts";
import { rawStatus, TOKENS } from "../support/server.ts";

/** A body that the test sends, and that tells when it is dropped. */
function openBody() {
  const dropped = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({ cancel: () => dropped.resolve() });
  return { request: new Request("http://localhost/", { method: "POST", body }), dropped: dropped.promise };
}

const refusal = (status = 413, headers: Record<string, string> = { connection: "close" }) =>
  new Response("refused", { status, headers });

describe("an answer that lingers", () => {
  test("is there at once, drops the body, and ends later", async () => {
    const { request, dropped } = openBody();
    const answer = lingering(request, refusal(), 60_000);
    expect([answer.status, answer.headers.get("connection")]).toEqual([413, "close"]);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("refused");
    await dropped;
    const next = reader.read().then(() => "ended");
    expect(await Promise.race([next, Bun.sleep(20).then(() => "open")])).toBe("open");
    await reader.cancel();
    expect(await lingering(openBody().request, refusal(), 1).text()).toBe("refused");
  });

  for (const [what, answer] of [
    ["leaves its connection open", refusal(413, {})],
    ["says that the body came too slowly", refusal(408)],
    ["says that too much is going on", refusal(503)],
  ] as const)
    test(`is none that ${what}`, () => expect(lingering(openBody().request, answer)).toBe(answer));

  test("is none where no body comes", () => {
    const answer = refusal();
    expect(lingering(new Request("http://localhost/"), answer)).toBe(answer);
  });
});

/** Writes all of a request before it reads, as proxies do. Rejects when it cannot write to the end. */
function writeThenRead(port: number, head: readonly string[], body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    socket.write(body);
  });
}

describe("a body that is refused is listened to until it has come", () => {
  const BYTES = 32_000_000;
  const body = Buffer.alloc(BYTES, "a");
  const chunked = Buffer.concat([
    Buffer.from(`${BYTES.toString(16)}\r\n`),
    body,
    Buffer.from("\r\n0\r\n\r\n"),
  ]);
  const key = `Authorization: Bearer ${TOKENS.owner}`;
  const signed = () =>
    Object.entries(signature(body.toString(), HOOK_SECRET)).map(([name, value]) => `${name}: ${value}`);

  for (const version of ["1.0", "1.1"])
    for (const [what, path, lines, status] of [
      ["longer than it may be", "/api/v1/chat", () => [key], 413],
      ["of a stranger", "/api/v1/chat", () => [], 401],
      ["to nowhere", "/api/v1/nowhere", () => [key], 404],
      ["of an event", "/webhook", signed, 413],
      ["of an event that is not signed", "/webhook/nowhere", () => [], 404],
    ] as const)
      test(`one ${what}, by HTTP/${version}`, async () => {
        await using server = await openHookServer();
        const port = path.startsWith("/webhook") ? server.webhookPort : server.port;
        const length = version === "1.0" ? `Content-Length: ${BYTES}` : "Transfer-Encoding: chunked";
        const head = [
          `POST ${path} HTTP/${version}`,
          "Host: localhost",
          "Connection: close",
          length,
          ...lines(),
        ];
        const answer = await writeThenRead(
          port,
          [...head, "Content-Type: application/json"],
          version === "1.0" ? body : chunked,
        );
        expect(rawStatus(answer)).toBe(status);
        expect(answer).toContain('"hint":');
      });
});

test("a proxy has the whole answer at once, and its connection serves on behind what it still sends", async () => {
  const config = { network: { trusted_proxies: ["127.0.0.1/32"] } };
  await using server = await openHookServer({}, { config });
  const body = Buffer.alloc(8_000_000, "a");
  const head = [
    ...["POST /api/v1/chat HTTP/1.1", "Host: localhost", "Content-Type: application/json"],
    `Content-Length: ${body.byteLength}`,
  ];
  const next = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const told = await writeThenRead(server.port, head, Buffer.concat([body, Buffer.from(next)]));
  expect([...told.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["401", "200"]);
  expect(told).toMatch(/^HTTP\/1\.1 401 [\s\S]*?\r\nContent-Length: \d+\r\n/i);
});
