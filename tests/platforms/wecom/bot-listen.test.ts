import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { startFakeWecomBot } from "../../fakes/wecom/bot.ts";
import { createHeard, never } from "../heard.ts";
import { botOf, startBot } from "./setup.ts";

setDefaultTimeout(30_000);

const CONNECTED = "connected as aib-0123456789 (aib-0123456789)";

describe("the connection of a bot", () => {
  test("subscribes, brings messages, and ends when it is told to", async () => {
    await using bot = await startBot();
    expect(bot.heard.states).toEqual([CONNECTED]);
    const id = bot.wecom.write("hello");
    await bot.wecom.until(() => bot.heard.messages.length === 1, "it is taken");
    expect(bot.heard.messages).toEqual([
      {
        type: "message",
        id,
        address: { chat: "ZhangSan" },
        scope: "direct",
        sender: { id: "ZhangSan", name: "ZhangSan" },
        text: "hello",
        isForBot: true,
        messageId: id,
      },
    ]);
    bot.stop();
    expect(await bot.ended).toBe("stopped");
    await bot.adapter.close?.();
    await bot.wecom.until(() => bot.wecom.connections === 0, "it is gone");
  });

  test("takes nothing more when it is told to end, and still carries the answer to what it took", async () => {
    await using bot = await startBot();
    bot.wecom.write("hello");
    await bot.wecom.until(() => bot.heard.messages.length === 1, "it is taken");
    await bot.adapter.typing?.({ chat: "ZhangSan" }, never);
    bot.stop();
    expect(await bot.ended).toBe("stopped");
    bot.wecom.write("too late");
    const answer = { address: { chat: "ZhangSan" }, markdown: "the answer", recipient: { user: "ZhangSan" } };
    await bot.adapter.send({ ...answer, idempotencyId: "d:0" }, never);
    expect(bot.wecom.messages("ZhangSan")).toMatchObject([
      { type: "stream", text: "the answer", isFinished: true },
    ]);
    expect([bot.heard.messages.length, bot.wecom.opened, bot.wecom.connections]).toEqual([1, 1, 1]);
    await bot.adapter.close?.();
    await bot.wecom.until(() => bot.wecom.connections === 0, "it is gone");
    await expect(bot.adapter.send({ ...answer, idempotencyId: "d:1" }, never)).rejects.toMatchObject({
      kind: "unavailable",
    });
  });

  test("brings a message again with the same id until it is answered", async () => {
    await using bot = await startBot({}, {}, startFakeWecomBot({ clock: 100 }));
    const id = bot.wecom.write("hello");
    await bot.wecom.until(() => bot.heard.offered.length === 3, "it was brought three times");
    expect(new Set(bot.heard.offered.map((event) => event.id))).toEqual(new Set([id]));
  });

  test("is made anew after a cut, and pings keep it alive", async () => {
    await using bot = await startBot({ pingMs: 20 });
    await bot.wecom.until(() => bot.wecom.frames("ping").length >= 3, "it pings");
    const signs = bot.heard.signs;
    bot.wecom.drop();
    await bot.wecom.until(() => bot.heard.states.length === 3, "it is back");
    expect(bot.heard.states).toEqual([CONNECTED, "WeCom ended the connection.", CONNECTED]);
    await bot.wecom.until(() => bot.heard.signs > signs, "it is alive");
    expect([bot.wecom.connections, bot.wecom.opened]).toEqual([1, 2]);
  });

  test("is made anew when two pings stay without an answer", async () => {
    await using bot = await startBot({ pingMs: 30 });
    bot.wecom.fallSilent();
    await bot.wecom.until(() => bot.heard.states.length >= 3, "it is back");
    expect(bot.heard.states[1]).toBe("WeCom's connection fell silent.");
  });

  test("is one, after every try was refused for a while", async () => {
    await using bot = await startBot();
    bot.wecom.refuseUpgradesFor(600);
    bot.wecom.drop();
    await bot.wecom.until(
      () => bot.heard.states.filter((state) => state === CONNECTED).length === 2,
      "it is back",
    );
    const before = bot.heard.states.length;
    bot.wecom.write("hello");
    await bot.wecom.until(() => bot.heard.messages.length === 1, "it receives");
    expect([bot.wecom.connections, bot.wecom.opened]).toEqual([1, 2]);
    expect(before).toBeGreaterThan(4); // it was refused more than once
    expect(bot.heard.states).toHaveLength(before);
  });

  test("is given up when another program takes over, and says so: two would throw each other out for ever", async () => {
    await using bot = await startBot();
    const other = new AbortController();
    const listening = botOf(bot.wecom).listen?.(
      { ...bot.heard.hooks, connected: () => undefined },
      other.signal,
    );
    const error = await bot.ended;
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toMatchObject({
      kind: "conflict",
      message: expect.stringContaining("Another program"),
      hint: expect.stringContaining("Stop the other program"),
    });
    expect((error as PlatformError).retryAfterMs).toBeGreaterThan(24 * 3_600_000);
    expect([bot.wecom.connections, bot.wecom.opened]).toEqual([1, 2]);
    other.abort();
    await listening;
  });

  test("is given up for credentials that WeCom does not know, with a word on where they are", async () => {
    await using wecom = startFakeWecomBot();
    const { heard } = await startBot({}, {}, wecom);
    const listening = botOf(wecom, { bot_secret: "wrong" }).listen?.(
      heard.hooks,
      new AbortController().signal,
    );
    const error = await Promise.resolve(listening).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "unauthorized", hint: expect.stringContaining("bot_secret") });
    expect(JSON.stringify(error)).not.toContain("wrong");
  });

  test("waits as long as WeCom says when it subscribes too often", async () => {
    await using bot = await startBot();
    bot.wecom.fail("aibot_subscribe", { errcode: 45009 });
    bot.wecom.drop();
    await bot.wecom.until(() => bot.heard.states.length === 3, "it waits");
    expect(bot.heard.states[2]).toBe("WeCom limits the rate of calls.");
    const tries = bot.wecom.opened;
    await Bun.sleep(200); // four times the longest of its own pauses
    expect(bot.wecom.opened).toBe(tries);
  });

  test("is made anew when WeCom says that nobody is subscribed", async () => {
    await using bot = await startBot();
    bot.wecom.fail("aibot_send_msg", { errcode: 846609 });
    const message = { address: { chat: "g" }, markdown: "hi", idempotencyId: "d:0" };
    await expect(bot.adapter.send(message, never)).rejects.toMatchObject({ kind: "unavailable" });
    await bot.wecom.until(() => bot.heard.states.length === 3, "it is back");
    await bot.adapter.send(message, never);
    expect(bot.wecom.messages("g").map(({ text }) => text)).toEqual(["hi"]);
  });

  test("leaves none behind when it is stopped while it opens", async () => {
    await using wecom = startFakeWecomBot();
    wecom.fail("aibot_subscribe", { dropAck: true, times: 100 });
    const controller = new AbortController();
    const { hooks } = createHeard();
    const listening = botOf(wecom).listen?.(hooks, controller.signal);
    await wecom.until(() => wecom.opened === 1, "it opens");
    controller.abort();
    await listening;
    await wecom.until(() => wecom.connections === 0, "it is gone");
  });
});

describe("a message that cannot be kept", () => {
  test("is handed on until it is", async () => {
    await using bot = await startBot();
    let tries = 0;
    bot.heard.before = () => {
      tries += 1;
      if (tries < 4) throw new Error("the disk is full");
    };
    bot.wecom.write("hello");
    await bot.wecom.until(() => bot.heard.messages.length === 1, "it is kept");
    expect(tries).toBe(4);
  });

  test("is waited for when the connection is given up, for a while", async () => {
    await using bot = await startBot();
    const kept = Promise.withResolvers<void>();
    bot.heard.before = () => kept.promise;
    bot.wecom.write("hello");
    await bot.wecom.until(() => bot.heard.offered.length === 1, "it is emitted");
    bot.stop();
    kept.resolve();
    expect(await bot.ended).toBe("stopped");
    expect(bot.heard.messages).toHaveLength(1);
  });
});

test("the press of a button is handed on until it is on disk, and is no greeting", async () => {
  await using bot = await startBot();
  let failures = 2;
  bot.heard.before = () => {
    failures -= 1;
    if (failures >= 0) throw new Error("the disk is full");
  };
  bot.wecom.press("y:apr_1", { group: "g1" });
  await bot.wecom.until(() => bot.heard.messages.length === 1, "it is kept");
  expect(bot.heard.messages).toMatchObject([{ button: "y:apr_1", address: { chat: "g1" }, text: "" }]);
  expect(bot.heard.offered).toHaveLength(3);
  expect(bot.wecom.frames("aibot_respond_welcome_msg")).toEqual([]);
});

describe("whoever opens the chat", () => {
  test("is greeted, in the language of the account", async () => {
    for (const [language, word] of [
      ["auto", "你好"],
      ["en", "Hello"],
    ] as const) {
      await using bot = await startBot({}, { language });
      bot.wecom.event("enter_chat", "LiSi");
      await bot.wecom.until(() => bot.wecom.messages("LiSi").length === 1, "they are greeted");
      expect(bot.wecom.messages("LiSi")[0]?.text).toContain(word);
      expect(bot.heard.offered).toEqual([]);
    }
  });

  test("is greeted or not: a failure hurts nobody, and other events are nothing to be answered", async () => {
    await using bot = await startBot();
    bot.wecom.fail("aibot_respond_welcome_msg", { errcode: 846605 });
    bot.wecom.event("enter_chat");
    bot.wecom.event("feedback_event");
    bot.wecom.event("template_card_event");
    bot.wecom.write("hello");
    await bot.wecom.until(() => bot.heard.messages.length === 1, "it goes on");
    const greetings = () => bot.wecom.frames("aibot_respond_welcome_msg").length;
    await bot.wecom.until(() => greetings() > 0, "it has tried");
    expect([greetings(), bot.wecom.messages().length]).toEqual([1, 0]);
  });
});

test.each(["bot_id", "bot_secret"])("without %s it is not connected", (key) => {
  const wecom = startFakeWecomBot();
  expect(() => botOf(wecom, { [key]: "" })).toThrow(`platforms.wecom.${key} is missing.`);
  void wecom[Symbol.asyncDispose]();
});
