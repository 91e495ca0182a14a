import { afterAll, describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/schema.ts";
import {
  type AccountSettings,
  type ConnectionHooks,
  type PlatformAdapter,
  PlatformError,
  type PlatformId,
} from "../../src/platforms/contract.ts";
import { loadPlatform, PLATFORM_IDS } from "../../src/platforms/registry.ts";
import { liveConfig } from "../support/agent.ts";

const SECRET = "Canary7Secret9Of2An5Account";
/** What an account needs to make calls, with the secret in every place that takes one. */
const KEYS: Record<PlatformId, Record<string, unknown>> = {
  telegram: { bot_token: `123456789:${SECRET}`, max_retries: 0 },
  discord: { bot_token: `MTIzNDU2.${SECRET}.x` },
  slack: { bot_token: `xoxb-${SECRET}`, app_token: `xapp-${SECRET}` },
  wecom: { corp_id: "c", agent_id: "1000001", secret: SECRET, token: "t", encoding_aes_key: "k".repeat(43) },
  dingtalk: { app_key: "k", app_secret: SECRET },
  feishu: { app_id: "a", app_secret: SECRET },
  wechat: { app_id: "a", app_secret: SECRET, token: "t" },
};

type Answer = (request: Request, body: string) => Response;
const servers: Bun.Server<undefined>[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop(true))));

/** A server that answers in this way, and what it was asked for. */
function serve(answer: Answer) {
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const body = await request.text();
      asked.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body}`);
      return answer(request, body);
    },
  });
  servers.push(server);
  return { origin: `http://127.0.0.1:${server.port}`, asked };
}

/** What can be asked of an adapter, each for itself. */
function tasks(adapter: PlatformAdapter, origin: string, hooks: ConnectionHooks, signal: AbortSignal) {
  const message = { address: { chat: "1", thread: "1" }, markdown: "hello", idempotencyId: "dlv_1:0" };
  const files = [{ name: "a.txt", mediaType: "text/plain", bytes: new Uint8Array(3) }];
  const sent = { messageId: "7" };
  const ref = adapter.fetchFile && { kind: "document" as const, ref: `${origin}/file` };
  return {
    send: () => adapter.send(message, signal),
    "send a growing answer": () =>
      adapter.send({ ...message, isPartial: true, recipient: { user: "U1", space: "T1" } }, signal),
    "send a file": () => adapter.send({ ...message, files }, signal),
    edit: () => adapter.edit?.(sent, message, signal),
    remove: () => adapter.remove?.(message.address, sent, signal),
    typing: () => adapter.typing?.(message.address, signal),
    fetch: () => ref && adapter.fetchFile?.(ref, 1_000, signal),
    menu: () => adapter.registerCommands?.([{ name: "new", description: { en: "x", zh: "x" } }], signal),
    listen: () => adapter.listen?.(hooks, AbortSignal.any([signal, AbortSignal.timeout(100)])),
  };
}

/** Asks for everything. What became of each task, and all words that anybody could read afterwards. */
async function askAll(id: PlatformId, answer: Answer) {
  const server = serve(answer);
  const platforms = { [id]: { api_base: server.origin, ...KEYS[id] } } as unknown as Config["platforms"];
  const settings = liveConfig({ platforms }).current.platforms[id] as AccountSettings;
  const adapter = await (await loadPlatform(id))?.connect(settings);
  if (!adapter) throw new Error(`there is no ${id}`);
  const words: string[] = [];
  const hooks: ConnectionHooks = {
    emit: async () => undefined,
    connected: ({ name }) => void words.push(name),
    alive: () => undefined,
    reconnecting: (reason) => void words.push(reason),
    state: null,
    saveState: () => Promise.resolve(),
    webhookPath: "/webhook/x",
    log: (level, message, fields) => void words.push(level, message, Bun.inspect(fields, { depth: 8 })),
  };
  const signal = AbortSignal.timeout(4_000);
  const became: Record<string, unknown> = {};
  for (const [name, task] of Object.entries(tasks(adapter, server.origin, hooks, signal)))
    try {
      became[name] = await task();
    } catch (error) {
      became[name] = error;
      if (error instanceof PlatformError) words.push(error.message, error.hint ?? "");
    }
  return { became, words, asked: server.asked };
}

/** An access token, in the words of every platform that has such. */
const TOKEN = {
  ...{ code: 0, errcode: 0, access_token: "a", tenant_access_token: "a", accessToken: "a" },
  ...{ expires_in: 7200, expire: 7200, expireIn: 7200 },
};

describe("a server that is not the platform's", () => {
  for (const id of PLATFORM_IDS) {
    test(`${id}: leads nobody elsewhere by a redirect`, async () => {
      const elsewhere = serve(() => Response.json({ ok: true, result: { message_id: 1 }, id: "1", ts: "1" }));
      for (const status of [302, 307]) {
        const { asked } = await askAll(id, (request) => {
          const { pathname, search } = new URL(request.url);
          return new Response(null, {
            status,
            headers: { location: `${elsewhere.origin}${pathname}${search}` },
          });
        });
        expect(asked.length).toBeGreaterThan(0);
        expect(elsewhere.asked).toEqual([]);
      }
    }, 60_000);

    test(`${id}: is not believed to have sent anything`, async () => {
      const page = "<html><title>Sign in to the network</title></html>";
      const answers: [string, Answer][] = [
        ["a page", () => new Response(page, { headers: { "content-type": "text/html" } })],
        ["nothing", () => new Response(null, { status: 204 })],
        ["a list", () => Response.json([])],
        ["null", () => Response.json(null)],
      ];
      for (const [what, answer] of answers) {
        const { became } = await askAll(id, (request, body) =>
          /token/i.test(new URL(request.url).pathname) ? Response.json(TOKEN) : answer(request, body),
        );
        for (const name of ["send", "send a growing answer", "send a file"])
          expect([what, name, became[name]]).toEqual([what, name, expect.any(PlatformError)]);
      }
    }, 60_000);

    test(`${id}: that repeats what it was asked gets no secret into any word of Hermes`, async () => {
      const echoes: Answer[] = [401, 404, 500].flatMap((status): Answer[] => {
        const told = (request: Request, body: string) =>
          `${request.url} ${JSON.stringify(request.headers)} ${body}`;
        return [
          (request, body) => new Response(told(request, body), { status }),
          (request, body) => {
            const text = told(request, body);
            const fields = { ok: false, error_code: status, description: text, message: text, error: text };
            return Response.json(
              { ...fields, code: 40001, errcode: 40001, errmsg: text, msg: text },
              { status },
            );
          },
        ];
      });
      for (const echo of echoes) {
        const { words } = await askAll(id, echo);
        expect(words.length).toBeGreaterThan(0);
        for (const word of words) expect(word).not.toContain(SECRET);
      }
    }, 60_000);
  }
});
