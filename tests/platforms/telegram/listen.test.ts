import { expect, setDefaultTimeout, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import { adapterOf, messagesOf, startListening } from "./setup.ts";

setDefaultTimeout(60_000);

test("a message arrives and is confirmed only once it is kept", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  const gate = Promise.withResolvers<void>();
  heard.before = () => gate.promise;
  const { updateId } = fake.write("Hello");
  const asked = fake.calls("getUpdates").length;
  // The next polls begin at the message, though they bring nothing new.
  await fake.until("it polls on", () => fake.calls("getUpdates").length >= asked + 2);
  expect(fake.pending.map(({ update_id }) => update_id)).toEqual([updateId]);
  expect(heard.events).toEqual([]);
  gate.resolve();
  await fake.until("it is confirmed", () => fake.pending.length === 0);
  expect(messagesOf(heard)).toEqual([
    {
      type: "message",
      id: String(updateId),
      address: { chat: "501" },
      scope: "direct",
      sender: { id: "501", name: "Ada", language: "en" },
      text: "Hello",
      isForBot: true,
      messageId: "101",
    },
  ]);
});

test("it tells who it is, once polling is proven, and that it lives", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  await heard.until("it polls", () => heard.signs >= 2);
  expect(heard.states).toEqual(["connected as hermes_test_bot (4242)"]);
  expect(fake.calls().slice(0, 4)).toMatchObject([
    { method: "getMe" },
    { method: "deleteWebhook", params: { drop_pending_updates: false } },
    {
      method: "getUpdates",
      params: {
        timeout: 0,
        limit: 100,
        allowed_updates: ["message", "callback_query", "stopped_message_generation"],
      },
    },
    { method: "getUpdates", params: { timeout: 1 } },
  ]);
});

test("messages of a chat arrive in order; a chat whose messages are not taken holds up no other", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  const gate = Promise.withResolvers<void>();
  heard.before = (event) =>
    event.type === "message" && event.address.chat === "1" ? gate.promise : undefined;
  fake.write("slow 1", { chat: 1 });
  fake.write("quick 1", { chat: 2 });
  fake.write("slow 2", { chat: 1 });
  fake.write("quick 2", { chat: 2 });
  await heard.until("the other chat goes on", () => heard.events.length === 2);
  fake.write("quick 3", { chat: 3 });
  await heard.until("later ones too", () => heard.events.length === 3);
  expect(messagesOf(heard).map(({ text }) => text)).toEqual(["quick 1", "quick 2", "quick 3"]);
  gate.resolve();
  await fake.until("all are confirmed", () => fake.pending.length === 0);
  expect(
    messagesOf(heard)
      .map(({ text }) => text)
      .slice(3),
  ).toEqual(["slow 1", "slow 2"]);
});

test("a message that is not taken is tried again, in its place, and is never lost", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  let refusals = 5;
  heard.before = () => {
    if (refusals-- > 0) throw new Error("the disk is full");
  };
  fake.write("one");
  fake.write("two");
  await fake.until("both are confirmed", () => fake.pending.length === 0 && heard.events.length === 2);
  expect(messagesOf(heard).map(({ text }) => text)).toEqual(["one", "two"]);
  expect(heard.logs.filter(({ level }) => level === "warn")).toHaveLength(5);
});

test("what was not taken comes again after a restart; what was taken does not", async () => {
  await using fake = await startFakeTelegram();
  const hanging = startListening(adapterOf(fake));
  hanging.before = (event) =>
    event.type === "message" && event.text === "two" ? new Promise<void>(() => {}) : undefined;
  fake.write("one");
  await fake.until("the first is confirmed", () => fake.pending.length === 0 && hanging.events.length === 1);
  fake.write("two");
  await fake.until("it polls from the second on", () => fake.pending.length === 1);
  hanging.stop();
  expect(await hanging.ended).toBe("stopped");
  await using heard = startListening(adapterOf(fake));
  await heard.until("the second comes", () => heard.events.length > 0);
  await fake.until("it is confirmed", () => fake.pending.length === 0);
  expect(messagesOf(heard).map(({ text }) => text)).toEqual(["two"]);
});

test("what Telegram delivers once more keeps its id", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  fake.write("one");
  await fake.until("it is confirmed", () => fake.pending.length === 0);
  fake.redeliver(1);
  await heard.until("it comes again", () => heard.events.length === 2);
  expect(heard.events[0]).toEqual(heard.events[1] as (typeof heard.events)[0]);
});

test("updates that say nothing to the bot are confirmed all the same", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  fake.write("from a bot", { from: { id: 7, is_bot: true } });
  fake.inject({});
  fake.write("hello");
  await fake.until("all are confirmed", () => fake.pending.length === 0 && heard.events.length > 0);
  expect(messagesOf(heard).map(({ text }) => text)).toEqual(["hello"]);
});

test("an update that cannot be read holds up nothing", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  fake.inject({ message: { chat: { id: 9 }, from: null, forward_origin: 3, text: 4 } } as never);
  fake.inject({
    message: { chat: { id: 9, type: "private" }, from: { id: 9, first_name: "x" }, text: 4 },
  } as never);
  fake.write("hello");
  await fake.until("all are confirmed", () => fake.pending.length === 0 && heard.events.length > 0);
  expect(messagesOf(heard).map(({ text }) => text)).toEqual(["hello"]);
  expect(heard.logs).toContainEqual(expect.objectContaining({ level: "warn" }));
});

test("a press is kept, then answered", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  heard.before = () => expect(fake.calls("answerCallbackQuery")).toEqual([]);
  fake.press(5, "approve:1", { chat: -1001 });
  await fake.until("it is answered", () => fake.calls("answerCallbackQuery").length === 1);
  expect(messagesOf(heard)).toMatchObject([
    { address: { chat: "-1001" }, scope: "group", button: "approve:1", text: "", isForBot: true },
  ]);
  expect(messagesOf(heard)[0]).not.toHaveProperty("messageId");
});

test("a press whose answer fails is taken all the same", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  fake.fail("answerCallbackQuery", { errorCode: 400, description: "Bad Request: query is too old" });
  fake.press(5, "approve:1");
  await heard.until("the failure is logged", () => heard.logs.some(({ fields }) => fields["error"]));
  expect(heard.events).toHaveLength(1);
  expect(heard.states).toHaveLength(1);
});

test("a stop ends a poll at once", async () => {
  await using fake = await startFakeTelegram();
  const heard = startListening(adapterOf(fake, { polling_timeout: 50 }));
  await fake.until("it waits", () => fake.calls("getUpdates").length === 2);
  heard.stop();
  expect(await heard.ended).toBe("stopped");
});

test("a stop ends it while Telegram cannot be reached, and while a message is not taken", async () => {
  await using fake = await startFakeTelegram();
  await fake.goOffline();
  const away = startListening(adapterOf(fake, {}, { reconnect: { baseMs: 60_000, maxMs: 60_000 } }));
  await away.until("it has failed", () => away.states.length === 1);
  away.stop();
  expect(await away.ended).toBe("stopped");
  await fake.goOnline();
  const stuck = startListening(adapterOf(fake, {}, { slowEmitMs: 60_000 }));
  const reached = Promise.withResolvers<void>();
  stuck.before = () => {
    reached.resolve();
    return new Promise(() => {});
  };
  fake.write("hello");
  await reached.promise;
  stuck.stop();
  expect(await stuck.ended).toBe("stopped");
});

test("an outage is told, sat out, and over", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  await heard.until("it is connected", () => heard.states.length === 1);
  await fake.goOffline();
  await heard.until("it tries", () => heard.states.length >= 4);
  await fake.goOnline();
  fake.write("after");
  await heard.until("it is back", () => heard.events.length === 1);
  expect(heard.states.at(-1)).toBe("connected as hermes_test_bot (4242)");
  expect(new Set(heard.states.slice(1, -1).map((reason) => reason.replace(/ \(\w+\)/, "")))).toEqual(
    new Set(["Telegram cannot be reached."]),
  );
});

test("faults of the server and of proxies, connections that break and requests to wait are sat out", async () => {
  await using fake = await startFakeTelegram();
  fake.fail("getMe", { errorCode: 500, description: "Internal Server Error" });
  fake.fail("getMe", { status: 502 });
  fake.fail("deleteWebhook", { retryAfter: 0 });
  fake.fail("getUpdates", { drop: "after" });
  fake.fail("getUpdates", { status: 200 });
  await using heard = startListening(adapterOf(fake));
  fake.write("hello");
  await heard.until("it comes", () => heard.events.length === 1);
  expect(heard.states).toHaveLength(6);
  expect(heard.states[0]).toBe("Telegram fails: 500 Internal Server Error");
  expect(heard.states[1]).toStartWith("Telegram fails: 502");
  expect(heard.states[2]).toBe("Telegram asks to wait.");
  expect(heard.states[3]).toStartWith("Telegram cannot be reached");
  expect(heard.states[4]).toBe("Telegram fails: 502 OK");
});

test("it waits as long as Telegram asks", async () => {
  await using fake = await startFakeTelegram();
  fake.fail("getUpdates", { retryAfter: 1 });
  await using heard = startListening(adapterOf(fake));
  await heard.until("it is connected", () => heard.states.length === 2);
  const [first, second] = fake.calls("getUpdates");
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
});

test("a connection that is dead without having been closed is given up", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake, { polling_timeout: 1 }, { pollGraceMs: 300 }));
  await heard.until("it is connected", () => heard.states.length === 1);
  fake.fail("getUpdates", { hang: true });
  await heard.until("it is noticed", () => heard.states.includes("Telegram does not answer in time."));
  fake.write("hello");
  await heard.until("it goes on", () => heard.events.length === 1);
});

test("a token that Telegram does not know ends it, in words", async () => {
  await using fake = await startFakeTelegram();
  const heard = startListening(adapterOf({ url: fake.url, token: "4242:wrong" }));
  const error = (await heard.ended) as PlatformError;
  expect(error).toBeInstanceOf(PlatformError);
  expect(error.kind).toBe("unauthorized");
  expect(error.message).toBe("Telegram does not know this bot token.");
  expect(error.hint).toContain("@BotFather");
});

test("a token of the wrong form, which is answered with 404, ends it as well", async () => {
  await using fake = await startFakeTelegram();
  fake.fail("getMe", { errorCode: 404, description: "Not Found" });
  const error = await startListening(adapterOf(fake)).ended;
  expect(error).toMatchObject({ kind: "unauthorized" });
});

test("a token that is revoked while it polls ends it", async () => {
  await using fake = await startFakeTelegram();
  const heard = startListening(adapterOf(fake));
  await heard.until("it is connected", () => heard.states.length === 1);
  fake.fail("getUpdates", { errorCode: 401, description: "Unauthorized" });
  expect(await heard.ended).toMatchObject({ kind: "unauthorized" });
});

test("the conflict that the poll of a killed process leaves behind passes", async () => {
  await using fake = await startFakeTelegram();
  const words =
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
  fake.fail("getUpdates", { errorCode: 409, description: words, times: 3 });
  await using heard = startListening(adapterOf(fake));
  fake.write("hello");
  await heard.until("it comes", () => heard.events.length === 1);
  expect(heard.states).toEqual([
    ...Array(3).fill("Another program fetches the messages of this bot."),
    "connected as hermes_test_bot (4242)",
  ]);
});

test("of two programs that fetch for one bot, one gives up and says so; the other goes on", async () => {
  await using fake = await startFakeTelegram();
  await using first = startListening(adapterOf(fake));
  await first.until("the first is connected", () => first.states.length > 0);
  await using second = startListening(adapterOf(fake, {}, { conflictMs: 200 }));
  const error = await second.ended;
  expect(error).toMatchObject({
    kind: "conflict",
    message: "Another program fetches the messages of this bot.",
    hint: expect.stringContaining("Stop the other program"),
  });
  fake.write("hello");
  await first.until("the first goes on", () => first.events.length === 1);
});

test("a webhook of earlier is removed and its messages arrive", async () => {
  await using fake = await startFakeTelegram();
  await fetch(`${fake.url}/bot${fake.token}/setWebhook?url=http://127.0.0.1:9/`);
  fake.write("hello");
  await using heard = startListening(adapterOf(fake));
  await heard.until("it comes", () => heard.events.length === 1);
});

test("a webhook that is set while it polls is removed", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  await heard.until("it is connected", () => heard.states.length === 1);
  await fetch(`${fake.url}/bot${fake.token}/setWebhook?url=http://127.0.0.1:9/`);
  fake.write("hello");
  await heard.until("it comes", () => heard.events.length === 1);
  expect(heard.states).toContain(
    "Another program has set a webhook for this bot, so that its messages go there.",
  );
});

test("no word of it holds the token", async () => {
  await using fake = await startFakeTelegram();
  await fake.goOffline();
  await using heard = startListening(adapterOf(fake));
  await heard.until("it has failed", () => heard.states.length >= 2);
  await fake.goOnline();
  fake.fail("getUpdates", { drop: "before" });
  fake.fail("getUpdates", { status: 404 });
  fake.fail("getUpdates", { errorCode: 401, description: "Unauthorized" });
  const error = await heard.ended;
  const [, secret = ""] = fake.token.split(":");
  expect(Bun.inspect({ error, logs: heard.logs, states: heard.states }, { depth: 20 })).not.toContain(secret);
  expect(JSON.stringify([heard.logs, heard.states])).not.toContain(secret);
});

test("a server that answers empty without waiting is not asked in a loop", async () => {
  const polls: number[] = [];
  await using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      if (request.url.endsWith("/getMe"))
        return Response.json({
          ok: true,
          result: { id: 1, is_bot: true, first_name: "x", username: "x_bot" },
        });
      if (!request.url.endsWith("/getUpdates")) return Response.json({ ok: true, result: true });
      polls.push(performance.now());
      return Response.json({ ok: true, result: [] });
    },
  });
  const adapter = adapterOf(
    { url: `http://127.0.0.1:${server.port}/`, token: "1:x" },
    {},
    { emptyPollMs: 200 },
  );
  await using heard = startListening(adapter);
  await heard.until("it has polled", () => heard.signs === 4);
  const waits = polls.map((atMs, i) => atMs - (polls[i - 1] ?? atMs)).slice(2); // the first poll is to be short
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(190);
});
