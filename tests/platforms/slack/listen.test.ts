import { describe, expect, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { startFakeSlack } from "../../fakes/slack/index.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { adapterOf, createHeard, failureOf, never, startListening } from "./setup.ts";

describe("Socket Mode", () => {
  test("a message is acknowledged only once it is taken", async () => {
    await using listening = await startListening();
    const { slack } = listening;
    expect(listening.states).toEqual(["connected as hermes (U0BOT)"]);
    const taking = Promise.withResolvers<void>();
    listening.before = () => taking.promise;
    slack.write({ text: "hello" });
    await slack.until(() => listening.offered.length === 1, "it is delivered");
    const signs = listening.signs;
    await slack.until(() => listening.signs > signs, "the next ping has come");
    expect(slack.pending).toBe(1);
    taking.resolve();
    await slack.until(() => slack.pending === 0, "it is acknowledged");
    expect(listening.taken.map(({ text }) => text)).toEqual(["hello"]);
  });

  test("what was refused for now is not acknowledged and comes again", async () => {
    await using listening = await startListening(startFakeSlack({ redeliverAfterMs: 50 }));
    const { slack } = listening;
    let tries = 0;
    listening.before = () => {
      tries += 1;
      if (tries < 3) throw new Error("the disk is full");
    };
    const ts = slack.write({ text: "hello" });
    await slack.until(() => listening.events.length === 1, "it is taken");
    await slack.until(() => slack.pending === 0, "it is acknowledged");
    expect(tries).toBe(3);
    expect(listening.taken[0]?.id).toBe(`D0USER:${ts}`);
    expect(listening.logs.map(({ message }) => message)).toContain(
      "a message could not be taken; Slack delivers it again",
    );
  });

  test("what was delivered and not acknowledged comes over the next connection", async () => {
    await using listening = await startListening();
    const { slack } = listening;
    const stuck = Promise.withResolvers<void>();
    listening.before = () => stuck.promise;
    slack.write({ text: "hello" });
    await slack.until(() => listening.offered.length === 1, "it is delivered");
    listening.before = () => {};
    slack.drop();
    await slack.until(() => listening.events.length === 1, "it is taken over the next one");
    expect(slack.opened).toBe(2);
    stuck.resolve();
    await slack.until(() => slack.pending === 0, "nothing is left");
  });

  const losses: Record<string, (slack: ReturnType<typeof startFakeSlack>) => void> = {
    "a disconnect frame": (slack) => slack.disconnect("warning"),
    "a drop without a close frame": (slack) => slack.drop(),
    "pings that stop": (slack) => slack.ping(false),
  };
  for (const [name, lose] of Object.entries(losses))
    test(`after ${name} there is one connection again`, async () => {
      const timings = { pingTimeoutMs: 400 };
      await using listening = await startListening(startFakeSlack({ pingEveryMs: 50 }), {}, timings);
      const { slack } = listening;
      const signs = listening.signs;
      await slack.until(() => listening.signs > signs + 2, "pings come");
      lose(slack);
      await slack.until(() => slack.opened === 2, "it connects anew");
      slack.ping(true);
      await slack.until(() => listening.states.at(-1)?.startsWith("connected") === true, "it is connected");
      expect(listening.states).toHaveLength(3);
      slack.write({ text: "still there?" });
      await slack.until(() => listening.events.length === 1, "it receives");
      expect(slack.connections).toBe(1);
    });

  test("refused upgrades: it tries on, and holds one connection in the end", async () => {
    await using listening = await startListening();
    const { slack } = listening;
    slack.refuseUpgradesFor(400);
    slack.drop();
    await slack.until(() => slack.opened === 2, "it connects anew");
    await slack.until(() => listening.states.at(-1)?.startsWith("connected") === true, "it is connected");
    expect(
      listening.states.filter((state) => state === "Slack refused the connection.").length,
    ).toBeGreaterThan(1);
    slack.write({ text: "hello" });
    await slack.until(() => listening.events.length === 1, "it receives");
    expect([slack.connections, slack.opened]).toEqual([1, 2]);
  });

  test("a connection on which nobody says hello is given up", async () => {
    await using listening = await startListening(startFakeSlack(), {}, { helloTimeoutMs: 300 });
    const { slack } = listening;
    slack.sayHello(false);
    slack.drop();
    const silent = "Slack opened a connection and said no hello.";
    await slack.until(() => listening.states.includes(silent), "it gives up");
    slack.sayHello(true);
    await slack.until(() => listening.states.at(-1)?.startsWith("connected") === true, "it is connected");
    await slack.until(() => slack.connections === 1, "one is left");
  });

  test("pings and answers to our own show that it lives", async () => {
    const slack = startFakeSlack({ pingEveryMs: 3_600_000 });
    await using listening = await startListening(slack, {}, { pongTimeoutMs: 300 });
    const signs = listening.signs;
    await slack.until(() => listening.signs > signs + 3, "answers to our pings have come");
    expect(slack.opened).toBe(1);
  });

  test("a connection that falls silent without closing is left for another", async () => {
    const slack = startFakeSlack({ pingEveryMs: 50, redeliverAfterMs: 300 });
    const proxy = startTcpProxy(slack.apiBase);
    const api_base = `${proxy.origin}/api/`;
    await using listening = await startListening(
      slack,
      { api_base },
      { pongTimeoutMs: 250, closeTimeoutMs: 50 },
    );
    proxy.freeze();
    slack.write({ text: "hello" });
    await slack.until(() => listening.events.length === 1, "it receives over another connection");
    expect(listening.states).toEqual([
      "connected as hermes (U0BOT)",
      "The connection to Slack ended.",
      "connected as hermes (U0BOT)",
    ]);
    expect(slack.opened).toBe(2);
    proxy.stop();
  });

  test("ends when it is told to, and leaves no connection", async () => {
    await using listening = await startListening();
    const taking = Promise.withResolvers<void>();
    listening.before = () => taking.promise;
    listening.slack.write({ text: "hello" });
    await listening.slack.until(() => listening.offered.length === 1, "it is delivered");
    listening.stop();
    taking.resolve();
    expect(await listening.ended).toBe("stopped");
    await listening.slack.until(() => listening.slack.connections === 0, "it is closed");
    expect(listening.events).toHaveLength(1);
    expect(listening.slack.pending).toBe(0);
  });

  test("ends while it is only connecting, and leaves no connection", async () => {
    await using slack = startFakeSlack();
    slack.sayHello(false);
    const controller = new AbortController();
    const heard = createHeard();
    const listening = adapterOf(slack).listen?.(heard.hooks, controller.signal);
    await slack.until(() => slack.opened === 1, "it connects");
    controller.abort();
    await listening;
    await slack.until(() => slack.connections === 0, "it is closed");
    expect(heard.states).toEqual([]);
  });

  test("waits for a Web API that is down, and as long as it says", async () => {
    await using slack = startFakeSlack();
    slack.fail("auth.test", { status: 503 }, 2);
    slack.fail("auth.test", { retryAfterS: 0 }, 1);
    slack.fail("apps.connections.open", { error: "internal_error" }, 1);
    await using listening = await startListening(slack);
    await slack.until(() => slack.connections === 1, "it is connected");
    expect(listening.states).toEqual([
      "Slack answered auth.test with 503.",
      "Slack answered auth.test with 503.",
      "Slack limits the rate of auth.test.",
      "Slack could not do apps.connections.open: internal_error.",
      "connected as hermes (U0BOT)",
    ]);
  });
});

describe("what cannot work", () => {
  const cases = [
    [{ bot_token: "xoxb-wrong" }, /does not accept the bot token: invalid_auth/, /OAuth & Permissions/],
    [{ bot_token: "xapp-1-A0APP-3333-fakeappfakeapp" }, /bot token: not_allowed_token_type/, /xoxb-/],
    [{ app_token: "xapp-wrong" }, /does not accept the app-level token: invalid_auth/, /connections:write/],
    [{ app_token: "xoxb-1111-2222-fakebotfakebot" }, /app-level token: not_allowed_token_type/, /xapp-/],
    [{ mode: "websocket", app_token: undefined }, /needs an app-level token/, /Socket Mode/],
    [{ mode: "webhook", signing_secret: undefined }, /no signing secret/, /Signing Secret/],
  ] as const;
  for (const [changes, message, hint] of cases)
    test(`${JSON.stringify(changes)} is told in words`, async () => {
      await using slack = startFakeSlack();
      const adapter = adapterOf(slack, changes as object);
      const error = await failureOf(Promise.resolve(adapter.listen?.(createHeard().hooks, never)));
      expect(error.kind).toBe("unauthorized");
      expect(error.message).toMatch(message);
      expect(error.hint).toMatch(hint);
      expect(`${error.message}${error.hint}`).not.toMatch(/fakebot|fakeapp|wrong/);
      expect(slack.connections).toBe(0);
    });

  for (const code of ["account_inactive", "token_revoked", "missing_scope"])
    test(`auth.test: ${code}`, async () => {
      await using slack = startFakeSlack();
      slack.fail("auth.test", { error: code, more: { needed: "chat:write" } });
      const error = await failureOf(Promise.resolve(adapterOf(slack).listen?.(createHeard().hooks, never)));
      expect(error.kind).toBe("unauthorized");
      expect(error.hint).toBeString();
    });

  test("an account without a bot token does not connect", () => {
    expect(() => adapterOf(startFakeSlackLess(), { bot_token: undefined } as object)).toThrow(PlatformError);
  });
});

/** Nothing is asked of it. */
function startFakeSlackLess() {
  return { botToken: "", appToken: "", apiBase: "http://127.0.0.1:1/api/" } as ReturnType<
    typeof startFakeSlack
  >;
}

describe("with webhooks", () => {
  const changes = { app_token: undefined, signing_secret: "secret" } as object;

  test("the token is tried now and then", async () => {
    await using listening = await startListening(startFakeSlack(), changes, { checkEveryMs: 20 });
    const { slack } = listening;
    await slack.until(() => listening.signs > 2, "it was tried");
    slack.fail("auth.test", { status: 500 }, 1);
    await slack.until(() => listening.states.length === 3, "it has failed and passed again");
    expect(listening.states).toEqual([
      "connected as hermes (U0BOT)",
      "Slack answered auth.test with 500.",
      "connected as hermes (U0BOT)",
    ]);
    expect(slack.connections).toBe(0);
  });

  test("a token that is revoked ends it", async () => {
    await using listening = await startListening(startFakeSlack(), changes, { checkEveryMs: 20 });
    listening.slack.fail("auth.test", { error: "token_revoked" });
    const error = await listening.ended;
    expect(error).toBeInstanceOf(PlatformError);
    expect((error as PlatformError).kind).toBe("unauthorized");
  });
});
