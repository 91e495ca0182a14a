import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOOK_SECRET, type HookServer, openHookServer, signature } from "../support/hooks.ts";
import {
  curl,
  type Got,
  INSTALLED,
  NAME,
  type ReverseProxy,
  type Sent,
  type Site,
  startProxy,
} from "../support/reverse-proxy.ts";
import { TOKENS } from "../support/server.ts";

setDefaultTimeout(120_000);

/** `client_max_body_size 100M`, and the most that `max_body_bytes` can be set to. */
const MOST = 104_857_600;
const KEY = { authorization: `Bearer ${TOKENS.owner}`, "content-type": "application/json" };
const MESSAGE = '{"message":"hi"}';

const directory = mkdtempSync(join(tmpdir(), "hermes-bodies-"));
/** JSON that blanks have made this long. */
const files = { most: join(directory, "most"), more: join(directory, "more") };
let signed: Record<string, string>;
beforeAll(async () => {
  const most = Buffer.alloc(MOST, " ");
  most.write(MESSAGE);
  signed = { "content-type": "application/json", ...signature(most.toString(), HOOK_SECRET) };
  await Bun.write(files.most, most);
  await Bun.write(files.more, Buffer.concat([most, Buffer.from(" ")]));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function openBehind(maxBodyBytes?: number): Promise<HookServer> {
  const limit = maxBodyBytes === undefined ? {} : { max_body_bytes: maxBodyBytes };
  return await openHookServer(
    {},
    {
      settings: limit,
      api: { allowed_hosts: [NAME], ...limit },
      config: { network: { trusted_proxies: ["127.0.0.1/32"] } },
    },
  );
}

/**
 * What becomes of a body that is refused. Caddy (2.6, as Go has it) now and then cuts a client that is still sending, when
 * its server has closed the body under its own transport; the client tries again, as here.
 */
async function refusalOf(site: Site, proxy: ReverseProxy, path: string, sent: Sent): Promise<Got> {
  for (let tries = 1; ; tries++)
    try {
      return await curl(proxy, path, { file: files.most, ...sent });
    } catch (error) {
      if (site !== "Caddyfile" || tries === 5) throw error;
    }
}

for (const site of INSTALLED)
  describe(site, () => {
    describe("with the limits that Hermes has by itself", () => {
      let server: HookServer;
      let proxy: ReverseProxy;
      beforeAll(async () => {
        server = await openBehind();
        proxy = await startProxy(site, { api: server.port, webhook: server.webhookPort });
      });
      afterAll(async () => {
        await proxy[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      });

      for (const http of site === "hermes.conf" ? (["1.1"] as const) : (["1.1", "2"] as const)) {
        test(`100 MB are refused by Hermes, which says what to do (HTTP/${http})`, async () => {
          for (const [path, headers, key] of [
            ["/api/v1/chat", KEY, "api"],
            ["/webhook", signed, "gateway.webhook"],
          ] as const)
            expect((await refusalOf(site, proxy, path, { headers, http })).json()).toMatchObject({
              status: 413,
              code: "body_too_large",
              hint: `Send less, or raise ${key}.max_body_bytes.`,
            });
        });

        test(`who has no key is told so, and not that something is broken (HTTP/${http})`, async () => {
          for (const path of ["/api/v1/chat", "/webhook"]) {
            const headers = { "content-type": "application/json" };
            const { status, json } = await refusalOf(site, proxy, path, { headers, http });
            const expected = path === "/webhook" ? [413, "body_too_large"] : [401, "unauthorized"];
            expect([status, json()["code"]]).toEqual(expected);
          }
        });
      }

      test("a chunked body is taken and refused as any other", async () => {
        const headers = { ...KEY, "transfer-encoding": "chunked" };
        const taken = await curl(proxy, "/api/v1/chat", { body: MESSAGE, headers });
        expect([taken.status, taken.json()["response"]]).toEqual([200, "hi"]);
        const refused = await refusalOf(site, proxy, "/api/v1/chat", { headers });
        expect([refused.status, refused.json()["code"]]).toEqual([413, "body_too_large"]);
      });
    });

    test("100 MB are taken where Hermes is told to take them, and a byte more is refused", async () => {
      await using server = await openBehind(MOST);
      await using proxy = await startProxy(site, { api: server.port, webhook: server.webhookPort });
      const chat = await curl(proxy, "/api/v1/chat", { file: files.most, headers: KEY });
      expect([chat.status, chat.json()["response"]]).toEqual([200, "hi"]);
      expect((await curl(proxy, "/webhook", { file: files.most, headers: signed })).status).toBe(202);
      const more = await refusalOf(site, proxy, "/api/v1/chat", { file: files.more, headers: KEY });
      expect(more.status).toBe(413);
      expect(more.text).toContain(site === "hermes.conf" ? "nginx" : "body_too_large");
    });
  });
