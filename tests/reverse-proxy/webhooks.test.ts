import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { SCHEME_NAMES } from "../../src/config/scheme-names.ts";
import { genericScheme } from "../../src/webhooks/generic.ts";
import { schemeOf } from "../../src/webhooks/schemes.ts";
import { GENERIC, HOOK_SECRET, type HookServer, openHookServer, signature } from "../support/hooks.ts";
import { curl, INSTALLED, NAME, type ReverseProxy, startProxy } from "../support/reverse-proxy.ts";

setDefaultTimeout(60_000);

const routes = Object.fromEntries(
  SCHEME_NAMES.map((scheme) => [
    `by-${scheme}`,
    { scheme, ...(scheme === "generic" ? { signature: GENERIC } : {}) },
  ]),
);
const PUBLIC_URL = `https://${NAME}/webhook`;
/** Whatever a proxy could be tempted to tidy up. */
const QUERY = "?a=%2F%2e&b=c+d&e=%E4%BD%A0&f";

let sent = 0;

for (const site of INSTALLED)
  describe(site, () => {
    let server: HookServer;
    let proxy: ReverseProxy;
    beforeAll(async () => {
      server = await openHookServer(routes, {
        settings: { public_url: PUBLIC_URL },
        config: { network: { trusted_proxies: ["127.0.0.1/32"] } },
      });
      proxy = await startProxy(site, { api: server.port, webhook: server.webhookPort });
    });
    afterAll(async () => {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    for (const name of SCHEME_NAMES)
      test(`${name}: what is signed is taken as it came, what is changed is not`, async () => {
        sent += 1;
        const scheme = name === "generic" ? genericScheme(GENERIC) : schemeOf(name);
        const isForm = name === "twilio";
        const body = isForm
          ? `Body=%E4%BD%A0+%2b&MessageSid=SM${sent}`
          : `{"id":"evt_${sent}", "event_id":"Ev${sent}",\r\n\t"webhookTimestamp":${Date.now()}, "text":"\u4f60\u597d\\u00e9"}\n`;
        const path = `/webhook/by-${name}${QUERY}`;
        const parts = { id: `msg_${sent}`, nowMs: Date.now(), url: `https://${NAME}${path}` };
        const headers = {
          "content-type": isForm ? "application/x-www-form-urlencoded" : "application/json",
          ...scheme.sign(Buffer.from(body), HOOK_SECRET, parts),
        };
        const changed = body.replace("evt_", "evu_").replace("SM", "SN");
        if (name !== "gitlab")
          // it signs nothing, and sends its secret
          expect((await curl(proxy, path, { body: changed, headers })).status).toBe(401);
        for (const [how, status] of [
          [{}, 202],
          [{ "transfer-encoding": "chunked" }, 200],
        ] as const) {
          const got = await curl(proxy, path, { body, headers: { ...headers, ...how } });
          expect([how, got.status]).toEqual([how, status]);
        }
      });

    test("bytes that are no text at all keep their signature", async () => {
      const body = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256);
      body.set([0xef, 0xbb, 0xbf]);
      const text = Buffer.from(body);
      const headers = schemeOf("hermes").sign(text, HOOK_SECRET, { id: "unused", nowMs: Date.now() });
      for (const http of ["1.1", "2"] as const) {
        const got = await curl(proxy, "/webhook", {
          body,
          headers: { "content-type": "text/plain", ...headers },
          http,
        });
        // It is verified before it is found to be no UTF-8.
        expect([got.status, got.json()["code"]]).not.toEqual([401, "unauthorized"]);
        const forged = await curl(proxy, "/webhook", {
          body,
          headers: { "content-type": "text/plain", ...signature("another", HOOK_SECRET) },
          http,
        });
        expect(forged.status).toBe(401);
      }
    });
  });
