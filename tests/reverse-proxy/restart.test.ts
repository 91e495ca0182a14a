import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readFrames } from "../../scripts/prove/frames.ts";
import { IDLE_TIMEOUT_S } from "../../src/http/edge.ts";
import { type Hermes, type Service, startFakeLlm, startHermes, testConfig } from "../support/hermes.ts";
import { ROOT } from "../support/pages.ts";
import { curl, fetchThrough, freePort, INSTALLED, NAME, startProxy } from "../support/reverse-proxy.ts";

setDefaultTimeout(120_000);

let fake: Service;
beforeAll(async () => {
  fake = await startFakeLlm();
});
afterAll(() => fake.kill());

/** Hermes at a port that stays the same. */
async function startAt(port: number): Promise<Hermes> {
  const config = testConfig(fake.url, "text-20-every-20") as { api: object };
  const api = { ...config.api, port, allowed_hosts: [NAME] };
  return await startHermes({ config: { ...config, api, network: { trusted_proxies: ["127.0.0.1/32"] } } });
}

for (const site of INSTALLED)
  describe(site, () => {
    test("while Hermes restarts callers get 502, then all is well again, and a stream goes on", async () => {
      const port = freePort();
      const hermes = await startAt(port);
      try {
        await using proxy = await startProxy(site, { api: port });
        const call = fetchThrough(proxy);
        const say = () => curl(proxy, "/api/v1/chat", { body: '{"message":"hi"}', headers: hermes.headers });
        const isWell = async () => expect((await say()).status).toBe(200);
        const isDown = async () => {
          const got = await say();
          expect(got.status).toBe(502);
          if (site === "hermes.conf") return;
          expect(got.headers.get("retry-after")).toBe("5");
          expect(got.headers.get("content-type")).toBe("application/problem+json");
          expect(got.json()).toMatchObject({ status: 502, code: "no_answer" });
        };
        await isWell();
        const body = JSON.stringify({ message: "go on", stream: true });
        const stream = readFrames(
          await call(`https://${NAME}/api/v1/chat`, { method: "POST", headers: hermes.headers, body }),
        );
        const seen = [(await stream.next()).value, (await stream.next()).value];
        await hermes.service.kill();
        await isDown();
        await hermes.restart();
        await isWell();
        const headers = { ...hermes.headers, "last-event-id": String(seen.at(-1)?.id) };
        const address = `https://${NAME}/api/v1/runs/${seen[0]?.data["run_id"]}/events`;
        const rest = await Array.fromAsync(readFrames(await call(address, { headers })));
        expect(rest.at(-1)?.event).toBe("run.completed");

        expect(await hermes.service.stop()).toBe(0);
        await isDown();
        await hermes.restart();
        await isWell();
      } finally {
        await hermes.remove();
      }
    });
  });

test("the stricter file keeps connections for less time than Hermes does", () => {
  const text = readFileSync(join(ROOT, "docs/proxy/hermes-safer.conf"), "utf8");
  const kept = [...text.matchAll(/^upstream .*keepalive_timeout (\d+)s;/gm)].map(([, seconds]) =>
    Number(seconds),
  );
  expect(kept.length).toBe(3);
  expect(Math.max(...kept)).toBeLessThan(IDLE_TIMEOUT_S);
});
