import { expect, setDefaultTimeout, test } from "bun:test";
import type { APIInteraction } from "@discordjs/core/http-only";
import { parseInteraction } from "../../../src/platforms/discord/interactions.ts";
import { startFakeDiscord } from "../../fakes/discord/index.ts";
import { until } from "../../fakes/discord/until.ts";
import { adapterOf, connected, messagesOf, never, outbound, TEST_TIMEOUT_MS } from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const MESSAGE = { messageId: expect.anything() };

test("commands become text; each is acknowledged once it is stored, for nobody else to see", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  const gate = Promise.withResolvers<void>();
  heard.before = () => gate.promise;
  const record = fake.interact({ channel: fake.channel, user: fake.person, command: "new", locale: "zh-CN" });
  await until("it is offered", () => heard.offered.length === 1);
  expect(fake.calls("POST /interactions/:interaction/:token/callback")).toEqual([]);
  gate.resolve();
  await until("it is acknowledged", () => record.response !== null);
  expect(record.response).toEqual({ type: 4, data: { content: "✓", flags: 64 } });
  expect(messagesOf(heard)).toEqual([
    {
      type: "message",
      id: record.id,
      address: { chat: fake.channel },
      scope: "group",
      spaces: [fake.guild],
      sender: { id: fake.person.id, name: "ann", language: "zh-CN" },
      text: "/new",
      isForBot: true,
    },
  ]);
  expect(heard.events[0]).not.toMatchObject(MESSAGE);
});

test("what goes with a command stands behind it, and a question is a message", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  const where = { channel: fake.direct, user: fake.person };
  fake.interact({ ...where, command: "model", options: { text: "openai/gpt-5" } });
  fake.interact({ ...where, command: "ask", options: { text: "  What is new?  " } });
  await until("both arrive", () => heard.events.length === 2);
  expect(messagesOf(heard).map(({ text, scope }) => [text, scope])).toEqual([
    ["/model openai/gpt-5", "direct"],
    ["What is new?", "direct"],
  ]);
});

test("a button brings its value, and its message stays as it is", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  const buttons = [{ label: "Yes", value: "approve:1" }];
  const sent = await heard.adapter.send(outbound(fake, "May I?", { buttons }), never);
  const record = fake.interact({
    channel: fake.channel,
    user: fake.person,
    button: "approve:1",
    message: sent.messageId,
  });
  await until("it is acknowledged", () => record.response !== null);
  expect(record.response).toEqual({ type: 6 });
  expect(messagesOf(heard)).toMatchObject([{ id: record.id, text: "", button: "approve:1", isForBot: true }]);
});

test("a command in a thread tells the channel that the thread is in", async () => {
  await using fake = startFakeDiscord();
  const channel = fake.world.addChannel({ type: 11, guildId: fake.guild, parentId: fake.channel }).id;
  await using heard = await connected(fake);
  fake.interact({ channel, user: fake.person, command: "new" });
  await until("it arrives", () => heard.events.length === 1);
  expect(messagesOf(heard)[0]?.spaces).toEqual([fake.guild, fake.channel]);
});

test("an acknowledgement that fails fails nothing else", async () => {
  await using fake = startFakeDiscord();
  await using heard = await connected(fake);
  const callback = "POST /interactions/:interaction/:token/callback";
  fake.fail(callback, { status: 404, code: 10062, message: "Unknown interaction" });
  fake.interact({ channel: fake.channel, user: fake.person, command: "new" });
  await until("it is tried", () => heard.logs.some(({ message }) => /acknowledged/.test(message)));
  expect(heard.events).toHaveLength(1);
  fake.write({ content: "after" });
  await until("the next arrives", () => heard.events.length === 2);
});

test("a command that nobody could take at once is taken after a resume, and told apart by its id", async () => {
  await using fake = startFakeDiscord();
  await using first = await connected(fake);
  first.before = () => new Promise(() => {});
  const record = fake.interact({ channel: fake.channel, user: fake.person, command: "stop" });
  await until("it is offered", () => first.offered.length === 1);
  first.stop();
  await first.ended;
  await using second = await connected(fake, first.saved.at(-1));
  await until("it arrives", () => second.events.length === 1);
  expect(second.events[0]?.id).toBe(record.id);
});

test("what is used between others, or is no command and no button, is nothing", async () => {
  await using fake = startFakeDiscord();
  const { payload } = fake.interact({ channel: fake.direct, user: fake.person, command: "new" }, "webhook");
  const parse = (changes: object) =>
    parseInteraction({ ...payload, ...changes } as unknown as APIInteraction);
  expect(parse({})).toMatchObject({ text: "/new", scope: "direct" });
  expect(parse({ context: 2 })).toBeNull();
  expect(parse({ type: 1 })).toBeNull();
  expect(parse({ type: 4 })).toBeNull();
  expect(parse({ type: 5 })).toBeNull();
  expect(parse({ data: { name: "Report", type: 3 } })).toBeNull();
  expect(parse({ type: 3, data: { custom_id: "x", component_type: 3, values: [] } })).toBeNull();
  expect(parse({ user: undefined })).toBeNull();
  expect(parse({ channel: undefined })).toBeNull();
});

test("the commands are made known once, in both languages, and anew only when they differ", async () => {
  await using fake = startFakeDiscord();
  const commands = [
    { name: "new", aliases: ["reset"], description: { en: "begin a new conversation", zh: "开始新对话" } },
    { name: "stop", description: { en: "stop the answer", zh: "停止回答" } },
  ];
  await adapterOf(fake).registerCommands?.(commands, never);
  const put = "PUT /applications/:application/commands";
  expect(fake.calls(put)).toHaveLength(1);
  const known = fake.calls(put)[0]?.body as unknown as { name: string }[];
  expect(known.map(({ name }) => name)).toEqual(["new", "stop", "ask"]);
  expect(known[0]).toMatchObject({
    description: "begin a new conversation",
    description_localizations: { "zh-CN": "开始新对话" },
    contexts: [0, 1],
    options: [{ type: 3, name: "text", required: false }],
  });
  expect(known[2]).toMatchObject({ options: [{ type: 3, name: "text", required: true }] });
  await adapterOf(fake).registerCommands?.(commands, never);
  expect(fake.calls(put)).toHaveLength(1);
  await adapterOf(fake).registerCommands?.(commands.slice(1), never);
  expect(fake.calls(put)).toHaveLength(2);
});
