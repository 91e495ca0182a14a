import { expect, setDefaultTimeout, test } from "bun:test";
import type { InboundEvent } from "../../../src/platforms/contract.ts";
import type { DiscordState } from "../../../src/platforms/discord/state.ts";
import { type FakeDiscord, startFakeDiscord } from "../../fakes/discord/index.ts";
import { until } from "../../fakes/discord/until.ts";
import {
  adapterOf,
  connected,
  createHeard,
  isConnected,
  type Listening,
  startListening,
  TEST_TIMEOUT_MS,
  textsOf,
} from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

/** What the process that ended has left on disk. */
const lastState = ({ saved }: Listening): DiscordState => {
  const state = saved.at(-1);
  if (state === undefined) throw new Error("nothing was saved");
  return state;
};

/** Ends the process as `kill -9` does: what it saves from now on is lost. */
async function kill(heard: Listening): Promise<DiscordState> {
  const state = lastState(heard);
  heard.hooks.saveState = async () => {};
  heard.stop();
  await heard.ended;
  return state;
}

/** The session is known to nobody any more, and nobody is connected. */
async function loseSession(fake: FakeDiscord): Promise<void> {
  await until("nobody is connected", () => fake.gateway.sockets === 0);
  fake.gateway.forgetSessions();
}

/** What was taken, without what came twice: new messages are listed, too. */
const distinct = (heard: Listening) => [...new Set(textsOf(heard))];

test("the next process resumes the session, and what came in between arrives", async () => {
  await using fake = startFakeDiscord();
  await using first = await connected(fake);
  fake.write({ content: "before" });
  await until("it arrives", () => first.events.length === 1);
  first.stop();
  await first.ended;
  await until("nobody is connected", () => fake.gateway.sockets === 0);
  fake.write({ content: "between" });
  await using second = await connected(fake, lastState(first));
  await until("it arrives", () => second.events.length > 0);
  fake.write({ content: "after" });
  await until("it arrives", () => second.events.length > 1);
  expect(textsOf(second)).toEqual(["between", "after"]);
  expect(second.states).toEqual([`connected as hermes (${fake.world.bot.id})`]);
  expect(fake.gateway).toMatchObject({ identified: 1, resumed: 1 });
});

test("what was not stored when the process was killed arrives again, what was stored before need not", async () => {
  await using fake = startFakeDiscord();
  await using first = await connected(fake);
  fake.write({ channel: fake.direct, content: "stored" });
  await until("it is known to be stored", () => (first.saved.at(-1)?.session?.sequence ?? 0) >= 3);
  first.before = (event) =>
    event.type === "message" && event.text === "open" ? new Promise(() => {}) : undefined;
  fake.write({ channel: fake.direct, content: "open" });
  fake.write({ content: `<@${fake.world.bot.id}> stored elsewhere` });
  await until("the other is stored", () => textsOf(first).includes("stored elsewhere"));
  await until("the state is saved", () => lastState(first).channels.length === 2);
  await using second = await connected(fake, await kill(first));
  await until("both arrive", () => second.events.length === 2);
  expect(textsOf(second)).toEqual(["open", "stored elsewhere"]);
});

test("without the session, channels and direct chats are asked for what came in between, in order", async () => {
  await using fake = startFakeDiscord();
  await using first = await connected(fake);
  fake.write({ content: "known" });
  fake.write({ channel: fake.direct, content: "known too" });
  await until("they arrive", () => first.events.length === 2);
  first.stop();
  await first.ended;
  await loseSession(fake);
  for (let n = 0; n < 250; n++) fake.write({ content: `missed ${n}` });
  fake.write({ author: { ...fake.person, bot: true }, content: "of a bot" });
  fake.write({ channel: fake.direct, content: "missed in the direct chat" });
  await using second = await connected(fake, lastState(first));
  fake.write({ content: "new" });
  await until("all arrive", () => distinct(second).length === 252);
  const texts = distinct(second);
  expect(texts.filter((text) => text !== "missed in the direct chat")).toEqual([
    ...Array.from({ length: 250 }, (_, n) => `missed ${n}`),
    "new",
  ]);
  const [message] = second.events;
  expect(message).toMatchObject({ scope: "group", spaces: [fake.guild] });
  expect(second.events).toContainEqual(
    expect.objectContaining({ text: "missed in the direct chat", scope: "direct" }),
  );
  expect(fake.gateway).toMatchObject({ identified: 2, resumed: 0 });
});

test("a session that is lost while the process runs costs no message", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  fake.write({ content: "known" });
  await until("it arrives", () => heard.events.length === 1);
  fake.refuseUpgrades(60_000);
  fake.gateway.drop();
  await loseSession(fake);
  fake.write({ content: "missed" });
  fake.refuseUpgrades(0);
  await until("it arrives", () => heard.events.length === 2);
  expect(textsOf(heard)).toEqual(["known", "missed"]);
  expect(fake.gateway.identified).toBe(2);
});

test("catching up goes on where it failed, and a channel that is gone is forgotten", async () => {
  await using fake = startFakeDiscord();
  await using first = await connected(fake);
  const gone = fake.world.addChannel({ type: 0, guildId: fake.guild }).id;
  fake.write({ channel: gone, content: "in a channel that will be removed" });
  fake.write({ content: "known" });
  await until("they arrive", () => first.events.length === 2);
  first.stop();
  await first.ended;
  await loseSession(fake);
  fake.world.removeChannel(gone);
  for (let n = 0; n < 120; n++) fake.write({ content: `missed ${n}` });
  fake.fail("GET /channels/:channel/messages", { status: 500, times: 4 });
  fake.fail("GET /channels/:channel/messages", { cut: true, times: 2 });
  await using second = await connected(fake, lastState(first));
  await until("all arrive", () => second.events.length === 120);
  expect(textsOf(second)).toEqual(Array.from({ length: 120 }, (_, n) => `missed ${n}`));
  await until("it is saved", () => second.saved.at(-1)?.session != null);
  expect(lastState(second).channels.map(([channel]) => channel)).toEqual([fake.channel]);
});

test("a process that is killed while it catches up leaves the rest to the next", async () => {
  await using fake = startFakeDiscord();
  await using first = await connected(fake);
  fake.write({ content: "known" });
  await until("it arrives", () => first.events.length === 1);
  first.stop();
  await first.ended;
  await loseSession(fake);
  for (let n = 0; n < 5; n++) fake.write({ content: `missed ${n}` });
  const heard = createHeard(lastState(first));
  heard.before = (event) =>
    event.type === "message" && event.text === "missed 2" ? new Promise(() => {}) : undefined;
  await using second = startListening(adapterOf(fake), heard);
  await until("some arrive", () => second.events.length === 2 && second.offered.length === 3);
  fake.write({ channel: fake.direct, content: "new" });
  await until("the new one arrives", () => textsOf(second).includes("new"));
  await until("it is saved", () => second.saved.at(-1)?.channels.length === 2);
  const state = await kill(second);
  expect(state.session).toBeNull(); // it would not bring back what only the list of messages does
  await using third = await connected(fake, state);
  await until("the rest arrives", () => textsOf(third).filter((text) => /missed/.test(text)).length === 3);
  expect(textsOf(third).filter((text) => /missed/.test(text))).toEqual(["missed 2", "missed 3", "missed 4"]);
});

test("the first message of a channel is not lost either when the process is killed and the session with it", async () => {
  await using fake = startFakeDiscord();
  await using first = await connected(fake);
  first.before = () => new Promise(() => {});
  fake.write({ channel: fake.direct, content: "first" });
  await until("it is offered", () => first.offered.length === 1);
  const state = await kill(first);
  await loseSession(fake);
  await using second = await connected(fake, state);
  await until("it arrives", () => second.events.length === 1);
  expect(textsOf(second)).toEqual(["first"]);
});

test("nobody is answered who wrote more than a day ago", async () => {
  await using fake = startFakeDiscord();
  const state: DiscordState = { session: null, channels: [[fake.channel, "1000000000000000000"]] };
  await using heard = await connected(fake, state);
  const [call] = await until("it asks", () => {
    const calls = fake.calls("GET /channels/:channel/messages");
    return calls.length > 0 && calls;
  });
  const asked = Number((BigInt(call?.query["after"] ?? "0") >> 22n) + 1_420_070_400_000n);
  const dayMs = 24 * 60 * 60_000;
  expect(Math.abs(Date.now() - dayMs - asked)).toBeLessThan(60_000);
  expect(heard.events).toEqual([]);
});

test("the first process of all asks for nothing, whatever stands in the state", async () => {
  for (const state of [
    null,
    undefined,
    7,
    "x",
    [],
    {},
    { session: {}, channels: 7 },
    { channels: [["a", 1]] },
  ]) {
    await using fake = startFakeDiscord();
    await using heard = await connected(fake, state);
    fake.write({ content: "hello" });
    await until("it works", () => heard.events.length === 1);
    expect(fake.calls("GET /channels/:channel/messages")).toEqual([]);
    expect(fake.gateway).toMatchObject({ identified: 1, resumed: 0 });
  }
});

test("only so many channels are remembered: those in which something happened last", async () => {
  await using fake = startFakeDiscord();
  const channels = Array.from(
    { length: 230 },
    () => fake.world.addChannel({ type: 0, guildId: fake.guild }).id,
  );
  await using heard = await connected(fake);
  for (const channel of channels) fake.write({ channel, content: "hello" });
  await until("all arrive", () => heard.events.length === 230);
  heard.stop();
  await heard.ended;
  expect(lastState(heard).channels.map(([channel]) => channel)).toEqual(channels.slice(-200));
});

test("events that concern nobody cost few saves; a message to the bot is saved with what was stored before", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  await until("the beginning is saved", () => heard.saved.length > 0);
  const before = heard.saved.length;
  const started = performance.now();
  for (let n = 0; n < 500; n++) fake.write({ author: fake.world.bot, content: `own ${n}` });
  await until("all came", () => (heard.saved.at(-1)?.session?.sequence ?? 0) >= 500);
  const elapsedMs = performance.now() - started;
  expect(heard.saved.length - before).toBeLessThanOrEqual(elapsedMs / 20 + 1);
  const savesBefore = heard.saved.length;
  fake.write({ channel: fake.direct, content: "for the bot" });
  await until("it arrives", () => heard.events.length === 1);
  const { session } = heard.saved[savesBefore] ?? {};
  expect(session?.sequence).toBe(502); // READY, GUILD_CREATE and the 500: all but itself
});

test("killed again and again at any moment, every message is taken, in order, whatever Discord forgets", async () => {
  await using fake = startFakeDiscord();
  const chats = [fake.channel, fake.direct];
  const disk = { events: new Map<string, InboundEvent>(), state: null as unknown };
  let written = 0;
  const write = () => fake.write({ channel: chats[written % 2] ?? "", content: `${written++}`, times: 2 });
  for (let life = 0; life < 25; life++) {
    if (life % 5 === 4) fake.gateway.forgetSessions();
    const heard = createHeard(disk.state);
    let isDead = false;
    // As the gateway does: a state is written once all events before it are.
    let before: Promise<unknown> = Promise.resolve();
    heard.hooks.emit = async (event) => {
      const stored = Bun.sleep(Math.random() * 8).then(() => {
        if (isDead) return new Promise<void>(() => {});
        if (Math.random() < 0.1) throw new Error("the disk is busy");
        if (!disk.events.has(event.id)) disk.events.set(event.id, event);
      });
      before = Promise.allSettled([before, stored]);
      await stored;
    };
    heard.hooks.saveState = async (state) => {
      const saved = structuredClone(state);
      before = before.then(() => {
        if (!isDead) disk.state = saved;
      });
    };
    const listening = startListening(adapterOf(fake), heard);
    await until("it is connected", () => isConnected(listening));
    if (life === 0) await untilFirstStored(disk.events, chats, write);
    for (let n = 0; n < 12; n++) {
      write();
      if (Math.random() < 0.2) fake.gateway.drop();
      await Bun.sleep(Math.random() * 4);
    }
    isDead = true;
    listening.stop();
    await listening.ended;
  }
  await using last = await connected(fake, disk.state);
  const all = () => new Set([...disk.events.keys(), ...last.events.map(({ id }) => id)]);
  await until("all are taken", () => all().size === written);
  const order = [...disk.events.values(), ...last.events].flatMap((event) =>
    event.type === "message" ? [event] : [],
  );
  for (const chat of chats) {
    const first = new Map<string, number>();
    for (const { id, text, address } of order)
      if (address.chat === chat && !first.has(id)) first.set(id, Number(text));
    const numbers = [...first.values()];
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
});

/** A chat that was never heard of before a session is lost cannot be asked for. */
async function untilFirstStored(
  stored: ReadonlyMap<string, InboundEvent>,
  chats: readonly string[],
  write: () => void,
): Promise<void> {
  for (const _ of chats) write();
  await until("one message of each is stored", () => stored.size === chats.length);
}
