import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { HOOK_SECRET, type HookServer, openHookServer, signature } from "../support/hooks.ts";
import { curl, INSTALLED, NAME, type ReverseProxy, type Site, startProxy } from "../support/reverse-proxy.ts";
import { TOKENS } from "../support/server.ts";

setDefaultTimeout(60_000);

const CLIENT = "127.0.0.2";
const ANOTHER = "127.0.0.3";
const KEY = { authorization: `Bearer ${TOKENS.owner}` };
/** What a client writes that wants to be somebody else, a new one each time. */
const forged = (n: number): Record<string, string> => ({
  "x-forwarded-for": `203.0.113.${n}`,
  "x-real-ip": `203.0.113.${n}`,
  forwarded: `for=203.0.113.${n}`,
  X_Forwarded_For: `203.0.113.${n}`,
  ...(n % 2 === 0 ? { connection: "close, x-forwarded-for" } : {}),
});

interface Scene extends AsyncDisposable {
  server: HookServer;
  proxy: ReverseProxy;
}

async function open(site: Site, trusted: string[], settings: Record<string, unknown> = {}): Promise<Scene> {
  const server = await openHookServer(
    {},
    { settings, api: { allowed_hosts: [NAME] }, config: { network: { trusted_proxies: trusted } } },
  );
  const proxy = await startProxy(site, { api: server.port, webhook: server.webhookPort });
  return {
    server,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Ten wrong keys from one address, which each time says that it is another. */
async function guess(proxy: ReverseProxy) {
  for (let n = 0; n < 10; n++) {
    const headers = { authorization: `Bearer wrong-key-number-${n}-0123456789abcdef`, ...forged(n) };
    expect((await curl(proxy, "/api/v1/status", { headers, from: CLIENT })).status).toBe(401);
  }
}
const statusFor = async (proxy: ReverseProxy, from: string, more = {}) =>
  (await curl(proxy, "/api/v1/status", { headers: { ...KEY, ...more }, from })).status;

for (const site of INSTALLED)
  describe(site, () => {
    test("whoever guesses keys is locked out by the address that he has, whatever he writes", async () => {
      await using scene = await open(site, ["127.0.0.1/32"]);
      const { server, proxy } = scene;
      await guess(proxy);
      expect(server.log.filter((line) => line.includes("locked out")).join("\n")).toMatch(
        /address=127\.0\.0\.2\b/,
      );
      expect(await statusFor(proxy, CLIENT)).toBe(429);
      expect(await statusFor(proxy, CLIENT, forged(200))).toBe(429);
      expect(await statusFor(proxy, ANOTHER)).toBe(200);
      expect(await statusFor(proxy, ANOTHER, { "x-forwarded-for": CLIENT })).toBe(200);
      expect(server.log.join("\n")).not.toContain("203.0.113.");
    });

    test("a proxy that Hermes does not know counts as one client, and nobody is believed", async () => {
      await using scene = await open(site, []);
      const { server, proxy } = scene;
      await guess(proxy);
      expect(server.log.filter((line) => line.includes("locked out")).join("\n")).toMatch(
        /address=127\.0\.0\.1\b/,
      );
      expect(await statusFor(proxy, ANOTHER, forged(1))).toBe(429);
    });

    test("events are counted by the address of their sender", async () => {
      await using scene = await open(site, ["127.0.0.1/32"]);
      const { server, proxy } = scene;
      server.config.change((config) => {
        config.gateway.webhook.rate_limit.requests_per_minute = 3;
      });
      const send = async (n: number, from: string) => {
        const body = JSON.stringify({ n, from });
        const headers = { "content-type": "application/json", ...signature(body, HOOK_SECRET), ...forged(n) };
        return (await curl(proxy, "/webhook", { body, headers, from })).status;
      };
      const told: number[] = [];
      for (const n of [1, 2, 3, 4]) told.push(await send(n, CLIENT));
      expect([...told, await send(5, ANOTHER)]).toEqual([202, 202, 202, 429, 202]);
    });

    test("what may come unsigned from this machine may not come unsigned through the proxy", async () => {
      await using scene = await open(site, [], { allow_unsigned: true });
      const { server, proxy } = scene;
      expect((await server.event("", { n: 1 }, { secret: null })).status).toBe(202);
      for (const headers of [
        {},
        { "x-forwarded-for": "", connection: "close, x-forwarded-for, x-real-ip" },
      ]) {
        const sent = { body: '{"n":2}', headers: { "content-type": "application/json", ...headers } };
        expect((await curl(proxy, "/webhook", sent)).status).toBe(401);
      }
    });

    test("a name that Hermes was not told is refused with the key that it belongs to", async () => {
      await using server = await openHookServer();
      await using proxy = await startProxy(site, { api: server.port, webhook: server.webhookPort });
      const { status, json } = await curl(proxy, "/api/v1/status", { headers: KEY });
      expect([status, json()["hint"]]).toEqual([
        421,
        "Use localhost or the address, or add the name to api.allowed_hosts.",
      ]);
    });
  });
