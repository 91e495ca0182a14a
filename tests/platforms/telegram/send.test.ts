import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { OutboundMessage } from "../../../src/platforms/contract.ts";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import { adapterOf, failureOf, never, outbound } from "./setup.ts";

setDefaultTimeout(60_000);

const BAD_MARKUP = "Bad Request: can't parse entities: Unsupported start tag";

/** A fake that knows a private chat, and an adapter for it. */
async function start(settings: Parameters<typeof adapterOf>[1] = {}) {
  const fake = await startFakeTelegram();
  fake.chat(501);
  const adapter = adapterOf(fake, settings);
  return {
    fake,
    adapter,
    send: (markdown: string, changes: Partial<OutboundMessage> = {}) =>
      adapter.send(outbound(markdown, changes), never),
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

describe("send", () => {
  test("a message, with its marks", async () => {
    await using t = await start();
    const { messageId } = await t.send("**hello** <world>");
    const [message] = t.fake.messages(501);
    expect(String(message?.messageId)).toBe(messageId);
    expect(message).toMatchObject({ text: "hello <world>", replyTo: null, buttons: [], hasPreview: true });
    expect(message?.entities).toEqual([{ type: "bold", offset: 0, length: 5 }]);
    expect(t.fake.calls("sendMessage")[0]?.params).toMatchObject({ chat_id: 501, parse_mode: "HTML" });
  });

  test("a reply, also to a message that is gone", async () => {
    await using t = await start();
    const { messageId } = t.fake.write("question");
    await t.send("answer", { replyTo: String(messageId) });
    await t.send("answer", { replyTo: "99999" });
    expect(t.fake.messages(501).map(({ replyTo }) => replyTo)).toEqual([messageId, null]);
  });

  test("to a topic", async () => {
    await using t = await start();
    t.fake.chat(-1001, { isForum: true, openTopics: [77] });
    await t.send("hi", { address: { chat: "-1001", thread: "77" } });
    expect(t.fake.messages(-1001)).toMatchObject([{ thread: 77 }]);
  });

  test.each(["gone", "closed"])("a topic that is %s leaves the chat at large", async (how) => {
    await using t = await start();
    t.fake.chat(-1001, {
      isForum: true,
      openTopics: how === "gone" ? [] : [77],
      closedTopics: how === "gone" ? [] : [77],
    });
    await t.send("hi", { address: { chat: "-1001", thread: "77" }, replyTo: "3" });
    expect(t.fake.messages(-1001)).toMatchObject([{ text: "hi", thread: null, replyTo: null }]);
  });

  test("to a channel by its name", async () => {
    await using t = await start();
    await failureOf(t.send("hi", { address: { chat: "@news" } }));
    expect(t.fake.calls("sendMessage")[0]?.params["chat_id"]).toBe("@news");
  });

  test("buttons, two in a row", async () => {
    await using t = await start();
    await t.send("may I?", {
      buttons: [
        { label: "Yes", value: "yes", style: "good" },
        { label: "No", value: "no", style: "bad" },
        { label: "Later", value: "later" },
      ],
    });
    expect(t.fake.calls("sendMessage")[0]?.params["reply_markup"]).toEqual({
      inline_keyboard: [
        [
          { text: "Yes", callback_data: "yes", style: "success" },
          { text: "No", callback_data: "no", style: "danger" },
        ],
        [{ text: "Later", callback_data: "later" }],
      ],
    });
    expect(t.fake.messages(501)[0]?.buttons).toHaveLength(3);
  });

  test("what Telegram cannot read is sent as plain text", async () => {
    await using t = await start();
    t.fake.fail("sendMessage", { errorCode: 400, description: BAD_MARKUP });
    await t.send("**hello** & you");
    expect(t.fake.messages(501)).toMatchObject([{ entities: [] }]);
    const [first, second] = t.fake.calls("sendMessage");
    expect(first?.params).toHaveProperty("parse_mode", "HTML");
    expect(second?.params).not.toHaveProperty("parse_mode");
    expect(second?.params["text"]).toContain("hello");
    expect(second?.params["text"]).toContain("& you");
  });

  test("marks and topic may both be refused, each once", async () => {
    await using t = await start();
    t.fake.chat(-1001, { isForum: true, openTopics: [] });
    t.fake.fail("sendMessage", { errorCode: 400, description: BAD_MARKUP });
    await t.send("hi", { address: { chat: "-1001", thread: "77" } });
    expect(t.fake.calls("sendMessage")).toHaveLength(3);
    t.fake.fail("sendMessage", { errorCode: 400, description: BAD_MARKUP, times: 2 });
    expect(await failureOf(t.send("hi"))).toMatchObject({ kind: "refused" });
  });

  test("a message that grows shows no previews", async () => {
    await using t = await start();
    const sent = await t.send("https://example.com", { isPartial: true });
    expect(t.fake.messages(501)[0]?.hasPreview).toBe(false);
    await t.adapter.edit(sent, outbound("https://example.com is it"), never);
    expect(t.fake.messages(501)[0]?.hasPreview).toBe(true);
  });
});

describe("a send that fails", () => {
  test.each([
    ["Forbidden: bot was blocked by the user", "bot was blocked by the user"],
    ["Forbidden: bot was kicked from the group chat", "bot was kicked from the group chat"],
    ["Bad Request: not enough rights to send text messages to the chat", "not enough rights"],
  ])("%s: never", async (forbidden, words) => {
    await using t = await start();
    t.fake.chat(501, { forbidden });
    const error = await failureOf(t.send("hi"));
    expect(error.kind).toBe("refused");
    expect(error.message).toContain(words);
    expect(t.fake.calls("sendMessage")).toHaveLength(1);
  });

  test("a chat that Telegram does not know, and a text that is too long or empty", async () => {
    await using t = await start();
    expect(await failureOf(t.send("hi", { address: { chat: "999" } }))).toMatchObject({
      kind: "refused",
      message: "Telegram refuses sendMessage: chat not found",
    });
    expect(await failureOf(t.send("x".repeat(5000)))).toMatchObject({ kind: "refused" });
    expect(await failureOf(t.send("   "))).toMatchObject({ kind: "refused" });
  });

  test("a group that has become a supergroup: where it is now", async () => {
    await using t = await start();
    t.fake.chat(-5, { migratedTo: -1_005_000_000_001 });
    expect(await failureOf(t.send("hi", { address: { chat: "-5" } }))).toMatchObject({
      kind: "moved",
      movedTo: "-1005000000001",
    });
  });

  test("too many: how long to wait, without a try before", async () => {
    await using t = await start();
    t.fake.fail("sendMessage", { retryAfter: 7 });
    expect(await failureOf(t.send("hi"))).toMatchObject({ kind: "rate_limited", retryAfterMs: 7000 });
    expect(t.fake.calls("sendMessage")).toHaveLength(1);
  });

  test("a wrong token", async () => {
    await using t = await start();
    const stranger = adapterOf({ url: t.fake.url, token: "4242:wrong" });
    expect(await failureOf(stranger.send(outbound("hi"), never))).toMatchObject({ kind: "unauthorized" });
  });

  test.each([
    ["a fault of the server", { errorCode: 500, description: "Internal Server Error" }],
    ["a page of a proxy", { status: 504 }],
    ["a connection that breaks", { drop: "before" as const }],
  ])("%s: again as often as is configured, then later", async (_, failure) => {
    await using t = await start({ max_retries: 2 });
    t.fake.fail("sendMessage", { ...failure, times: 2 });
    await t.send("hi");
    expect(t.fake.calls("sendMessage")).toHaveLength(3);
    t.fake.fail("sendMessage", { ...failure, times: 3 });
    expect(await failureOf(t.send("hi"))).toMatchObject({ kind: "unavailable" });
    expect(t.fake.calls("sendMessage")).toHaveLength(6);
    expect(t.fake.messages(501)).toHaveLength(1);
  });

  test("without retries there is one try", async () => {
    await using t = await start({ max_retries: 0 });
    t.fake.fail("sendMessage", { status: 502 });
    expect(await failureOf(t.send("hi"))).toMatchObject({ kind: "unavailable" });
    expect(t.fake.calls("sendMessage")).toHaveLength(1);
  });

  test("nobody there: in words without the token", async () => {
    await using t = await start({ max_retries: 0 });
    await t.fake.goOffline();
    const error = await failureOf(t.send("hi"));
    expect(error).toMatchObject({ kind: "unavailable", hint: expect.stringContaining("api_base") });
    expect(Bun.inspect(error, { depth: 20 })).not.toContain(t.fake.token.slice(5));
    await t.fake.goOnline();
  });

  test("an address that is none: in words without the token", async () => {
    const adapter = adapterOf({ url: "no address", token: "1:secret" }, { max_retries: 0 });
    const error = await failureOf(adapter.send(outbound("hi"), never));
    expect(error.kind).toBe("unavailable");
    expect(Bun.inspect(error, { depth: 20 })).not.toContain("secret");
  });

  test("no answer in time, and a call that is given up", async () => {
    await using t = await start();
    const hasty = adapterOf(t.fake, { max_retries: 0 }, { callMs: 50 });
    t.fake.fail("sendMessage", { hang: true, times: 2 });
    expect(await failureOf(hasty.send(outbound("hi"), never))).toMatchObject({
      kind: "unavailable",
      message: "Telegram does not answer in time.",
    });
    const controller = new AbortController();
    const sending = failureOf(t.adapter.send(outbound("hi"), controller.signal));
    await t.fake.until("it is there", () => t.fake.calls("sendMessage").length === 2);
    controller.abort();
    expect(await sending).toMatchObject({ kind: "unavailable", message: "The call was given up." });
  });
});

describe("edit", () => {
  test("new text and buttons in place of the old ones", async () => {
    await using t = await start();
    const sent = await t.send("one", { buttons: [{ label: "Yes", value: "yes" }], isPartial: true });
    await t.adapter.edit(sent, outbound("**two**"), never);
    expect(t.fake.messages(501)).toMatchObject([{ text: "two", buttons: [], earlier: ["one"] }]);
  });

  test("the same again is no error", async () => {
    await using t = await start();
    const sent = await t.send("one");
    await t.adapter.edit(sent, outbound("one"), never);
    expect(t.fake.messages(501)[0]?.earlier).toEqual([]);
  });

  test("what Telegram cannot read becomes plain text", async () => {
    await using t = await start();
    const sent = await t.send("one");
    t.fake.fail("editMessageText", { errorCode: 400, description: BAD_MARKUP });
    await t.adapter.edit(sent, outbound("**two**"), never);
    expect(t.fake.messages(501)).toMatchObject([{ entities: [] }]);
  });

  test("a message that is gone is refused; too many are told", async () => {
    await using t = await start();
    const sent = await t.send("one");
    t.fake.fail("editMessageText", { retryAfter: 3 });
    expect(await failureOf(t.adapter.edit(sent, outbound("two"), never))).toMatchObject({
      kind: "rate_limited",
      retryAfterMs: 3000,
    });
    await t.adapter.remove({ chat: "501" }, sent, never);
    expect(await failureOf(t.adapter.edit(sent, outbound("two"), never))).toMatchObject({
      kind: "refused",
      message: "Telegram refuses editMessageText: message to edit not found",
    });
  });
});

describe("remove", () => {
  test("takes a message away; one that is gone is no error", async () => {
    await using t = await start();
    const sent = await t.send("one");
    await t.adapter.remove({ chat: "501" }, sent, never);
    await t.adapter.remove({ chat: "501" }, sent, never);
    expect(t.fake.messages(501)).toEqual([]);
  });

  test("one that cannot be deleted is refused", async () => {
    await using t = await start();
    const sent = await t.send("one");
    t.fake.fail("deleteMessage", { errorCode: 400, description: "Bad Request: message can't be deleted" });
    expect(await failureOf(t.adapter.remove({ chat: "501" }, sent, never))).toMatchObject({
      kind: "refused",
    });
  });
});

describe("draft", () => {
  test("grows under one number in a private chat", async () => {
    await using t = await start();
    expect(await t.adapter.draft(outbound("one"), never)).toBe(true);
    expect(await t.adapter.draft(outbound("one two"), never)).toBe(true);
    expect(await t.adapter.draft(outbound("other", { idempotencyId: "delivery_2:0" }), never)).toBe(true);
    expect(t.fake.drafts(501)).toEqual(["one", "one two", "other"]);
    expect(t.fake.calls("sendMessageDraft")[0]?.params).toMatchObject({ can_stop: true });
    const ids = t.fake.calls("sendMessageDraft").map(({ params }) => params["draft_id"]);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
    for (const id of ids)
      expect(Number.isSafeInteger(id) && Number(id) > 0 && Number(id) < 2 ** 31).toBe(true);
    expect(t.fake.messages(501)).toEqual([]);
  });

  test("is nothing for groups, nor where the server knows no drafts", async () => {
    await using t = await start();
    t.fake.chat(-1001);
    expect(await t.adapter.draft(outbound("one", { address: { chat: "-1001" } }), never)).toBe(false);
    expect(t.fake.calls()).toEqual([]);
    t.fake.fail("sendMessageDraft", { errorCode: 404, description: "Not Found" });
    expect(await t.adapter.draft(outbound("one"), never)).toBe(false);
  });

  test("too many are told; what cannot be read becomes plain text", async () => {
    await using t = await start();
    t.fake.fail("sendMessageDraft", { retryAfter: 3 });
    expect(await failureOf(t.adapter.draft(outbound("one"), never))).toMatchObject({ kind: "rate_limited" });
    t.fake.fail("sendMessageDraft", { errorCode: 400, description: BAD_MARKUP });
    expect(await t.adapter.draft(outbound("one"), never)).toBe(true);
  });
});

describe("signs", () => {
  test("typing, also in a topic", async () => {
    await using t = await start();
    t.fake.chat(-1001, { isForum: true, openTopics: [77] });
    await t.adapter.typing({ chat: "501" }, never);
    await t.adapter.typing({ chat: "-1001", thread: "77" }, never);
    expect(t.fake.calls("sendChatAction").map(({ params }) => params)).toEqual([
      { chat_id: 501, action: "typing" },
      { chat_id: -1001, message_thread_id: 77, action: "typing" },
    ]);
  });

  test("reactions, one in place of the other", async () => {
    await using t = await start();
    const { messageId } = t.fake.write("hi");
    const react = (reaction: Parameters<typeof t.adapter.react>[2]) =>
      t.adapter.react({ chat: "501" }, String(messageId), reaction, never);
    for (const [reaction, emoji] of [
      ["seen", "👀"],
      ["done", "👍"],
      ["failed", "👎"],
    ] as const) {
      await react(reaction);
      expect(t.fake.reaction(501, messageId)).toBe(emoji);
    }
    await react(null);
    expect(t.fake.reaction(501, messageId)).toBeNull();
  });

  test("that fail are tried once", async () => {
    await using t = await start();
    t.fake.fail("sendChatAction", { status: 502 });
    expect(await failureOf(t.adapter.typing({ chat: "501" }, never))).toMatchObject({ kind: "unavailable" });
    expect(t.fake.calls("sendChatAction")).toHaveLength(1);
  });

  test("the menu, in both languages", async () => {
    await using t = await start();
    const commands = [{ name: "new", aliases: ["reset"], description: { en: "Begin anew", zh: "重新开始" } }];
    await t.adapter.registerCommands(commands, never);
    expect(t.fake.calls("setMyCommands").map(({ params }) => params)).toEqual([
      { commands: [{ command: "new", description: "Begin anew" }] },
      { commands: [{ command: "new", description: "重新开始" }], language_code: "zh" },
    ]);
  });
});
