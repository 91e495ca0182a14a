import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type FakeLlm, startFakeLlm } from "../../src/models/fake-llm/server.ts";
import type { ChatServer } from "../contract/server.ts";
import { CALLING_SERVERS, CHAT_SERVERS } from "../contract/servers/all.ts";
import { startFakeDiscord } from "../fakes/discord/index.ts";
import { startFakeWecomBot } from "../fakes/wecom/bot.ts";
import { type Hermes, runHermes, startHermes, testConfig } from "../support/hermes.ts";

setDefaultTimeout(60_000);
const PATIENCE_MS = 30_000;
const CONNECTS = /Hermes .+ connects .+\n/;
const SECRET = "a-secret-of-the-webhook";

/** A call of a webhook. */
interface Call {
  method?: string;
  query?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** What only who has no secret of the account could send. */
const UNSIGNED_QUERIES = ["", "?timestamp=1&nonce=1&signature=0&msg_signature=0&echostr=a"];
const WEIXIN: Call[] = UNSIGNED_QUERIES.flatMap((query) => [
  { method: "GET", query },
  { query, body: "<xml></xml>" },
]);
const MESSAGE = JSON.stringify({ msgId: "m", conversationId: "c", senderStaffId: "staff1" });
const FORGED: Readonly<Record<string, readonly Call[]>> = {
  telegram: [{ body: "{}" }, { headers: { "x-telegram-bot-api-secret-token": "wrong" }, body: "{}" }],
  slack: [
    { body: "{}" },
    {
      headers: {
        "x-slack-request-timestamp": `${Math.floor(Date.now() / 1000)}`,
        "x-slack-signature": "v0=00",
      },
      body: "{}",
    },
  ],
  dingtalk: [{ body: MESSAGE }, { headers: { timestamp: `${Date.now()}`, sign: "AAAA" }, body: MESSAGE }],
  feishu: [
    { body: JSON.stringify({ type: "url_verification", challenge: "c", token: "verification-token" }) },
    { body: JSON.stringify({ encrypt: "AAAA" }) },
  ],
  wecom: WEIXIN,
  wechat: WEIXIN,
};

let llm: FakeLlm;
beforeAll(() => {
  llm = startFakeLlm({ port: 0 });
});
afterAll(() => llm.stop());

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(
  platforms: Record<string, unknown>,
  args: readonly string[] = [],
  model = "echo",
): Promise<Hermes> {
  const config = { ...testConfig(llm.url.replace(/\/v1$/, ""), model), platforms };
  const ready = args.includes("--webhook") ? {} : { ready: CONNECTS };
  const hermes = await startHermes({ config, args: ["gateway", ...args], ...ready });
  cleanUps.push(() => hermes.remove());
  return hermes;
}

async function until<T>(what: string, look: () => T | Promise<T>): Promise<T> {
  const since = performance.now();
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() - since > PATIENCE_MS) throw new Error(`${what} did not come`);
    await Bun.sleep(10);
  }
}

const answered = (server: ChatServer, text: string) =>
  until(`the answer to ${text}`, () => server.shown(1).some((shown) => shown.includes(text)));

/** Whether the outbox holds nothing that is still to be sent. */
async function allSent({ home }: Hermes): Promise<boolean> {
  const { stdout } = await runHermes(["deliveries", "list", "--json"], home);
  const { deliveries } = JSON.parse(stdout) as { deliveries: { status: string }[] };
  return deliveries.length > 0 && deliveries.every((one) => one.status === "sent");
}

interface AccountStatus {
  account: string;
  state: string;
  error: { message: string } | null;
}

/** What `hermes status` says of the accounts. */
async function statusOf({ home }: Hermes): Promise<AccountStatus[]> {
  return JSON.parse((await runHermes(["status", "--json"], home)).stdout).platforms;
}

describe("hermes gateway, as it is shipped", () => {
  for (const [name, open] of Object.entries(CHAT_SERVERS))
    test(`${name}: a message is answered, over a kill too, and the process ends when it is told`, async () => {
      const server = await open();
      cleanUps.push(() => server[Symbol.asyncDispose]());
      const allowed_users = [server.personId(1)];
      const hermes = await start({ [name]: { ...server.settings, allowed_users } }, ["--platform", name]);
      await until("a connection", () => server.connections === 1); // what came before the first one is not the bot's
      server.write(1, "first");
      await answered(server, "first");
      await until("the note that it is sent", () => allSent(hermes)); // else it may be sent again, under the same id
      await hermes.service.kill();
      server.write(1, "second");
      await hermes.restart();
      await answered(server, "second");
      const second = await runHermes(["gateway", "--platform", name], hermes.home);
      expect(second.code).toBe(1);
      expect(second.stderr).toContain(`process ${hermes.service.pid}`);
      expect(await hermes.service.stop()).toBe(0);
      expect(server.shown(1).filter((text) => text.includes("first"))).toHaveLength(1);
    });

  test("connections that are refused for five seconds are made anew, one each, and nothing is lost", async () => {
    const servers = await Promise.all(Object.values(CHAT_SERVERS).map((open) => open()));
    cleanUps.push(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())));
    const platforms = servers.map((server) => [
      server.platform,
      { ...server.settings, allowed_users: [server.personId(1)] },
    ]);
    const hermes = await start(Object.fromEntries(platforms));
    const unconnected = async () => (await statusOf(hermes)).filter(({ state }) => state !== "connected");
    await until("all connections", async () => (await unconnected()).length === 0);
    for (const server of servers) server.refuseConnections(5_000);
    const wereGone = new Set<string>();
    await until("the truth", async () => {
      for (const { account } of await unconnected()) wereGone.add(account);
      return wereGone.size === servers.length;
    });
    for (const server of servers) server.write(1, "meanwhile");
    await Promise.all(servers.map((server) => answered(server, "meanwhile")));
    await until("all connections", async () => (await unconnected()).length === 0);
    await until("one each", () => servers.every((server) => server.connections === 1));
    await Bun.sleep(2_000); // so that one too many would show
    for (const server of servers) {
      expect([server.platform, server.connections]).toEqual([server.platform, 1]);
      expect(server.shown(1).filter((text) => text.includes("meanwhile"))).toHaveLength(1);
    }
  });

  test("wecom: a bot that another Hermes takes over is left to it, and the status says so", async () => {
    const fake = startFakeWecomBot();
    cleanUps.push(() => fake[Symbol.asyncDispose]());
    const { botId: bot_id, secret: bot_secret, url: api_base } = fake;
    const wecom = { wecom: { bot_id, bot_secret, api_base, allowed_users: ["*"] } };
    const first = await start(wecom);
    await until("the first", () => fake.connections === 1);
    const second = await start(wecom);
    await until("the second", () => fake.opened === 2);
    await until("the truth", async () => (await statusOf(first))[0]?.state === "waiting");
    await Bun.sleep(3_000); // longer than a try to come back would wait
    expect([fake.connections, fake.opened]).toEqual([1, 2]);
    expect((await statusOf(first))[0]?.error?.message).toContain("Another program");
    expect((await statusOf(second))[0]?.state).toBe("connected");
    fake.write("hello");
    await until("the answer", () => fake.messages().some(({ text }) => text.includes("hello")));
    expect(fake.messages()).toHaveLength(1);
  });

  test("an agent that takes long shows that it works, and /stop passes it", async () => {
    const server = await (CHAT_SERVERS["telegram"] as () => Promise<ChatServer>)();
    cleanUps.push(() => server[Symbol.asyncDispose]());
    await start(
      { telegram: { ...server.settings, allowed_users: [server.personId(1)] } },
      [],
      "text-100-every-300",
    );
    server.write(1, "take your time");
    await until("a growing answer", () => server.shown(1).length === 1);
    const before = server.typings;
    await until("more typing", () => server.typings > before);
    server.write(1, "/stop");
    await until("the stop", () => server.shown(1).some((text) => text === "Stopped."));
    await until("the mark", () => server.shown(1)[0]?.includes("⏹"));
  });

  test("hermes send reaches a chat, beside a running gateway and without one", async () => {
    const server = await (CHAT_SERVERS["telegram"] as () => Promise<ChatServer>)();
    cleanUps.push(() => server[Symbol.asyncDispose]());
    const hermes = await start({ telegram: { ...server.settings, allowed_users: [server.personId(1)] } });
    server.write(1, "hello");
    await answered(server, "hello");
    const to = `telegram:${server.personId(1)}`;
    expect((await runHermes(["send", "--to", to, "with **one**"], hermes.home)).code).toBe(0);
    await answered(server, "with one");
    await hermes.service.stop();
    const sent = await runHermes(["send", "--to", to, "without"], hermes.home);
    expect(sent).toMatchObject({ code: 0 });
    await answered(server, "without");
    const listed = await runHermes(["deliveries", "list", "--json"], hermes.home);
    const { deliveries } = JSON.parse(listed.stdout) as { deliveries: { status: string }[] };
    expect(deliveries.map((one) => one.status)).toEqual(["sent", "sent", "sent"]);
  });
});

describe("webhooks of platforms, as they are shipped", () => {
  for (const [mode, open] of Object.entries(CALLING_SERVERS))
    test(`${mode}: calls that the platform signs are answered, over a kill too, and nothing else is taken`, async () => {
      const server = await open();
      cleanUps.push(() => server[Symbol.asyncDispose]());
      const { platform } = server;
      const settings = { [platform]: { ...server.settings, allowed_users: [server.personId(1)] } };
      const hermes = await start(settings, ["--webhook", "--port", "0"]);
      const beCalled = () => {
        const url = `${hermes.service.url}/webhook/${platform}`;
        server.sendTo?.(url);
        return url;
      };
      beCalled();
      const first = server.write(1, "first");
      await answered(server, "first");
      await until("the note that it is sent", () => allSent(hermes));
      await hermes.service.kill();
      await hermes.restart();
      const url = beCalled();
      first.redeliver();
      server.write(1, "second");
      await answered(server, "second");
      for (const { method = "POST", query = "", headers = {}, body } of FORGED[platform] ?? [])
        expect((await fetch(url + query, { method, headers, ...(body && { body }) })).status).toBe(401);
      expect(server.shown(1).map((text) => /first|second/.exec(text)?.[0])).toEqual(["first", "second"]);
      expect(await hermes.service.stop()).toBe(0);
    });

  test("of platforms that are not configured are not there, and the process says that it lives", async () => {
    const telegram = { bot_token: "1:a", mode: "webhook", secret_token: SECRET, api_base: llm.url };
    const { service } = await start({ telegram }, ["--webhook", "--port", "0"]);
    expect((await fetch(`${service.url}/webhook/health`)).status).toBe(200);
    expect((await fetch(`${service.url}/webhook/slack`, { method: "POST" })).status).toBe(404);
  });

  test("discord: interactions, which are signed", async () => {
    const fake = startFakeDiscord();
    cleanUps.push(() => fake[Symbol.asyncDispose]());
    const discord = {
      bot_token: fake.token,
      api_base: fake.apiBase,
      application_public_key: fake.publicKey,
      mode: "webhook",
      allowed_users: [fake.person.id],
    };
    const hermes = await start({ discord }, ["--webhook", "--port", "0"]);
    const url = `${hermes.service.url}/webhook/discord`;
    const post = ({ headers, body }: { headers: Record<string, string>; body: Uint8Array }) =>
      fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
    const ready = () => post(fake.signed({ type: 1 }));
    await until("the worker", async () => (await ready()).status === 200);
    expect(await (await ready()).json()).toEqual({ type: 1 });
    const { payload } = fake.interact(
      {
        channel: fake.direct,
        user: fake.person,
        command: "ask",
        options: { text: "by command" },
      },
      "webhook",
    );
    expect((await post(fake.signed(payload))).status).toBe(200);
    await until("the answer", () =>
      fake.messages(fake.direct).some(({ content }) => content.includes("by command")),
    );
    const { headers, body } = fake.signed({ type: 1 });
    headers["x-signature-ed25519"] = "00".repeat(64);
    expect((await post({ headers, body })).status).toBe(401);
  });
});
