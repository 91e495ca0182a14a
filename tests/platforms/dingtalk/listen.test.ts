import { describe, expect, test } from "bun:test";
import { startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { adapterOf, createHeard, startListening } from "./setup.ts";

describe("Stream mode", () => {
  test("a message is acknowledged only once it is taken", async () => {
    await using listening = await startListening();
    const { fake } = listening;
    expect(listening.states).toEqual([`connected as ${fake.appKey} (${fake.appKey})`]);
    const taking = Promise.withResolvers<void>();
    listening.before = () => taking.promise;
    const msgId = fake.write({ text: "你好" });
    await fake.until(() => listening.offered.length === 1, "it is delivered");
    fake.sendFrame({ headers: { topic: "ping", messageId: "ping-1" }, data: '{"opaque":"1"}' });
    await fake.until(() => fake.acknowledged.length === 1, "the ping behind it is answered");
    expect(fake.pending).toBe(1);
    taking.resolve();
    await fake.until(() => fake.pending === 0, "it is acknowledged");
    expect(listening.taken.map(({ id, text }) => [id, text])).toEqual([[msgId, "你好"]]);
    expect(fake.acknowledged.at(-1)).toMatchObject({ code: 200, message: "OK", data: '{"response":null}' });
  });

  test("asks for JSON, names what it wants, and sends the ticket so that it survives the address", async () => {
    await using listening = await startListening();
    const [call] = listening.fake.calls("connection");
    expect(call?.headers["accept"]).toBe("application/json");
    expect(call?.json).toMatchObject({
      clientId: listening.fake.appKey,
      subscriptions: [{ type: "CALLBACK", topic: "/v1.0/im/bot/messages/get" }],
    });
    expect([listening.fake.opened, listening.fake.refusedUpgrades]).toEqual([1, 0]);
  });

  test("answers pings with what they carry, and events at once", async () => {
    await using listening = await startListening();
    const { fake } = listening;
    fake.sendFrame({ headers: { topic: "ping", messageId: "p" }, data: '{"opaque":"42"}' });
    fake.sendFrame({ type: "EVENT", headers: { topic: "*", messageId: "e", eventType: "chat_update" } });
    await fake.until(() => fake.acknowledged.length === 2, "both are answered");
    expect(fake.acknowledged).toEqual([
      {
        code: 200,
        headers: { contentType: "application/json", messageId: "p" },
        message: "OK",
        data: '{"opaque":"42"}',
      },
      {
        code: 200,
        headers: { contentType: "application/json", messageId: "e" },
        message: "OK",
        data: '{"status":"SUCCESS"}',
      },
    ]);
    expect(listening.offered).toEqual([]);
  });

  test("what was refused for now is not acknowledged and comes again", async () => {
    await using listening = await startListening({ fake: startFakeDingTalk({ redeliverAfterMs: 50 }) });
    const { fake } = listening;
    let tries = 0;
    listening.before = () => {
      tries += 1;
      if (tries < 3) throw new Error("the disk is full");
    };
    const msgId = fake.write({ text: "hello" });
    await fake.until(() => listening.events.length >= 1, "it is taken");
    await fake.until(() => fake.pending === 0, "it is acknowledged");
    expect(listening.taken[0]?.id).toBe(msgId);
    expect(listening.logs.map(({ message }) => message)).toContain(
      "a message could not be taken; DingTalk sends it again",
    );
  });

  test("what nobody can read is acknowledged, and holds up nothing", async () => {
    await using listening = await startListening();
    const { fake } = listening;
    const topic = "/v1.0/im/bot/messages/get";
    for (const data of ["{", "null", '"text"', "[]", `${"[".repeat(100)}`])
      fake.sendFrame({ type: "CALLBACK", headers: { topic, messageId: data }, data });
    fake.sendFrame({ type: "CALLBACK", headers: { topic: "/other", messageId: "other" }, data: "{}" });
    fake.sendFrame({ type: 7 });
    fake.write({ text: "hello" });
    await fake.until(() => listening.events.length === 1 && fake.pending === 0, "the message comes through");
    expect(fake.acknowledged).toHaveLength(7);
  });

  const losses: Record<string, (fake: ReturnType<typeof startFakeDingTalk>) => void> = {
    "a request for a new connection": (fake) => fake.disconnect(),
    "a drop without a close frame": (fake) => fake.drop(),
  };
  for (const [name, lose] of Object.entries(losses))
    test(`after ${name} there is one connection again, with a ticket of its own`, async () => {
      await using listening = await startListening();
      const { fake } = listening;
      lose(fake);
      await fake.until(() => fake.opened === 2, "it connects anew");
      await fake.until(() => listening.states.length === 3, "it is connected");
      fake.write({ text: "still there?" });
      await fake.until(() => listening.events.length === 1, "it receives");
      expect([fake.connections, fake.calls("connection").length]).toEqual([1, 2]);
    });

  test("what is being taken when a new connection is asked for is still acknowledged", async () => {
    await using listening = await startListening();
    const { fake } = listening;
    const taking = Promise.withResolvers<void>();
    listening.before = () => taking.promise;
    fake.write({ text: "hello" });
    await fake.until(() => listening.offered.length === 1, "it is delivered");
    fake.disconnect();
    taking.resolve();
    await fake.until(() => fake.opened === 2 && fake.pending === 0, "it connects anew");
    expect(listening.offered).toHaveLength(1);
  });

  test("whoever is sent away at once does not come back at once", async () => {
    const slow = { stableMs: 60_000, reconnect: { baseMs: 400, maxMs: 400 } };
    await using listening = await startListening({ timing: slow });
    const { fake } = listening;
    for (const opened of [2, 3]) {
      fake.disconnect();
      await fake.until(() => fake.opened === opened, "it connects anew");
    }
    const [first, , third] = fake.calls("connection");
    expect((third?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(390);
  });

  test("refused handshakes: it tries on with new tickets, and holds one connection in the end", async () => {
    await using listening = await startListening();
    const { fake } = listening;
    fake.refuseUpgradesFor(1000);
    fake.drop();
    await fake.until(() => fake.opened === 2, "it connects anew");
    await fake.until(() => listening.states.at(-1)?.startsWith("connected") === true, "it is connected");
    expect(fake.refusedUpgrades).toBeGreaterThan(1);
    expect(fake.calls("connection")).toHaveLength(2 + fake.refusedUpgrades);
    expect(listening.states).toContain("DingTalk refused the connection.");
    fake.write({ text: "hello" });
    await fake.until(() => listening.events.length === 1, "it receives");
    expect([fake.connections, fake.opened]).toEqual([1, 2]);
  });

  test("answers to pings of our own show that it lives", async () => {
    await using listening = await startListening({ timing: { pingEveryMs: 20 } });
    const signs = listening.signs;
    await listening.fake.until(() => listening.signs > signs + 3, "answers have come");
    expect(listening.fake.opened).toBe(1);
  });

  test("a connection that falls silent without closing is left for another", async () => {
    const fake = startFakeDingTalk({ redeliverAfterMs: 300 });
    const proxy = startTcpProxy(fake.apiBase);
    await using listening = await startListening({
      fake,
      changes: { api_base: proxy.origin },
      timing: { pingEveryMs: 50, deadMs: 400, closeMs: 50 },
    });
    proxy.freeze();
    fake.write({ text: "hello" });
    await fake.until(() => listening.events.length >= 1, "it receives over another connection");
    expect(listening.states.slice(1, 2)).toEqual(["The connection to DingTalk ended."]);
    proxy.stop();
  });

  test("a server that takes the connection and says nothing is given up", async () => {
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await using fake = startFakeDingTalk({ endpoint: `ws://127.0.0.1:${silent.port}/connect` });
    const heard = createHeard();
    const controller = new AbortController();
    const listening = adapterOf(fake, {}, { handshakeMs: 100 }).listen?.(heard.hooks, controller.signal);
    await fake.until(() => heard.states.length > 0, "it gives up");
    expect(heard.states[0]).toBe("DingTalk does not open the connection in time.");
    controller.abort();
    await listening;
    silent.stop(true);
  });

  test("an address that is none, or less private than the API, is not connected to", async () => {
    for (const endpoint of ["", "http://127.0.0.1/connect", "file:///etc/passwd"]) {
      await using fake = startFakeDingTalk({ endpoint });
      await using listening = await startListening({ fake });
      expect(listening.states[0]).toBe("DingTalk gave no address to connect to.");
    }
  });

  test("ends when it is told to, takes in what has come, and leaves no connection", async () => {
    await using listening = await startListening();
    const taking = Promise.withResolvers<void>();
    listening.before = () => taking.promise;
    listening.fake.write({ text: "hello" });
    await listening.fake.until(() => listening.offered.length === 1, "it is delivered");
    listening.stop();
    taking.resolve();
    expect(await listening.ended).toBe("stopped");
    await listening.fake.until(() => listening.fake.connections === 0, "it is closed");
    expect([listening.events.length, listening.fake.pending]).toEqual([1, 0]);
  });

  test("ends while it is only connecting", async () => {
    await using fake = startFakeDingTalk();
    fake.fail("connection", { hangs: true });
    const controller = new AbortController();
    const heard = createHeard();
    const listening = adapterOf(fake).listen?.(heard.hooks, controller.signal);
    await fake.until(() => fake.calls("connection").length === 1, "it asks");
    controller.abort();
    await listening;
    expect([heard.states, fake.opened]).toEqual([[], 0]);
  });

  test("sits out an API that is down, limits calls, or is a proxy's page", async () => {
    await using fake = startFakeDingTalk();
    fake.fail("connection", { status: 503 }, 1);
    fake.fail("connection", { status: 400 }, 1);
    fake.fail(
      "connection",
      { status: 403, code: "Forbidden.AccessDenied.QpsLimitForApi", retryAfterS: 0 },
      1,
    );
    const heard = createHeard();
    const controller = new AbortController();
    const listening = adapterOf(fake).listen?.(heard.hooks, controller.signal);
    await fake.until(() => fake.connections === 1 && heard.states.length === 4, "it is connected");
    controller.abort();
    await listening;
    expect(heard.states.slice(0, 3)).toEqual([
      "DingTalk answered the app's key and secret with 503.",
      "DingTalk answered the app's key and secret with 400.",
      "DingTalk limits the rate of calls (Forbidden.AccessDenied.QpsLimitForApi).",
    ]);
  });
});
