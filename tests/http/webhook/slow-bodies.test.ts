import { expect, test } from "bun:test";
import { standInGateway } from "../../support/gateway.ts";
import { openTestServer } from "../../support/server.ts";

/** A connection whose body never comes to its end, and how it was answered. */
async function stall(port: number, headers: readonly string[]) {
  const closed = Promise.withResolvers<void>();
  const stalled = { answer: "", isOpen: true, closed: closed.promise, end: () => {} };
  const lines = ["POST /webhook/slack HTTP/1.1", "Host: bot.example.com", ...headers];
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (opened) => void opened.write(`${lines.join("\r\n")}\r\n\r\n`),
      data: (_socket, bytes) => {
        stalled.answer += bytes.toString("latin1");
      },
      close: () => {
        stalled.isOpen = false;
        closed.resolve();
      },
    },
  });
  stalled.end = () => socket.end();
  return stalled;
}

const PARTLY = [
  ["of a small one", ["Content-Length: 100"]],
  ["of a large one", ["Content-Length: 1000000"]],
  ["of one whose length nobody told", ["Transfer-Encoding: chunked"]],
] as const;

for (const [what, headers] of PARTLY)
  test(`whoever holds hundreds of calls open ${what} keeps no platform out, nor the bodies in memory`, async () => {
    const gateway = standInGateway({ webhooks: [["slack", ""]] }); // Slack signs the body: it must be read first
    const config = { gateway: { webhook: { port: 0 } } };
    await using server = await openTestServer({ gateway, webhook: true, config });
    const stalled = await Promise.all(Array.from({ length: 200 }, () => stall(server.webhookPort, headers)));
    for (let n = 0; n < 20; n++) {
      const answer = await fetch(`http://127.0.0.1:${server.webhookPort}/webhook/slack`, {
        method: "POST",
        body: `{"n":${n}}`,
      });
      expect([n, answer.status]).toEqual([n, 200]);
    }
    expect(gateway.requests).toHaveLength(20);
    const cut = stalled.slice(0, 100);
    await Promise.all(cut.map((one) => one.closed));
    for (const { answer } of cut) expect(answer).toContain(" 503 ");
    expect(stalled.filter((one) => one.isOpen).length).toBeLessThanOrEqual(64);
    for (const one of stalled) one.end();
  }, 20_000);
