import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Gateway } from "../../src/gateway/contract.ts";
import { createGateway } from "../../src/gateway/gateway.ts";
import { webhookRequest } from "../../src/http/webhook/call.ts";
import type { AccountSettings } from "../../src/platforms/contract.ts";
import { loadPlatform } from "../../src/platforms/registry.ts";
import { end, type Script, type ScriptedModels, scriptedModels } from "../fakes/scripted-model.ts";
import { liveConfig, openTestAgent, type TestAgent } from "../support/agent.ts";
import { openTempStore, quietLog, type TempStore } from "../support/store.ts";
import type { ChatServer } from "./server.ts";

const PATIENCE_MS = 30_000;

/** Longer than any platform takes at once, with marks by which order and completeness are seen. */
const PARAGRAPHS = 160;
const LONG_ANSWER = Array.from(
  { length: PARAGRAPHS },
  (_, n) =>
    `§${n} 你好，**世界** 👨‍👩‍👧‍👦 and \`code\` with [a link](https://example.com/${n}), 一二三四五六七八九十。`,
).join("\n\n");

/** Answers to what says `held` wait for this. */
let release = Promise.withResolvers<void>();

/** Answers with what was said last. `long` gets the long answer. */
const echo: Script = async function* (request) {
  const last = request.messages.findLast((message) => message.role === "user");
  const said =
    last?.role === "user" ? last.parts.map((part) => (part.type === "text" ? part.text : "")).join(" ") : "";
  if (said.includes("held")) await release.promise;
  if (said.includes("slow")) await Bun.sleep(500); // so long that typing is shown
  yield { type: "text", text: said.includes("long") ? LONG_ANSWER : `ANSWER TO ${said.trim()}` };
  yield end();
};

/** What a platform has not, whose tests are left out then. */
interface Traits {
  /** It receives over a connection of its own, rather than by calls to its webhook. */
  hasConnection?: boolean;
  hasGroups?: boolean;
  /** What is ready soon is the answer to a call, so that no call of ours can fail. */
  answersInCalls?: boolean;
  /** Each look at its credentials counts in a quota, so that looks are rare. */
  looksRarely?: boolean;
}

/** A whole gateway against one platform's server: its own worker, store and agent. */
interface Rig extends AsyncDisposable {
  server: ChatServer;
  gateway: Gateway;
  models: ScriptedModels;
  agent: TestAgent;
  temp: TempStore;
}

/**
 * What every platform must do, whatever its protocol: one platform passes with its server and nothing else. A message
 * crosses everything there is, from the platform's wire through a real worker to the store and back.
 */
export function platformSuite(
  name: string,
  start: () => Promise<ChatServer>,
  { hasConnection = true, hasGroups = true, answersInCalls = false, looksRarely = false }: Traits = {},
): void {
  setDefaultTimeout(2 * PATIENCE_MS); // of the file that calls this
  describe(`${name}: the contract of platforms`, () => {
    let server: ChatServer;
    let rig: Rig;
    beforeEach(async () => {
      server = await start();
      rig = await open(server);
    });
    afterEach(async () => {
      await rig[Symbol.asyncDispose]();
      await rig.temp[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    const shown = (text: string, where: number | "group" = 1) =>
      server.shown(where).filter((one) => one.includes(text));
    const answered = (text: string, where: number | "group" = 1) =>
      until(() => shown(`ANSWER TO ${text}`, where).length > 0, `an answer to ${text}`);

    test("answers who is allowed, and tells who it is", async () => {
      server.write(1, "hello");
      await answered("hello");
      expect(rig.gateway.health()[0]).toMatchObject({ state: "connected", error: null });
      expect(rig.gateway.health()[0]?.bot?.name).toBeTruthy();
      expect(server.shown(1)).toHaveLength(1);
    });

    test("says nothing to strangers but a code, and nothing in groups that are not allowed", async () => {
      server.write(9, "hello");
      await until(() => server.shown(9).length === 1, "a code");
      expect(server.shown(9)[0]).toContain("hermes pairing approve");
      server.write(1, "in the group", { group: true });
      server.write(1, "sign");
      await answered("sign");
      expect(server.shown("group")).toEqual([]);
      expect(rig.models.requests).toHaveLength(1);
    });

    test("speaks the language of most people there to who shows none", async () => {
      const platform = await loadPlatform(server.platform);
      const settings = rig.agent.config.current.platforms[server.platform] as AccountSettings;
      const home = platform?.homeLanguage?.(settings) ?? "en";
      server.write(1, "/help");
      await until(() => server.shown(1).length === 1, "the commands");
      expect(server.shown(1)[0]).toContain(
        home === "zh" ? "其余内容都会交给智能体" : "Everything else you write",
      );
    });

    const groupTest = hasGroups ? test : absent;
    groupTest("answers in an allowed group whom it may, and only when it is meant", async () => {
      const { sinceMs } = rig.gateway.health()[0] ?? {};
      rig.agent.config.change((config) => {
        const platform = config.platforms[server.platform];
        if (platform) platform.allowed_groups = [server.groupId];
      });
      // The account is made anew; what still came over the connection before was judged by the settings before.
      await until(() => {
        const health = rig.gateway.health()[0];
        return health?.state === "connected" && health.sinceMs !== sinceMs;
      }, "the new settings");
      server.write(1, "not for you", { group: true, mention: false });
      server.write(9, "from a stranger", { group: true });
      server.write(1, "for you", { group: true });
      await answered("for you", "group");
      expect(server.shown("group")).toHaveLength(1);
    });

    test("answers a message once, however often it is delivered, also after a restart", async () => {
      const written = server.write(1, "once");
      for (let n = 0; n < 4; n++) written.redeliver();
      await answered("once");
      await rig[Symbol.asyncDispose]();
      rig = await open(server, rig.temp);
      for (let n = 0; n < 5; n++) written.redeliver();
      server.write(1, "sign");
      await answered("sign");
      expect(shown("ANSWER TO once")).toHaveLength(1);
    });

    const callTest = answersInCalls ? absent : test;
    callTest("answers what it was asked before it was told to stop, once", async () => {
      release = Promise.withResolvers();
      server.write(1, "held");
      await until(() => rig.models.requests.length === 1, "the question");
      const stopped = rig[Symbol.asyncDispose]();
      release.resolve();
      await stopped;
      const before = shown("ANSWER TO held").length;
      rig = await open(server, rig.temp);
      server.write(1, "sign");
      await answered("sign");
      expect([before, shown("ANSWER TO held").length]).toEqual([1, 1]);
    });

    test("answers in the order of the questions", async () => {
      for (let n = 0; n < 5; n++) server.write(1, `question ${n}`);
      await answered("question 4");
      const order = server.shown(1).map((text) => Number(/question (\d)/.exec(text)?.[1]));
      expect(order).toEqual([0, 1, 2, 3, 4]);
    });

    test("sends a long answer in parts within the limits, whole and in order", async () => {
      server.write(1, "long");
      const last = `§${PARAGRAPHS - 1} `;
      await until(() => server.shown(1).at(-1)?.includes(last) ?? false, "the end");
      const parts = server.shown(1);
      expect(parts.length).toBeGreaterThan(1);
      for (const part of parts) expect(server.length(part)).toBeLessThanOrEqual(server.maxLength);
      const marks = [...parts.join("\n").matchAll(/§(\d+)/g)].map((match) => Number(match[1]));
      expect(marks).toEqual(Array.from({ length: PARAGRAPHS }, (_, n) => n));
    });

    callTest(
      "waits as long as it is told, goes on after errors of the server, and sends nothing twice",
      async () => {
        server.failSends({ kind: "rate_limited", retryAfterMs: 1_000 });
        server.write(1, "first");
        server.write(1, "second");
        await answered("second");
        server.failSends({ kind: "unavailable" }, 2);
        server.write(1, "third");
        await answered("third");
        expect(server.shown(1).map((text) => text.replace(/^.*ANSWER TO /s, ""))).toEqual([
          "first",
          "second",
          "third",
        ]);
      },
    );

    callTest("gives up a message that is refused, and goes on with the next", async () => {
      server.failSends({ kind: "refused" });
      server.write(1, "refused");
      await until(async () => (await dead()).length === 1, "a dead letter");
      server.write(1, "next");
      await answered("next");
      expect((await dead())[0]?.error?.code).toBe("refused");
    });

    test("does its work where typing, reactions and the menu fail", async () => {
      server.failOptionalCalls();
      server.write(1, "anyway");
      await answered("anyway");
    });

    const connectionTest = hasConnection ? test : absent;
    connectionTest(
      "comes back by itself after a connection that was cut, with one connection, and misses nothing",
      async () => {
        server.write(1, "before");
        await answered("before");
        server.drop();
        server.write(1, "meanwhile");
        await answered("meanwhile");
        server.write(1, "after");
        await answered("after");
        await until(() => server.connections === 1, "one connection");
        expect(shown("ANSWER TO meanwhile")).toHaveLength(1);
      },
    );

    connectionTest("comes back after connections were refused, with one connection", async () => {
      server.write(1, "before");
      await answered("before");
      server.refuseConnections(2_000);
      await until(() => rig.gateway.health()[0]?.state !== "connected", "an honest word");
      server.write(1, "meanwhile");
      await answered("meanwhile");
      await until(() => rig.gateway.health()[0]?.state === "connected", "the word that all is well");
      expect(server.connections).toBe(1);
    });

    const calledTest = hasConnection ? absent : test;
    calledTest("lets as many calls wait at once as its platform needs", async () => {
      const platform = await loadPlatform(server.platform);
      const { maxInFlight } = rig.gateway.webhook(server.platform, "") ?? {};
      expect(maxInFlight).toBe(platform?.limits.webhooksInFlight);
    });

    const credentialTest = looksRarely ? absent : test;
    credentialTest("says in words what is wrong with its credentials, and tries no more", async () => {
      server.write(1, "before");
      await answered("before");
      server.revoke();
      if (!hasConnection) server.write(1, "anybody there?"); // a call tells sooner
      await until(() => rig.gateway.health()[0]?.state === "refused", "the refusal");
      const { error } = rig.gateway.health()[0] ?? {};
      expect(error?.message).toBeTruthy();
      expect(error?.hint).toBeTruthy();
    });

    async function dead() {
      return (await rig.temp.store.deliveries.list({ limit: 10, status: "dead" })).items;
    }
  });
}

/** Stands for a test of what a platform has not. */
const absent = (_name: string, _run: () => Promise<void>): void => undefined;

async function open(server: ChatServer, before?: TempStore): Promise<Rig> {
  const temp = before ?? (await openTempStore());
  const store = before ? await temp.restart() : temp.store;
  const config = liveConfig({
    platforms: { [server.platform]: { ...server.settings, allowed_users: [server.personId(1)] } },
  });
  const models = scriptedModels([echo]);
  const agent = await openTestAgent({ models, store, config });
  const gateway = createGateway({
    config,
    store,
    agent: agent.agent,
    tools: agent.tools,
    models,
    home: temp.path.replace(/\/[^/]*$/, ""),
    log: quietLog(),
    holder: "the contract suite",
  });
  await gateway.start();
  await until(() => gateway.health()[0]?.state === "connected", "a connection");
  await agent.agent.recover();
  const calls = serveCalls(gateway, server);
  return {
    server,
    gateway,
    models,
    agent,
    temp,
    async [Symbol.asyncDispose]() {
      await calls?.stop(true);
      await gateway.stop(agent.agent.stop(5_000));
      await agent[Symbol.asyncDispose]();
    },
  };
}

/** Lets the platform call the account, where it is one that is called. */
function serveCalls(gateway: Gateway, { platform, sendTo }: ChatServer): Bun.Server<undefined> | null {
  if (gateway.webhook(platform, "") === null) return null;
  const serving = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const body = new Uint8Array(await request.arrayBuffer());
      const call = webhookRequest(request, body, Date.now());
      // The account is made anew when its settings change.
      const answer = await gateway
        .webhook(platform, "")
        ?.answer(call)
        .catch(() => null);
      if (!answer) return new Response(null, { status: 503 });
      const headers = answer.contentType === undefined ? {} : { "content-type": answer.contentType };
      return new Response(answer.body ?? null, { status: answer.status, headers });
    },
  });
  sendTo?.(serving.url.href);
  return serving;
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const since = performance.now();
  while (!(await condition())) {
    if (performance.now() - since > PATIENCE_MS) throw new Error(`${what} did not come`);
    await Bun.sleep(10);
  }
}
