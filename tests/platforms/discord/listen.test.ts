import { expect, setDefaultTimeout, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { type FakeDiscord, startFakeDiscord } from "../../fakes/discord/index.ts";
import { until } from "../../fakes/discord/until.ts";
import {
  adapterOf,
  connected,
  createHeard,
  isConnected,
  type Listening,
  messagesOf,
  startListening,
  TEST_TIMEOUT_MS,
  textsOf,
} from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

/** One connection carries a session, no other is open, and messages arrive over it. */
async function expectOneConnection(fake: FakeDiscord, heard: Listening): Promise<void> {
  await until("one connection", () => fake.gateway.connections === 1 && fake.gateway.sockets === 1);
  const { content } = fake.write({ content: `proof ${fake.world.nextId()}` });
  await until("a message arrives over it", () => textsOf(heard).includes(content));
  expect(fake.gateway.connections).toBe(1);
  expect(fake.gateway.sockets).toBe(1);
  expect(isConnected(heard)).toBe(true);
}

test("it connects with the intents that it needs and no more, and tells who it is", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  expect(heard.states).toEqual([`connected as hermes (${fake.world.bot.id})`]);
  expect(fake.gateway.intents).toEqual([37377]);
});

test("a message arrives", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  const { id } = fake.write({ channel: fake.direct, content: "Hello" });
  await until("it arrives", () => heard.events.length === 1);
  expect(messagesOf(heard)).toEqual([
    {
      type: "message",
      id,
      address: { chat: fake.direct },
      scope: "direct",
      sender: { id: fake.person.id, name: "ann" },
      text: "Hello",
      isForBot: true,
      messageId: id,
    },
  ]);
});

test("what the bot and other bots write is not handed on", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  fake.write({ author: fake.world.bot, content: "own" });
  fake.write({ author: { ...fake.world.addUser("other"), bot: true }, content: "of a bot" });
  fake.write({ content: "of a webhook", parts: { webhook_id: "1000000000000000009" } });
  fake.write({ content: "", parts: { type: 7 } });
  fake.write({ content: "of a person" });
  await until("the last arrives", () => heard.events.length > 0);
  expect(textsOf(heard)).toEqual(["of a person"]);
});

test("a message in a thread tells the channel that it is in, whether the thread was known or not", async () => {
  await using fake = startFakeDiscord();
  const parents = { guildId: fake.guild, parentId: fake.channel };
  const known = fake.world.addChannel({ type: 11, ...parents }).id;
  await using heard = await connected(fake);
  const unknown = fake.world.addChannel({ type: 11, ...parents }).id;
  fake.write({ channel: known, content: "known" });
  fake.write({ channel: unknown, content: "unknown" });
  fake.write({ channel: unknown, content: "again" });
  fake.write({ channel: fake.world.addChannel({ type: 0, guildId: fake.guild }).id, content: "no thread" });
  await until("all arrive", () => heard.events.length === 4);
  const spaces = messagesOf(heard).map(({ text, spaces }) => [text, ...(spaces ?? [])]);
  expect(spaces.toSorted()).toEqual([
    ["again", fake.guild, fake.channel],
    ["known", fake.guild, fake.channel],
    ["no thread", fake.guild],
    ["unknown", fake.guild, fake.channel],
  ]);
  expect(fake.calls("GET /channels/:channel").map(({ params }) => params["channel"])).toEqual([unknown]);
});

test("messages of a channel arrive in order; one that is not taken is offered again and holds up no other channel", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  let refusals = 3;
  const gate = Promise.withResolvers<void>();
  heard.before = async (event) => {
    if (event.type !== "message" || event.text !== "first") return;
    await gate.promise;
    if (refusals-- > 0) throw new Error("the disk is full");
  };
  for (const content of ["first", "second", "third"]) fake.write({ content });
  fake.write({ channel: fake.direct, content: "elsewhere" });
  await until("the other channel goes on", () => textsOf(heard).includes("elsewhere"));
  expect(textsOf(heard)).toEqual(["elsewhere"]);
  gate.resolve();
  await until("all arrive", () => heard.events.length === 4);
  expect(textsOf(heard)).toEqual(["elsewhere", "first", "second", "third"]);
  expect(heard.offered).toHaveLength(4 + 3);
  expect(heard.logs.filter(({ level }) => level === "warn")).toHaveLength(3);
});

test("a message that has another form than Discord says is left out and holds up nothing", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  fake.write({ content: "bad", parts: { attachments: 7 as never } });
  fake.write({ content: "good" });
  await until("the next arrives", () => heard.events.length === 1);
  expect(textsOf(heard)).toEqual(["good"]);
  expect(heard.logs).toContainEqual(expect.objectContaining({ level: "warn" }));
});

test("an event of another form than Discord says ends nothing: it would come again with every new connection", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  const events: [string, unknown][] = [
    ["MESSAGE_CREATE", { type: 0 }],
    ["MESSAGE_CREATE", null],
    ["MESSAGE_CREATE", { id: "no number", channel_id: "1", type: 0, author: { id: "7" } }],
    ["INTERACTION_CREATE", null],
    ["GUILD_CREATE", { id: "1", channels: [null] }],
    ["THREAD_LIST_SYNC", {}],
  ];
  for (const [type, data] of events) fake.gateway.dispatch(type, data, 0);
  fake.write({ content: "good" });
  await until("the next arrives", () => heard.events.length === 1);
  expect(textsOf(heard)).toEqual(["good"]);
  expect(heard.logs.filter(({ level }) => level === "warn")).toHaveLength(events.length);
});

test("a connection that breaks off without a close frame is resumed, and what was missed arrives", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  fake.refuseUpgrades(100);
  fake.gateway.drop();
  await until("it is gone", () => fake.gateway.sockets === 0);
  fake.write({ content: "missed" });
  await until("it arrives", () => textsOf(heard).includes("missed"));
  await expectOneConnection(fake, heard);
  expect(fake.gateway).toMatchObject({ identified: 1, resumed: 1 });
  expect(heard.states.at(-1)).toBe(`connected as hermes (${fake.world.bot.id})`);
});

test("refused upgrades for 5 s keep the session, and there is one connection afterwards", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  fake.refuseUpgrades(5000);
  fake.gateway.drop();
  await until("some were refused", () => fake.refusedUpgrades > 20);
  fake.write({ content: "missed" });
  await until("it arrives", () => textsOf(heard).includes("missed"));
  await expectOneConnection(fake, heard);
  expect(fake.gateway).toMatchObject({ identified: 1, resumed: 1 });
});

test("an upgrade that gets no answer is given up, and leaves no second connection when it is answered late", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake, {}, { helloMs: 50 });
  await using heard = startListening(adapter);
  await until("it is connected", () => isConnected(heard));
  const answer = fake.holdUpgrades();
  fake.gateway.drop();
  await until(
    "it tried several times",
    () => heard.states.filter((state) => /answer/.test(state)).length > 3,
  );
  answer();
  await expectOneConnection(fake, heard);
});

test("without answers to its heartbeats the connection is made again", async () => {
  await using fake = startFakeDiscord({ heartbeatMs: 40 });
  await using heard = await connected(fake);
  await until("it beats", () => fake.gateway.heartbeats.length >= 2);
  expect(fake.gateway.heartbeats.at(-1)).toBe(2); // READY and GUILD_CREATE
  fake.gateway.acknowledges = false;
  await until("it notices", () => heard.states.includes("Discord does not answer heartbeats"));
  fake.gateway.acknowledges = true;
  await expectOneConnection(fake, heard);
  expect(fake.gateway.identified).toBe(1);
});

test("heartbeats and events are signs of life, and a heartbeat that Discord asks for comes at once", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  const { signs } = heard;
  fake.gateway.send(1);
  await until("it beats", () => fake.gateway.heartbeats.length === 1);
  await until("the answer is heard", () => heard.signs >= signs + 2);
});

test("it connects again when Discord asks for it", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  fake.gateway.send(7);
  await until("it resumes", () => fake.gateway.resumed === 1);
  await expectOneConnection(fake, heard);
  fake.gateway.send(9, true);
  await until("it resumes again", () => fake.gateway.resumed === 2);
  await expectOneConnection(fake, heard);
  expect(fake.gateway.identified).toBe(1);
});

test("an invalid session is begun anew", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  fake.gateway.forgetSessions();
  fake.gateway.send(9, false);
  await until("it begins another", () => fake.gateway.identified === 2);
  await expectOneConnection(fake, heard);
});

for (const code of [1000, 1001, 4000, 4001, 4002, 4003, 4005, 4008])
  test(`close ${code} is resumed`, async () => {
    await using fake = startFakeDiscord();
    await using heard = await connected(fake);
    fake.gateway.close(code);
    await until("it resumes", () => fake.gateway.resumed === 1);
    await expectOneConnection(fake, heard);
    expect(fake.gateway.identified).toBe(1);
  });

for (const code of [4007, 4009])
  test(`close ${code} begins a new session`, async () => {
    await using fake = startFakeDiscord();
    await using heard = await connected(fake);
    fake.gateway.close(code);
    await until("it begins another", () => fake.gateway.identified === 2);
    await until("the old one is forgotten", () => isConnected(heard));
    expect(fake.gateway.resumed).toBe(0);
    expect(fake.gateway.sockets).toBe(1);
  });

for (const code of [4004, 4010, 4011, 4012, 4013, 4014])
  test(`close ${code} ends it, with what to do about it`, async () => {
    await using fake = startFakeDiscord();
    await using heard = await connected(fake);
    fake.gateway.close(code);
    const error = await heard.ended;
    expect(error).toMatchObject({ kind: "unauthorized", hint: expect.stringMatching(/\w{3}/) });
    expect(fake.gateway.sockets).toBe(0);
  });

test("without the intent for messages it says which switch to turn", async () => {
  await using fake = startFakeDiscord({ messageContent: false });
  await using heard = startListening(adapterOf(fake));
  const error = await heard.ended;
  expect(error).toBeInstanceOf(PlatformError);
  expect(error).toMatchObject({ kind: "unauthorized" });
  expect((error as PlatformError).hint).toContain("Message Content Intent");
});

test("once it has ended, it offers nothing any more", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  heard.before = () => Promise.reject(new Error("the disk is full"));
  fake.write({ content: "hello" });
  await until("it is offered again and again", () => heard.offered.length > 2);
  fake.gateway.close(4014);
  await heard.ended;
  const { length } = heard.offered;
  await Bun.sleep(100); // five times the longest wait between two tries
  expect(heard.offered).toHaveLength(length);
});

test("a token that Discord does not know ends it, without being told", async () => {
  await using fake = startFakeDiscord();
  const token = "bm90LWEtYm90.wrong-token";
  await using heard = startListening(adapterOf(fake, { bot_token: token }));
  const error = await heard.ended;
  expect(error).toMatchObject({ kind: "unauthorized", message: "Discord does not know this bot token." });
  expect(Bun.inspect([error, heard.logs, heard.states])).not.toContain(token);
});

test("while the API fails it keeps trying", async () => {
  await using fake = startFakeDiscord();
  fake.fail("GET /gateway/bot", { status: 502, times: 6 });
  fake.fail("GET /gateway/bot", { cut: true, times: 2 });
  await using heard = startListening(adapterOf(fake));
  await until("it is connected", () => isConnected(heard));
  expect(heard.states.slice(0, -1)).toContain("Discord fails: 502.");
  await expectOneConnection(fake, heard);
});

test("when the address of the session fails, it is resumed at the usual one", async () => {
  await using fake = startFakeDiscord();
  await using first = await connected(fake);
  first.stop();
  await first.ended;
  const saved = first.saved.at(-1);
  if (!saved?.session) throw new Error("no session was saved");
  const state = { ...saved, session: { ...saved.session, resumeUrl: "ws://127.0.0.1:9" } };
  await using second = startListening(adapterOf(fake), createHeard(state));
  await until("it resumes", () => fake.gateway.resumed === 1);
  await expectOneConnection(fake, second);
});

test("it begins no session when none is left for today", async () => {
  await using fake = startFakeDiscord();
  fake.gateway.sessionsLeft = 0;
  await using heard = startListening(adapterOf(fake));
  expect(await heard.ended).toMatchObject({ kind: "rate_limited", retryAfterMs: 86_400_000 });
  expect(fake.gateway.identified).toBe(0);
});

test("new sessions are begun no faster than Discord allows", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake, {}, { identifyEveryMs: 300 });
  await using heard = startListening(adapter);
  await until("it is connected", () => isConnected(heard));
  for (let session = 2; session <= 3; session++) {
    fake.gateway.forgetSessions();
    fake.gateway.send(9, false);
    await until("it begins another", () => fake.gateway.identified === session);
  }
  const [first = 0, , third = 0] = fake.gateway.identifiedAtMs;
  expect(third - first).toBeGreaterThanOrEqual(400); // 600 without what the first connection took
});

for (const [when, disturb] of [
  ["while it is connected", () => {}],
  ["while an upgrade waits for its answer", (fake: FakeDiscord) => void fake.holdUpgrades()],
  ["between two tries", (fake: FakeDiscord) => fake.refuseUpgrades(60_000)],
] as const)
  test(`it stops ${when}, and no connection comes after`, async () => {
    await using fake = startFakeDiscord();
    await using heard = await connected(fake);
    disturb(fake);
    fake.gateway.drop();
    await until("it tries again", () => heard.states.length > 1);
    heard.stop();
    expect(await heard.ended).toBe("stopped");
    fake.refuseUpgrades(0);
    await until("nothing is open", () => fake.gateway.sockets === 0);
    await Bun.sleep(50); // several times what it waits between two tries
    expect(fake.gateway.sockets).toBe(0);
  });

test("connections that do not last are made more and more rarely", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake, {}, { settledMs: 60_000, reconnect: { baseMs: 20, maxMs: 160 } });
  await using heard = startListening(adapter);
  await until("it is connected", () => isConnected(heard));
  let pauseMs = 0;
  for (let time = 1; time <= 5; time++) {
    const brokenAtMs = performance.now();
    fake.gateway.send(7);
    await until("it resumes", () => fake.gateway.resumed === time && isConnected(heard));
    pauseMs = performance.now() - brokenAtMs;
  }
  expect(pauseMs).toBeGreaterThanOrEqual(79); // at least half of 160
});
