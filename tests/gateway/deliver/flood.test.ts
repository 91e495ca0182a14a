import { expect, test } from "bun:test";
import { after, calls, hangs, says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openToyGateway, toyChat } from "../../support/chat.ts";
import { probeTool } from "../../support/tools.ts";

const many = (count: number) => Array.from({ length: count }, (_, n) => n);

test("however many messages wait in a chat, typing is shown there once, and only while an answer is made", async () => {
  const go = Promise.withResolvers<void>();
  const chat = toyChat();
  const typing = { now: 0, most: 0, calls: 0 };
  chat.connection.adapter.typing = async () => {
    typing.now += 1;
    typing.calls += 1;
    typing.most = Math.max(typing.most, typing.now);
    await new Promise(setImmediate);
    typing.now -= 1;
  };
  const models = scriptedModels([after(go.promise, says("first")), says("another")]);
  await using gateway = await openToyGateway({ models, chat });
  await Promise.all(many(20).map((n) => gateway.write(`message ${n}`)));
  const group = { scope: "group" as const, address: { chat: "-5" } };
  await Promise.all(many(20).map((n) => gateway.write(`message ${n}`, group))); // not allowed there
  while (typing.calls < 20) await Bun.sleep(1);
  expect(typing.most).toBe(1);
  go.resolve();
  await chat.until(() => chat.messages("1").filter((one) => !one.isPartial).length === 20);
  const callsThen = typing.calls;
  await Bun.sleep(50);
  expect(typing.calls).toBe(callsThen);
}, 20_000);

test("a sign on a message that is never set holds no answer up, and a flood makes few at once", async () => {
  const chat = toyChat({ reactions: true });
  let open = 0;
  let most = 0;
  chat.connection.adapter.react = () => {
    open += 1;
    most = Math.max(most, open);
    return new Promise(() => undefined);
  };
  await using gateway = await openToyGateway({ models: scriptedModels([says("answer")]), chat });
  await Promise.all(many(30).map((n) => gateway.write(`message ${n}`)));
  await chat.until(() => chat.messages("1").filter((one) => !one.isPartial).length === 30);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(8);
}, 20_000);

test("a message that bears the sign of being seen gets the one of being answered, whatever a flood leaves out", async () => {
  const chat = toyChat({ reactions: true });
  const signs = new Map<string, string | null>();
  chat.connection.adapter.react = async (_address, messageId, reaction) => {
    await new Promise(setImmediate);
    signs.set(messageId, reaction);
  };
  const go = Promise.withResolvers<void>();
  const models = scriptedModels([after(go.promise, says("answer"))]);
  await using gateway = await openToyGateway({ models, chat });
  await Promise.all(many(30).map((n) => gateway.write(`message ${n}`)));
  while (signs.size < 8) await Bun.sleep(1);
  go.resolve();
  await chat.until(() => chat.messages("1").filter((one) => !one.isPartial).length === 30);
  while ([...signs.values()].includes("seen")) await Bun.sleep(1);
  expect(new Set(signs.values())).toEqual(new Set(["done"]));
}, 20_000);

test("a question that cannot be marked as decided holds nothing up", async () => {
  const chat = toyChat({}, { maxChars: 4_000 });
  const tools = [probeTool([], { name: "terminal_probe", group: "terminal", asks: true })];
  const models = scriptedModels([calls({ id: "c", name: "terminal_probe" }), says("The end.")]);
  const { edit } = chat.connection.adapter;
  chat.connection.adapter.edit = (sent, message, signal) =>
    message.markdown.includes("✅") ? new Promise(() => undefined) : edit(sent, message, signal);
  await using gateway = await openToyGateway({ models, chat, tools });
  await gateway.write("go");
  await chat.until(() => chat.messages("1").some((one) => one.buttons.length === 2));
  await gateway.write("/approve");
  await chat.until(() => chat.messages("1").some((one) => one.text === "The end." && !one.isPartial));
});

test("answers that wait ask the store rarely whether they have begun, the more of them the more rarely", async () => {
  await using gateway = await openToyGateway({ models: scriptedModels([hangs("first")]) });
  await Promise.all(many(300).map((n) => gateway.write(`message ${n}`)));
  await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
  let reads = 0;
  const { get } = gateway.store.runs;
  gateway.store.runs.get = (id) => {
    reads += 1;
    return get(id);
  };
  await Bun.sleep(1_500);
  expect(reads).toBeLessThan(200);
}, 20_000);
