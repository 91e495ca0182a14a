import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { parseMessage, parsePress } from "../../../src/platforms/wecom/bot/parse.ts";
import { failureOf, never } from "../heard.ts";
import { type BotRig, startBot } from "./setup.ts";

setDefaultTimeout(30_000);

const base = { msgid: "1", aibotid: "b", chattype: "single", from: { userid: "ZhangSan" } };
const parse = (more: Record<string, unknown>, botName = "") => parseMessage({ ...base, ...more }, botName);
const text = (content: string) => ({ msgtype: "text", text: { content } });

describe("a message to a bot", () => {
  test("in a group comes without the mention that it begins with", () => {
    const group = { chattype: "group", chatid: "g1" };
    const inGroup = (content: string) => parse({ ...group, ...text(content) })?.message;
    expect(inGroup("@小助手 你好")).toMatchObject({
      text: "你好",
      scope: "group",
      address: { chat: "g1" },
      isForBot: true,
    });
    expect(inGroup("@RobotName hello @RobotName")?.text).toBe("hello @RobotName");
    expect(inGroup("@My Robot\u2005/stop")?.text).toBe("/stop");
    expect(inGroup("no mention")?.text).toBe("no mention");
    expect(inGroup("@RobotName")).toBeUndefined();
    expect(parse(text("@RobotName hello"))?.message.text).toBe("@RobotName hello");
  });

  test("in a group mentions a bot whose name has spaces, where the configuration tells it", () => {
    const named = (content: string) =>
      parse({ chattype: "group", chatid: "g1", ...text(content) }, "Claude Code")?.message.text;
    expect(named("@Claude Code /list")).toBe("/list");
    expect(named("@Claude Code\u2005/list")).toBe("/list");
    expect(named("@Claude Code")).toBeUndefined();
    // It was renamed, or is called so in this group alone.
    expect(named("@Claude Codes /list")).toBe("Codes /list");
    expect(named("@小助手 /list")).toBe("/list");
  });

  test("that was spoken is its text", () => {
    expect(parse({ msgtype: "voice", voice: { content: "你好。" } })?.message.text).toBe("你好。");
  });

  test("with files brings them, and keeps their secrets to itself", () => {
    for (const [type, kind] of [
      ["image", "image"],
      ["file", "document"],
      ["video", "video"],
    ] as const) {
      const said = parse({ msgtype: type, [type]: { url: "https://a.b/c", aeskey: "k" } });
      expect(said?.files).toEqual([{ kind, url: "https://a.b/c", aesKey: "k" }]);
      expect(said?.message.text).toBe("");
    }
  });

  test("of text and pictures has both, in order", () => {
    const items = [
      text("look:"),
      { msgtype: "image", image: { url: "https://a.b", aeskey: "k" } },
      text("nice?"),
    ];
    const said = parse({ msgtype: "mixed", mixed: { msg_item: items } });
    expect([said?.message.text, said?.files.length]).toEqual(["look:\nnice?", 1]);
  });

  test("that quotes another one tells what it says, and brings its files", () => {
    expect(parse({ ...text("why?"), quote: text("because") })?.message.quoted).toEqual({
      text: "because",
      isFromBot: false,
    });
    const image = { msgtype: "image", image: { url: "https://a.b", aeskey: "k" } };
    expect(parse({ ...text("what is it?"), quote: image })?.files).toHaveLength(1);
    expect(parse({ ...text("hi"), quote: {} })?.message).not.toHaveProperty("quoted");
    const mention = { ...text("@小助手"), chattype: "group", chatid: "g1", quote: text("几点开会？") };
    expect(parse(mention)?.message).toMatchObject({ text: "", quoted: { text: "几点开会？" } });
  });

  const nothing: Record<string, unknown>[] = [
    {},
    { msgtype: "text" },
    text(" "),
    { msgtype: "image", image: {} },
    { msgtype: "mixed", mixed: { msg_item: "none" } },
    { ...text("hi"), from: {} },
    { ...text("hi"), msgid: "" },
    { ...text("hi"), chattype: "group" },
    { msgtype: "toString" },
  ];
  test.each(nothing)("that says nothing is none: %j", (more) => {
    expect(parse(more)).toBeNull();
  });
});

describe("a press of a button", () => {
  const event = {
    eventtype: "template_card_event",
    template_card_event: { event_key: "y:apr_1", task_id: "t" },
  };
  const pressed = (more: Record<string, unknown>) =>
    parsePress({ ...base, msgtype: "event", event, ...more });

  test("tells which one, and by whom, wherever WeCom writes it", () => {
    const press = {
      type: "message",
      id: "1",
      address: { chat: "ZhangSan" },
      scope: "direct",
      sender: { id: "ZhangSan", name: "ZhangSan" },
      text: "",
      isForBot: true,
      button: "y:apr_1",
      buttonStays: true,
    };
    expect(pressed({})).toEqual(press as never);
    expect(pressed({ event: { eventtype: "template_card_event", event_key: "y:apr_1" } })).toEqual(
      press as never,
    );
    expect(pressed({ chattype: "group", chatid: "g1" })).toMatchObject({
      scope: "group",
      address: { chat: "g1" },
    });
  });

  test.each([
    { event: { eventtype: "enter_chat" } },
    { event: { eventtype: "template_card_event" } },
    { event: { ...event, eventtype: "feedback_event" } },
    { event: "none" },
    { from: {} },
    { msgid: "" },
    { chattype: "group" },
  ])("is none: %j", (more) => {
    expect(pressed(more)).toBeNull();
  });
});

describe("a file that came with a message", () => {
  const received = async (bot: BotRig, more: Record<string, unknown>) => {
    bot.wecom.write("", { more });
    await bot.wecom.until(() => bot.heard.messages.length === 1, "it is taken");
    const [file] = bot.heard.messages[0]?.files ?? [];
    return file ?? { kind: "image" as const, ref: "none" };
  };
  const fetchFile = (bot: BotRig, file: { kind: "image"; ref: string }, maxBytes = 1000) =>
    Promise.resolve(bot.adapter.fetchFile?.(file, maxBytes, never));

  test.each([1, 31, 32, 33, 64, 1000])("of %d bytes is fetched and decrypted", async (length) => {
    await using bot = await startBot();
    const bytes = new Uint8Array(length).fill(7);
    const stored = bot.wecom.addFile(bytes, "报告 1.pdf");
    const file = await received(bot, { msgtype: "file", file: stored });
    expect(JSON.stringify(file)).not.toMatch(/secret|http/);
    expect(JSON.stringify(file)).not.toContain(stored.aeskey);
    const fetched = await bot.adapter.fetchFile?.(file, length, never);
    expect(fetched).toEqual({ bytes: Buffer.from(bytes), mediaType: "application/pdf", name: "报告 1.pdf" });
  });

  test("is refused when it is too large, broken, elsewhere or not known any more", async () => {
    await using bot = await startBot();
    const items = [
      bot.wecom.addFile(new Uint8Array(101)),
      bot.wecom.addFile(new Uint8Array(10), "a", true),
      { ...bot.wecom.addFile(new Uint8Array(10)), aeskey: "AAAA" },
      { url: "http://localhost:1/a", aeskey: "" },
      { url: "file:///etc/passwd", aeskey: "" },
      { url: `${bot.wecom.url}/files/none`, aeskey: "" },
    ];
    const mixed = { msg_item: items.map((image) => ({ msgtype: "image", image })) };
    await received(bot, { msgtype: "mixed", mixed });
    const files = bot.heard.messages[0]?.files ?? [];
    expect(files).toHaveLength(items.length);
    for (const { ref } of [...files, { ref: "none" }, { ref: "" }])
      expect([ref, (await failureOf(fetchFile(bot, { kind: "image", ref }, 100))).kind]).toEqual([
        ref,
        "refused",
      ]);
  });
});
