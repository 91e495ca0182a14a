import { describe, expect, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openToyGateway, type ToyGateway, toyChat } from "../../support/chat.ts";

const IN_OLD = { address: { chat: "-5" }, scope: "group" } as const;
const IN_NEW = { address: { chat: "-1005" }, scope: "group" } as const;
const move = { type: "moved", id: "m", from: "-5", to: "-1005" } as const;

const group = (settings: Record<string, unknown> = {}) =>
  toyChat({ allowed_users: [1], allowed_groups: ["-5"], ...settings });

/** What was answered in a chat. */
async function answer({ chat }: ToyGateway, place: string): Promise<string | undefined> {
  await chat.until(() => chat.messages(place).some((one) => !one.isPartial));
  return chat.messages(place).at(-1)?.text;
}

describe("a group that goes on under another id", () => {
  test("is allowed as before, and the log says which id to write", async () => {
    const models = scriptedModels([says("before"), says("after")]);
    await using gateway = await openToyGateway({ models, chat: group() });
    await gateway.write("hi", IN_OLD);
    expect(await answer(gateway, "-5")).toBe("before");
    await gateway.receive(move);
    await gateway.receive({ ...move, id: "told by the new group, too" });
    await gateway.write("hi", IN_NEW);
    expect(await answer(gateway, "-1005")).toBe("after");
    const told = gateway.lines.filter((line) => line.includes("-1005"));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("write it into allowed_groups in place of the old one");
  });

  test("keeps the conversation and the settings of the chat", async () => {
    const models = scriptedModels([says("one"), says("two")]);
    const chats = { "-5": { require_mention: false, prompt: "Be brief." } };
    await using gateway = await openToyGateway({ models, chat: group({ chats }) });
    await gateway.write("first", { ...IN_OLD, isForBot: false });
    expect(await answer(gateway, "-5")).toBe("one");
    await gateway.receive(move);
    await gateway.write("second", { ...IN_NEW, isForBot: false });
    expect(await answer(gateway, "-1005")).toBe("two");
    const asked = models.requests[1]?.messages ?? [];
    expect(asked.filter(({ role }) => role === "user")).toHaveLength(2);
    expect(JSON.stringify(asked)).toContain("Be brief.");
    expect(gateway.lines.join()).toContain("write it into allowed_groups and chats in place of");
  });

  test("has its own settings once they are written", async () => {
    const models = scriptedModels([says("one")]);
    const chats = { "-5": { prompt: "Old." }, "-1005": { prompt: "New." } };
    await using gateway = await openToyGateway({ models, chat: group({ chats }) });
    await gateway.receive(move);
    await gateway.write("hi", IN_NEW);
    await answer(gateway, "-1005");
    expect(JSON.stringify(models.requests[0]?.messages)).toContain("New.");
  });

  test("is not waited for: a message that comes right behind the move is answered", async () => {
    await using gateway = await openToyGateway({ models: scriptedModels([says("after")]), chat: group() });
    await Promise.all([gateway.receive(move), gateway.write("hi", IN_NEW)]);
    expect(await answer(gateway, "-1005")).toBe("after");
  });

  test("is known as well when the platform tells it only with an answer", async () => {
    const chat = group();
    chat.failures.push({ name: "send", error: new PlatformError("moved", "moved", { movedTo: "-1005" }) });
    const models = scriptedModels([says("one"), says("two")]);
    await using gateway = await openToyGateway({ models, chat });
    await gateway.write("hi", IN_OLD);
    expect(await answer(gateway, "-1005")).toBe("one");
    await gateway.write("and now?", IN_NEW);
    await chat.until(() => chat.messages("-1005").at(-1)?.text === "two");
  });
});

describe("what was not moved gains nothing:", () => {
  const cases: [what: string, told: object][] = [
    ["another group", { ...move, to: "-1006" }],
    ["a move from a group that is not allowed", { ...move, from: "-6" }],
    ["a move in the other direction", { ...move, from: "-1005", to: "-5" }],
  ];
  for (const [what, told] of cases)
    test(what, async () => {
      const models = scriptedModels([says("x")]);
      await using gateway = await openToyGateway({ models, chat: group() });
      await gateway.receive({ ...move, ...told });
      await gateway.write("hi", IN_NEW);
      expect((await gateway.store.runs.list({ limit: 1 })).items).toEqual([]);
      expect(gateway.chat.calls).toEqual([]);
    });

  test("a move that another account was told of", async () => {
    await using gateway = await openToyGateway({ models: scriptedModels([says("x")]), chat: group() });
    await gateway.store.chats.recordMove({ platform: "telegram", account: "work", from: "-5", to: "-1005" });
    await gateway.write("hi", IN_NEW);
    expect((await gateway.store.runs.list({ limit: 1 })).items).toEqual([]);
  });
});
