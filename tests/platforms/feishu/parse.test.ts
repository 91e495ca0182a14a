import { describe, expect, test } from "bun:test";
import { fromButtonValue, toButtonValue } from "../../../src/platforms/feishu/button-value.ts";
import { eventTypeOf, parseMessage, parsePress } from "../../../src/platforms/feishu/parse.ts";

const BOT = "ou_bot";
const bot = { key: "@_user_1", id: { open_id: BOT }, name: "Hermes", mentioned_type: "bot" };

type Fields = Record<string, unknown>;

/** An event as Feishu sends it. */
function event(message: Fields, sender: Fields = {}): Fields {
  return {
    schema: "2.0",
    header: { event_id: "e1", event_type: "im.message.receive_v1" },
    event: {
      sender: {
        sender_id: { open_id: "ou_1", user_id: "u", union_id: "on" },
        sender_type: "user",
        ...sender,
      },
      message: {
        message_id: "om_1",
        chat_id: "oc_1",
        chat_type: "group",
        message_type: "text",
        content: '{"text":"hello"}',
        ...message,
      },
    },
  };
}
const parsed = (message: Fields, sender?: Fields) => parseMessage(event(message, sender), BOT);
const content = (type: string, fields: unknown) => {
  const received = parsed({ message_type: type, content: JSON.stringify(fields), chat_type: "p2p" });
  return { text: received?.message.text, files: received?.message.files };
};
const said = (text: string, mentions: unknown[] = [bot]) =>
  parsed({ content: JSON.stringify({ text }), mentions })?.message;

test("a direct message is for the bot, and is named by its own id", () => {
  expect(parsed({ chat_type: "p2p" })).toEqual({
    message: {
      type: "message",
      id: "om_1",
      address: { chat: "oc_1" },
      scope: "direct",
      sender: { id: "ou_1", name: "ou_1" },
      text: "hello",
      isForBot: true,
      messageId: "om_1",
    },
    repliesTo: null,
    isForward: false,
  });
});

describe("in a group, it is for the bot", () => {
  test.each([
    ["when it mentions it", "@_user_1 hello", [bot], true, "hello"],
    ["not when it says nothing of it", "hello", [], false, "hello"],
    ["not when it mentions everybody", "@_all hello", [], false, "@all hello"],
    [
      "not when it mentions everybody, as a mention",
      "@_all hi",
      [{ key: "@_all", id: {}, name: "all" }],
      false,
      "@all hi",
    ],
    [
      "not when it mentions somebody else",
      "@_user_1 hello",
      [{ key: "@_user_1", id: { open_id: "ou_2" }, name: "Ann" }],
      false,
      "@Ann hello",
    ],
  ])("%s", (_, text, mentions, isForBot, shown) => {
    expect(said(text, mentions)).toMatchObject({ isForBot, text: shown });
  });
});

describe("the mention of the bot goes, with what set it apart:", () => {
  test.each([
    ["@_user_1 /new", "/new"],
    ["@_user_1, hello", "hello"],
    ["@_user_1：你好", "你好"],
    ["ask @_user_1 now", "ask now"],
    ["thanks @_user_1", "thanks"],
    ["@_user_1 @_user_1 hi", "hi"],
    ["@_user_1", ""],
  ])("%p", (text, shown) => {
    expect(said(text)?.text).toBe(shown);
  });

  test("and is not taken for another's, whose number only begins like it", () => {
    const other = { key: "@_user_10", id: { open_id: "ou_10" }, name: "Ten" };
    expect(said("@_user_10 and @_user_1 and @_user_11", [bot, other])?.text).toBe("@Ten and and @_user_11");
  });
});

describe("a thread", () => {
  test("is named by the message that it began with", () => {
    const reply = parsed({ thread_id: "omt_1", root_id: "om_0", parent_id: "om_0" });
    expect(reply?.message.address).toEqual({ chat: "oc_1", thread: "om_0" });
    expect(reply?.repliesTo).toBeNull();
    expect(parsed({ thread_id: "omt_1" })?.message.address).toEqual({ chat: "oc_1", thread: "om_1" });
  });

  test("knows who replies to a message within it", () => {
    expect(parsed({ thread_id: "omt_1", root_id: "om_0", parent_id: "om_5" })?.repliesTo).toBe("om_5");
  });

  test("is none for a reply outside of one", () => {
    const reply = parsed({ root_id: "om_0", parent_id: "om_0" });
    expect(reply?.message.address).toEqual({ chat: "oc_1" });
    expect(reply?.repliesTo).toBe("om_0");
  });
});

describe("nobody is heard", () => {
  test.each([
    ["who is a bot", {}, { sender_type: "app" }],
    ["who is nobody", {}, { sender_type: "anonymous" }],
    ["without an id", {}, { sender_id: {} }],
    ["with an id that is no text", {}, { sender_id: { open_id: 7 } }],
    ["without a chat", { chat_id: "" }, {}],
    ["without a message", { message_id: undefined }, {}],
  ])("%s", (_, message, sender) => {
    expect(parsed(message, sender)).toBeNull();
  });

  test.each([[null], [1], ["x"], [[]], [{}], [{ event: null }], [{ event: { message: [] } }]])(
    "in %p",
    (body) => {
      expect(parseMessage(body, BOT)).toBeNull();
      expect(eventTypeOf(body)).toBe("");
    },
  );
});

describe("a message of the type", () => {
  test("post", () => {
    const lines = [
      [
        { tag: "text", text: "see " },
        { tag: "a", text: "the [page]", href: "https://a.example" },
        { tag: "text", text: " and ", style: ["bold"] },
        { tag: "text", text: "this", style: ["bold", "italic"] },
        { tag: "at", user_id: "@_user_1", user_name: "Hermes" },
        { tag: "at", user_id: "all" },
        { tag: "emotion", emoji_type: "SMILE" },
      ],
      [{ tag: "img", image_key: "img_1" }],
      [{ tag: "media", file_key: "file_1", image_key: "img_2" }],
      [{ tag: "code_block", language: "GO", text: "x := 1\n" }],
      [{ tag: "hr" }],
      [{ tag: "md", text: "**raw**" }],
    ];
    const { text, files } = content("post", { title: "Title", content: lines });
    expect(text).toBe(
      "**Title**\nsee [the \\[page\\]](https://a.example) **and** ***this***@_user_1@all[SMILE]\n\n\n\n```go\nx := 1\n```\n\n\n---\n\n**raw**",
    );
    expect(files).toEqual([
      { kind: "image", ref: "image:om_1:img_1" },
      { kind: "video", ref: "file:om_1:file_1", mediaType: "video/mp4" },
    ]);
    expect(content("post", { zh_cn: { title: "", content: [[{ tag: "text", text: "你好" }]] } }).text).toBe(
      "你好",
    );
  });

  test.each([
    ["image", { image_key: "img_1" }, { kind: "image", ref: "image:om_1:img_1" }],
    [
      "file",
      { file_key: "file_1", file_name: "a b.pdf" },
      { kind: "document", ref: "file:om_1:file_1", name: "a b.pdf", mediaType: "application/pdf" },
    ],
    [
      "file",
      { file_key: "file_1", file_name: "song.mp3" },
      { kind: "audio", ref: "file:om_1:file_1", name: "song.mp3", mediaType: "audio/mpeg" },
    ],
    [
      "audio",
      { file_key: "file_1", duration: 1000 },
      { kind: "voice", ref: "file:om_1:file_1", mediaType: "audio/ogg" },
    ],
    [
      "media",
      { file_key: "file_1", image_key: "img_1", file_name: "a.mp4" },
      { kind: "video", ref: "file:om_1:file_1", name: "a.mp4", mediaType: "video/mp4" },
    ],
  ])("%s is a file", (type, fields, file) => {
    expect(content(type, fields)).toEqual({ text: "", files: [file] } as never);
  });

  test.each([
    ["sticker", { file_key: "file_1" }, "[sticker]"],
    ["folder", { file_key: "file_1", file_name: "papers" }, "[folder: papers]"],
    ["share_chat", { chat_id: "oc_2" }, "[card of a group: oc_2]"],
    ["share_user", { user_id: "ou_2" }, "[card of a person: ou_2]"],
    [
      "location",
      { name: "West Lake", longitude: "120.1", latitude: "30.2" },
      "[location: West Lake (30.2, 120.1)]",
    ],
    ["vote", { topic: "Lunch?", options: ["Rice", "Noodles"] }, "[vote: Lunch? - Rice - Noodles]"],
    ["video_chat", { topic: "Standup" }, "[meeting: Standup]"],
    ["hongbao", { text: "x" }, "[red packet]"],
    ["todo", { summary: { title: "", content: [[{ tag: "text", text: "Buy milk" }]] } }, "[task: Buy milk]"],
    ["merge_forward", { content: "Merged and Forwarded Message" }, "[forwarded messages]"],
    [
      "interactive",
      {
        title: "Alert",
        elements: [
          [
            { tag: "text", text: "disk " },
            { tag: "text", text: "full" },
          ],
        ],
      },
      "Alert\ndisk full",
    ],
    [
      "interactive",
      { title: null, elements: [[{ tag: "text", text: "请升级至最新版本客户端，以查看内容" }]] },
      "[card]",
    ],
    ["constructor", {}, "[constructor]"],
    ["something_new", { a: 1 }, "[something_new]"],
  ])("%s is told in words", (type, fields, text) => {
    expect(content(type, fields)).toEqual({ text, files: undefined });
  });

  test("text, though its content is no JSON, says nothing", () => {
    expect(parsed({ content: "{" })?.message.text).toBe("");
  });
});

describe("a press of a button", () => {
  const press = (value: unknown, more: Fields = {}) => ({
    header: { event_id: "e2", event_type: "card.action.trigger" },
    event: {
      operator: { open_id: "ou_1" },
      action: { value, tag: "button" },
      context: { open_message_id: "om_9", open_chat_id: "oc_1" },
      ...more,
    },
  });

  test("tells its value, and where the card said that it stands", () => {
    const value = toButtonValue({ value: "y:apr_1", thread: "om_0", scope: "direct" });
    expect(parsePress(press(value))).toEqual({
      type: "message",
      id: "e2",
      address: { chat: "oc_1", thread: "om_0" },
      scope: "direct",
      sender: { id: "ou_1", name: "ou_1" },
      text: "",
      isForBot: true,
      button: "y:apr_1",
    });
  });

  test("of a card that does not tell counts as one in a group", () => {
    const message = parsePress(press(toButtonValue({ value: "y:apr_1" })));
    expect(message).toMatchObject({ address: { chat: "oc_1" }, scope: "group" });
  });

  test.each([
    [press({ other: "x" })],
    [press("text")],
    [press({ hermes: 7 })],
    [press({ hermes: "x" }, { operator: {} })],
    [press({ hermes: "x" }, { context: {} })],
    [{ event: press({ hermes: "x" }).event }],
  ])("of somebody else's card, or nobody's, is none: %j", (body) => {
    expect(parsePress(body)).toBeNull();
  });

  test("a scope that is none is not believed", () => {
    expect(fromButtonValue({ hermes: "x", scope: "everybody", thread: 7 })).toEqual({ value: "x" });
  });
});
