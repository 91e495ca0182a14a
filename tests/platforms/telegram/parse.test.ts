import { describe, expect, test } from "bun:test";
import type { Message, Update } from "grammy/types";
import type { InboundMessage } from "../../../src/platforms/contract.ts";
import { parseUpdate } from "../../../src/platforms/telegram/parse.ts";

const ME = { id: 42, username: "Hermes_Bot" };
const ADA = {
  id: 501,
  is_bot: false,
  first_name: "Ada",
  last_name: "Lovelace",
  username: "ada",
  language_code: "zh-hans",
};
const BOT = { id: 42, is_bot: true, first_name: "Hermes" };
const PRIVATE = { id: 501, type: "private", first_name: "Ada" };
const GROUP = { id: -1001, type: "supergroup", title: "Team" };

/** A message as Telegram sends it, whatever its parts. */
const event = (message: object, update: object = {}) =>
  parseUpdate(
    {
      update_id: 9,
      message: { message_id: 7, date: 1, from: ADA, chat: PRIVATE, ...message },
      ...update,
    } as Update,
    ME,
  );
const parse = (message: object) => event(message) as InboundMessage | null;
const inGroup = (text: string, entities: object[] = [], more: object = {}) =>
  parse({ chat: GROUP, text, entities, ...more });
const mention = (offset: number, length = 11) => ({ type: "mention", offset, length });
const command = (length: number, offset = 0) => ({ type: "bot_command", offset, length });

describe("who and where", () => {
  test("a private message", () => {
    expect(parse({ text: "hi" })).toEqual({
      type: "message",
      id: "9",
      address: { chat: "501" },
      scope: "direct",
      sender: { id: "501", name: "Ada Lovelace", language: "zh-hans" },
      text: "hi",
      isForBot: true,
      messageId: "7",
    });
  });

  test("a name of one part, and no language", () => {
    expect(parse({ text: "hi", from: { id: 3, is_bot: false, first_name: "Bo" } })?.sender).toEqual({
      id: "3",
      name: "Bo",
    });
  });

  test("a topic is a thread; a chain of replies is none", () => {
    const topic = { chat: GROUP, text: "hi", message_thread_id: 77 };
    expect(parse({ ...topic, is_topic_message: true })?.address).toEqual({ chat: "-1001", thread: "77" });
    expect(parse(topic)?.address).toEqual({ chat: "-1001" });
  });

  test("a group of either kind is a group", () => {
    expect(parse({ chat: GROUP, text: "hi" })).toMatchObject({ scope: "group", isForBot: false });
    expect(parse({ chat: { id: -5, type: "group", title: "T" }, text: "hi" })).toMatchObject({
      scope: "group",
    });
  });

  test("nobody in particular is not listened to", () => {
    expect(parse({ text: "hi", from: undefined })).toBeNull();
    expect(parse({ text: "hi", from: { id: 5, is_bot: true, first_name: "Other" } })).toBeNull();
    // An anonymous administrator, and a person who speaks as a channel.
    expect(
      inGroup("hi", [], { from: { id: 1087968824, is_bot: true, first_name: "Group" }, sender_chat: GROUP }),
    ).toBeNull();
    expect(
      inGroup("hi", [], { from: { id: 777000, is_bot: false, first_name: "Telegram" }, sender_chat: GROUP }),
    ).toBeNull();
    expect(parse({ chat: { id: -1002, type: "channel", title: "News" }, text: "hi" })).toBeNull();
    expect(event({}, { message: undefined, channel_post: { text: "hi" } })).toBeNull();
    expect(event({}, { message: undefined, edited_message: { text: "hi" } })).toBeNull();
  });

  test("a notice of the chat is no message", () => {
    expect(inGroup("", [], { text: undefined, new_chat_members: [ADA] })).toBeNull();
    expect(inGroup("", [], { text: undefined, pinned_message: { message_id: 3 } })).toBeNull();
  });
});

describe("whom it is for", () => {
  test.each([
    ["@Hermes_Bot what is it?", 0, "what is it?"],
    ["@hermes_bot, what is it?", 0, "what is it?"],
    ["@hermes_bot：你好", 0, "你好"],
    ["what is it, @hermes_bot?", 12, "what is it?"],
    ["ask @hermes_bot, now", 4, "ask, now"],
    ["问@hermes_bot吧", 1, "问吧"],
    ["ask @hermes_bot now", 4, "ask now"],
    ["now @hermes_bot", 4, "now"],
    ["👩‍👩‍👧 𝄞 @hermes_bot 你好", 12, "👩‍👩‍👧 𝄞 你好"],
    ["一行\n@hermes_bot\n二行", 3, "一行\n二行"],
  ])("a mention is taken out of %j", (text, offset, left) => {
    expect(text.slice(offset, offset + 11).toLowerCase()).toBe("@hermes_bot");
    expect(inGroup(text, [mention(offset)])).toMatchObject({ isForBot: true, text: left });
  });

  test("several mentions, and one of somebody else", () => {
    const text = "@hermes_bot ask @somebody @hermes_bot";
    expect(
      inGroup(text, [mention(0), { type: "mention", offset: 16, length: 9 }, mention(26)]),
    ).toMatchObject({
      isForBot: true,
      text: "ask @somebody",
    });
  });

  test("a mention of a longer name, or one that is no mention to Telegram, is nothing", () => {
    expect(inGroup("@hermes_bot2 hi", [mention(0, 12)])).toMatchObject({
      isForBot: false,
      text: "@hermes_bot2 hi",
    });
    expect(inGroup("mail a@hermes_bot hi")).toMatchObject({ isForBot: false, text: "mail a@hermes_bot hi" });
  });

  test("a mention of the bot by its name", () => {
    const entity = { type: "text_mention", offset: 0, length: 6, user: BOT };
    expect(inGroup("Hermes hi", [entity])).toMatchObject({ isForBot: true, text: "hi" });
    expect(inGroup("Hermes hi", [{ ...entity, user: ADA }])).toMatchObject({
      isForBot: false,
      text: "Hermes hi",
    });
  });

  test("a mention alone has nothing to say", () => {
    expect(inGroup("@hermes_bot", [mention(0)])).toBeNull();
  });

  test("a command, to nobody or to this bot", () => {
    expect(inGroup("/new", [command(4)])).toMatchObject({ isForBot: true, text: "/new" });
    expect(inGroup("/model@Hermes_Bot x/y", [command(17)])).toMatchObject({
      isForBot: true,
      text: "/model x/y",
    });
    expect(inGroup("@hermes_bot /new", [mention(0), command(4, 12)])).toMatchObject({
      isForBot: true,
      text: "/new",
    });
  });

  test("a command to another bot is not for this one", () => {
    expect(inGroup("/new@other_bot", [command(14)])).toBeNull();
    expect(inGroup("try /new@other_bot", [command(14, 4)])).toMatchObject({
      isForBot: false,
      text: "try /new@other_bot",
    });
  });

  test("a reply to the bot", () => {
    const reply = { reply_to_message: { message_id: 3, from: BOT, text: "I said" } };
    expect(inGroup("and?", [], reply)).toMatchObject({
      isForBot: true,
      quoted: { text: "I said", isFromBot: true },
    });
  });

  test("every message of a topic that the bot has opened is no reply to it", () => {
    const opened = { reply_to_message: { message_id: 3, from: BOT, forum_topic_created: { name: "T" } } };
    const message = inGroup("hi", [], { ...opened, is_topic_message: true, message_thread_id: 3 });
    expect(message?.isForBot).toBe(false);
    expect(message).not.toHaveProperty("quoted");
  });
});

describe("what it replies to", () => {
  test("another's message, and the part of it that was picked", () => {
    const reply = { reply_to_message: { message_id: 3, from: { ...ADA, id: 8 }, text: "long text" } };
    expect(inGroup("@hermes_bot hi", [mention(0)], reply)?.quoted).toEqual({
      text: "long text",
      isFromBot: false,
    });
    const picked = { ...reply, quote: { text: "text", position: 5 } };
    expect(inGroup("@hermes_bot hi", [mention(0)], picked)?.quoted).toEqual({
      text: "text",
      isFromBot: false,
    });
  });

  test("a message of another chat", () => {
    const reply = { external_reply: {}, quote: { text: "elsewhere", position: 0 } };
    expect(parse({ text: "hi", ...reply })?.quoted).toEqual({ text: "elsewhere", isFromBot: false });
  });

  test("a file is named, and comes along when the reply has none and it is not the bot's", () => {
    const document = {
      file_id: "D",
      file_unique_id: "d",
      file_name: "plan.pdf",
      mime_type: "application/pdf",
    };
    const replied = { message_id: 3, from: { ...ADA, id: 8 }, document, caption: "the plan" };
    expect(parse({ text: "what is it?", reply_to_message: replied })).toMatchObject({
      quoted: { text: "[document: plan.pdf]\nthe plan", isFromBot: false },
      files: [{ ref: "D" }],
    });
    expect(parse({ text: "thanks", reply_to_message: { ...replied, from: BOT } })).not.toHaveProperty(
      "files",
    );
  });
});

describe("what it holds", () => {
  const file = { file_id: "F", file_unique_id: "f", file_size: 9 };

  test.each<[string, object, object]>([
    ["photo", { photo: [{ ...file, file_id: "small" }, file] }, { kind: "image", mediaType: "image/jpeg" }],
    ["voice", { voice: { ...file, duration: 1 } }, { kind: "voice", mediaType: "audio/ogg" }],
    [
      "audio",
      { audio: { ...file, mime_type: "audio/flac", file_name: "a.flac" } },
      { kind: "audio", mediaType: "audio/flac", name: "a.flac" },
    ],
    ["video", { video: { ...file, mime_type: "video/mp4" } }, { kind: "video", mediaType: "video/mp4" }],
    ["video note", { video_note: file }, { kind: "video", mediaType: "video/mp4" }],
    ["animation", { animation: file, document: file }, { kind: "video", mediaType: "video/mp4" }],
    ["document", { document: { ...file, file_name: "a.pdf" } }, { kind: "document", name: "a.pdf" }],
    [
      "picture as a file",
      { document: { ...file, mime_type: "image/png" } },
      { kind: "image", mediaType: "image/png" },
    ],
    [
      "drawing",
      { document: { ...file, mime_type: "image/svg+xml" } },
      { kind: "document", mediaType: "image/svg+xml" },
    ],
    [
      "sound as a file",
      { document: { ...file, mime_type: "audio/ogg" } },
      { kind: "audio", mediaType: "audio/ogg" },
    ],
    [
      "film as a file",
      { document: { ...file, mime_type: "video/webm" } },
      { kind: "video", mediaType: "video/webm" },
    ],
    [
      "sticker",
      { sticker: { ...file, is_animated: false, is_video: false } },
      { kind: "image", mediaType: "image/webp" },
    ],
  ])("%s", (_, content, expected) => {
    expect(parse({ ...content, text: undefined })).toMatchObject({
      text: "",
      files: [{ ref: "F", sizeBytes: 9, ...expected }],
    });
  });

  test("a caption is the text, mentions and all", () => {
    const photo = { photo: [file], caption: "@hermes_bot see", caption_entities: [mention(0)] };
    expect(parse({ chat: GROUP, ...photo })).toMatchObject({ text: "see", isForBot: true });
  });

  test.each<[object, string]>([
    [{ location: { latitude: 48.85, longitude: 2.29 } }, "[location: 48.85, 2.29]"],
    [
      {
        location: {},
        venue: { title: "Tower", address: "Paris", location: { latitude: 48.85, longitude: 2.29 } },
      },
      "[venue: Tower, Paris (48.85, 2.29)]",
    ],
    [{ contact: { first_name: "Bob", last_name: "B", phone_number: "+1" } }, "[contact: Bob B, +1]"],
    [{ poll: { question: "Tea?", options: [{ text: "yes" }, { text: "no" }] } }, "[poll: Tea? - yes - no]"],
    [{ dice: { emoji: "🎲", value: 4 } }, "[🎲: 4]"],
    [{ sticker: { ...file, is_animated: true, is_video: false, emoji: "👍" } }, "[sticker: 👍]"],
  ])("%j", (content, text) => {
    const message = parse({ ...content, text: undefined });
    expect(message?.text).toBe(text);
    expect(message).not.toHaveProperty("files");
  });

  test("the address of a link", () => {
    const entities = [{ type: "text_link", offset: 4, length: 4, url: "https://example.com/a" }];
    expect(parse({ text: "see here, please", entities })?.text).toBe(
      "see here (https://example.com/a), please",
    );
  });

  test.each<[object, string]>([
    [{ type: "user", sender_user: ADA }, "Ada Lovelace"],
    [{ type: "hidden_user", sender_user_name: "Somebody" }, "Somebody"],
    [{ type: "chat", sender_chat: { title: "Team" } }, "Team"],
    [{ type: "channel", chat: { title: "News" } }, "News"],
  ])("where it was forwarded from: %j", (origin, name) => {
    const forwarded = { text: "hi", from: name };
    expect(parse({ text: "hi", forward_origin: origin })).toMatchObject({ text: "", forwarded });
  });
});

describe("what is no message", () => {
  const press = (query: object) =>
    event({}, { message: undefined, callback_query: { id: "q", from: ADA, ...query } });
  const below: Partial<Message> = { message_id: 3, chat: GROUP as never };

  test("a press of a button", () => {
    const message = { ...below, is_topic_message: true, message_thread_id: 77 };
    expect(press({ data: "ok", message })).toEqual({
      type: "message",
      id: "9",
      address: { chat: "-1001", thread: "77" },
      scope: "group",
      sender: { id: "501", name: "Ada Lovelace", language: "zh-hans" },
      text: "",
      isForBot: true,
      button: "ok",
    });
    expect(press({ data: "ok", message: { ...below, chat: PRIVATE } })).toMatchObject({ scope: "direct" });
  });

  test("a press that is not ours", () => {
    expect(press({ data: "ok", inline_message_id: "i" })).toBeNull();
    expect(press({ game_short_name: "g", message: below })).toBeNull();
  });

  test("the button to stop below a draft", () => {
    const stop = (more: object) =>
      event({}, { message: undefined, stopped_message_generation: { chat: PRIVATE, draft_id: 5, ...more } });
    expect(stop({})).toEqual({
      type: "message",
      id: "9",
      address: { chat: "501" },
      scope: "direct",
      sender: { id: "501", name: "Ada" },
      text: "/stop",
      isForBot: true,
    });
    expect(stop({ message_thread_id: 77 })).toMatchObject({ address: { chat: "501", thread: "77" } });
  });

  test("a group becomes a supergroup, as both of them tell", () => {
    const group = { id: -5, type: "group", title: "T" };
    const moved = { type: "moved", id: "9", from: "-5", to: "-1001" };
    expect(event({ chat: group, migrate_to_chat_id: -1001 })).toEqual(moved as never);
    expect(event({ chat: GROUP, migrate_from_chat_id: -5, sender_chat: GROUP })).toEqual(moved as never);
  });
});
