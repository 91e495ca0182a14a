import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { OutboundMessage } from "../../../src/platforms/contract.ts";
import { splitMarkdown } from "../../../src/platforms/split.ts";
import { WECOM } from "../../../src/platforms/wecom/index.ts";
import { fits } from "../../../src/platforms/wecom/render.ts";
import { startFakeWecomBot } from "../../fakes/wecom/bot.ts";
import { failureOf, never } from "../heard.ts";
import { account, type BotRig, botOf, startBot } from "./setup.ts";

setDefaultTimeout(30_000);

const USER = "ZhangSan";

/** An answer to a person. */
function answer(markdown: string, changes: Partial<OutboundMessage> = {}): OutboundMessage {
  return {
    address: { chat: USER },
    markdown,
    idempotencyId: "dlv_1:0",
    recipient: { user: USER },
    ...changes,
  };
}

const BUTTONS = [
  { label: "批准", value: "y:apr_1", style: "good" },
  { label: "拒绝", value: "n:apr_1", style: "bad" },
] as const;

/** Somebody has asked. */
async function asked(bot: BotRig, text = "question", writing = {}): Promise<string> {
  const before = bot.heard.messages.length;
  const id = bot.wecom.write(text, writing);
  await bot.wecom.until(() => bot.heard.messages.length === before + 1, "it is taken");
  return id;
}

const shown = ({ wecom }: BotRig, chat = USER) =>
  wecom.messages(chat).map(({ type, text }) => `${type}: ${text}`);

describe("an answer", () => {
  test("takes the place of the sign that the bot is at work, grows, and ends", async () => {
    await using bot = await startBot();
    const id = await asked(bot);
    await bot.adapter.typing?.({ chat: USER }, never);
    await bot.adapter.typing?.({ chat: USER }, never);
    const sent = await bot.adapter.send(answer("Hel", { isPartial: true }), never);
    await bot.adapter.edit?.(sent, answer("Hello", { isPartial: true }), never);
    await bot.adapter.edit?.(sent, answer("Hello!"), never);
    await bot.adapter.edit?.(sent, answer("Hello!"), never);
    expect(bot.wecom.messages(USER)).toEqual([
      {
        chat: USER,
        type: "stream",
        text: "Hello!",
        isFinished: true,
        history: ["<think></think>", "Hel", "Hello", "Hello!"],
        answers: id,
      },
    ]);
  });

  test("that is ready at once is one frame", async () => {
    await using bot = await startBot();
    await asked(bot);
    await bot.adapter.send(answer("done"), never);
    expect(bot.wecom.messages(USER)).toMatchObject([{ history: ["done"], isFinished: true }]);
  });

  test("in parts: the first in place, the others as messages of their own", async () => {
    await using bot = await startBot();
    await asked(bot, "first");
    await asked(bot, "second");
    for (const part of [0, 1, 2])
      await bot.adapter.send(answer(`part ${part}`, { idempotencyId: `a:${part}` }), never);
    await bot.adapter.send(answer("other", { idempotencyId: "b:0" }), never);
    expect(shown(bot)).toEqual(["stream: part 0", "markdown: part 1", "markdown: part 2", "stream: other"]);
  });

  test("in a group answers whom it is for", async () => {
    await using bot = await startBot();
    const ask = (user: string) => asked(bot, "@小助手 question", { group: "g1", user });
    const [first, second] = [await ask("LiSi"), await ask("WangWu")];
    const group = { address: { chat: "g1" } };
    const to = (user: string, replyTo: string) => ({
      ...group,
      recipient: { user },
      replyTo,
      idempotencyId: `${user}:0`,
    });
    await bot.adapter.send(answer("for WangWu", to("WangWu", second)), never);
    await bot.adapter.send(answer("for LiSi", to("LiSi", first)), never);
    expect(bot.wecom.messages("g1").map(({ text, answers }) => [text, answers])).toEqual([
      ["for WangWu", second],
      ["for LiSi", first],
    ]);
  });

  test("that is tried again after a lost acknowledgement is shown once", async () => {
    await using bot = await startBot({ ackMs: 400 });
    await asked(bot);
    bot.wecom.fail("aibot_respond_msg", { dropAck: true });
    expect((await failureOf(bot.adapter.send(answer("once"), never))).kind).toBe("unavailable");
    bot.wecom.fail("aibot_respond_msg", { errcode: 846608 });
    await bot.adapter.send(answer("once"), never);
    expect(shown(bot)).toEqual(["stream: once", "markdown: once"]); // WeCom says that it is too late: nobody can know
    await asked(bot);
    bot.wecom.fail("aibot_respond_msg", { dropAck: true });
    const more = answer("twice", { idempotencyId: "dlv_2:0", isPartial: true });
    expect((await failureOf(bot.adapter.send(more, never))).kind).toBe("unavailable");
    await bot.adapter.send({ ...more, isPartial: false }, never);
    expect(shown(bot).slice(2)).toEqual(["stream: twice"]);
  });

  test("to nobody in particular is a message of its own, and takes nobody's place", async () => {
    await using bot = await startBot();
    await asked(bot);
    await bot.adapter.send({ address: { chat: USER }, markdown: "news", idempotencyId: "n:0" }, never);
    await bot.adapter.send(answer("answer"), never);
    expect(shown(bot)).toEqual(["markdown: news", "stream: answer"]);
  });

  test("of a process that has no memory of the question is a message of its own, once", async () => {
    await using bot = await startBot();
    await asked(bot);
    const sent = await bot.adapter.send(answer("half", { isPartial: true }), never);
    bot.stop();
    await bot.ended;
    await using later = await startBot({}, {}, bot.wecom);
    const again = later.adapter;
    expect(await failureOf(Promise.resolve(again.edit?.(sent, answer("whole"), never)))).toMatchObject({
      kind: "refused",
    });
    const whole = await again.send(answer("whole", { idempotencyId: "dlv_1:0:again" }), never);
    await again.edit?.(whole, answer("whole"), never); // it shows that already
    expect((await failureOf(Promise.resolve(again.edit?.(whole, answer("other"), never)))).kind).toBe(
      "refused",
    );
    expect(shown(bot)).toEqual(["stream: half", "markdown: whole"]);
  });
});

describe("a stream that is too old", () => {
  test("is followed by a message of its own", async () => {
    await using bot = await startBot();
    await asked(bot);
    const sent = await bot.adapter.send(answer("half", { isPartial: true }), never);
    bot.wecom.expireStreams();
    expect((await failureOf(Promise.resolve(bot.adapter.edit?.(sent, answer("whole"), never)))).kind).toBe(
      "refused",
    );
    await bot.adapter.send(answer("whole", { idempotencyId: "dlv_1:0:again" }), never);
    expect(shown(bot)).toEqual(["stream: half", "markdown: whole"]);
  });

  test("before it has begun makes the answer a message of its own; it cannot grow then", async () => {
    await using bot = await startBot();
    await asked(bot);
    bot.wecom.expireStreams();
    expect((await failureOf(bot.adapter.send(answer("half", { isPartial: true }), never))).kind).toBe(
      "refused",
    );
    await bot.adapter.send(answer("whole"), never);
    expect(shown(bot)).toEqual(["markdown: whole"]);
  });

  test("is ended before WeCom does it, with a sign that it goes on", async () => {
    await using bot = await startBot({ answerableMs: 300 });
    await asked(bot);
    const sent = await bot.adapter.send(answer("half", { isPartial: true }), never);
    await bot.wecom.until(() => bot.wecom.messages(USER)[0]?.isFinished ?? false, "it is ended");
    expect(shown(bot)).toEqual(["stream: half\n\n…"]);
    expect((await failureOf(Promise.resolve(bot.adapter.edit?.(sent, answer("whole"), never)))).kind).toBe(
      "refused",
    );
  });

  test("of which nothing was said is taken away when nobody renews it", async () => {
    await using bot = await startBot({ silentMs: 50 });
    await asked(bot);
    await bot.adapter.typing?.({ chat: USER }, never);
    await bot.wecom.until(() => bot.wecom.messages(USER)[0]?.isFinished ?? false, "it is ended");
    expect(shown(bot)).toEqual(["stream: —"]);
  });
});

describe("a message", () => {
  test("mentions nobody", async () => {
    await using bot = await startBot();
    await asked(bot);
    await bot.adapter.send(answer("<@all> <@ZhangSan> `<@all>` @all"), never);
    await bot.adapter.send(answer("<@all>", { idempotencyId: "n:1" }), never);
    for (const { text } of bot.wecom.messages()) expect(text).not.toContain("<@");
  });

  test("of 10 KB is one message; of 50 KB it is in parts that fit, with no broken character, and whole", async () => {
    await using bot = await startBot();
    const settings = account({ bot_id: "b" });
    const paragraph = (i: number) => `第${i}段：${"汉字😀👨‍👩‍👧‍👦é".repeat(12)}。`;
    const textOf = (paragraphs: number) =>
      Array.from({ length: paragraphs }, (_, i) => paragraph(i)).join("\n\n");
    expect(splitMarkdown(textOf(20), (part) => fits(part, settings))).toHaveLength(1);
    const whole = textOf(120);
    const parts = splitMarkdown(whole, (part) => fits(part, settings));
    expect(parts.length).toBeGreaterThan(2);
    await asked(bot);
    for (const [index, part] of parts.entries())
      await bot.adapter.send(answer(part.text, { idempotencyId: `a:${index}` }), never);
    const joined = bot.wecom.messages(USER).map(({ text }) => text);
    for (const text of joined) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(20_480);
    expect(joined.join("").replace(/\s/g, "")).toBe(whole.replace(/\s/g, ""));
  });

  test("brings files, piece by piece, each once", async () => {
    await using bot = await startBot();
    const bytes = new Uint8Array(600 * 1024).fill(7);
    const files = [
      { name: "图.png", mediaType: "image/png", bytes: new Uint8Array([1, 2, 3, 4, 5]) },
      { name: "a.bin", mediaType: "application/octet-stream", bytes },
    ];
    const message = answer("look", { files });
    bot.wecom.fail("aibot_upload_media_finish", { times: 1 });
    bot.wecom.fail("aibot_upload_media_finish", { errcode: -1 });
    expect((await failureOf(bot.adapter.send(message, never))).kind).toBe("unavailable");
    await bot.adapter.send(message, never);
    const [text, image, file] = bot.wecom.messages(USER);
    expect([text?.text, image?.type, file?.type]).toEqual(["look", "image", "file"]);
    expect(bot.wecom.messages(USER)).toHaveLength(3);
    expect(bot.wecom.uploaded(file?.text ?? "")).toMatchObject({ name: "a.bin", type: "file" });
    expect(bot.wecom.uploaded(file?.text ?? "")?.bytes.equals(bytes)).toBe(true);
  });

  test("has its buttons in a card below it, once, however often it is tried", async () => {
    await using bot = await startBot();
    const message = answer("**运行命令？**\n\n`rm -rf /`", { buttons: BUTTONS, idempotencyId: "apq_1:0" });
    bot.wecom.fail("aibot_send_msg", { errcode: 0 }); // the text is taken
    bot.wecom.fail("aibot_send_msg", { errcode: -1 });
    expect((await failureOf(bot.adapter.send(message, never))).kind).toBe("unavailable");
    await bot.adapter.send(message, never);
    expect(shown(bot)).toEqual(["template_card: 运行命令？ [批准] [拒绝]"]);
    expect(bot.wecom.frames("aibot_send_msg").at(-1)?.body).toMatchObject({
      msgtype: "template_card",
      template_card: {
        button_list: [
          { text: "批准", key: "y:apr_1", style: 1 },
          { text: "拒绝", key: "n:apr_1", style: 2 },
        ],
        task_id: "hermes_apq_1_0",
      },
    });
  });

  test("goes without its buttons where they are refused: its words name the commands", async () => {
    await using bot = await startBot();
    const message = answer(`${"长".repeat(40)}?`, { buttons: BUTTONS });
    await bot.adapter.send(message, never);
    await bot.adapter.send(message, never); // of another process: the card is there already
    expect(shown(bot)).toEqual([
      `markdown: ${message.markdown}`,
      `template_card: ${"长".repeat(25)}… [批准] [拒绝]`,
      `markdown: ${message.markdown}`,
    ]);
  });

  test("fails in the gateway's words", async () => {
    await using bot = await startBot();
    for (const [errcode, kind] of [
      [-1, "unavailable"],
      [45009, "rate_limited"],
      [99999, "refused"],
    ] as const) {
      bot.wecom.fail("aibot_send_msg", { errcode });
      const error = await failureOf(bot.adapter.send(answer("hi", { idempotencyId: "a:1" }), never));
      expect(error.kind).toBe(kind);
      expect(error.message).not.toContain("hint: [");
    }
    expect((await failureOf(bot.adapter.send(answer(" "), never))).kind).toBe("refused");
  });

  test("that is too much for WeCom waits, whatever number that has", async () => {
    await using bot = await startBot();
    const errmsg = "aibot send msg frequency limit exceeded, hint: [1234], from ip: 127.0.0.1";
    bot.wecom.fail("aibot_send_msg", { errcode: 846699, errmsg });
    const error = await failureOf(bot.adapter.send(answer("hi", { idempotencyId: "a:1" }), never));
    expect(error.kind).toBe("rate_limited");
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(error.message).not.toContain("hint: [");
  });

  test("while the connection is cut is to be tried again", async () => {
    await using bot = await startBot({ retry: { baseMs: 200, maxMs: 200 } });
    bot.wecom.drop();
    await bot.wecom.until(() => bot.heard.states.length === 2, "it is cut");
    expect((await failureOf(bot.adapter.send(answer("hi"), never))).kind).toBe("unavailable");
  });

  test("of a process that does not receive opens no connection, which would throw another out", async () => {
    await using wecom = startFakeWecomBot();
    const error = await failureOf(botOf(wecom).send(answer("hi"), never));
    expect([error.kind, wecom.opened]).toEqual(["unavailable", 0]);
    const accounts = [{ bot_id: "b" }, { mode: "websocket" }, { bot_id: "b", mode: "webhook" }, {}] as const;
    expect(accounts.map((one) => WECOM.hasOneConnection?.(account(one)))).toEqual([true, true, false, false]);
  });
});
