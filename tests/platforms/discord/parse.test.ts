import { describe, expect, test } from "bun:test";
import {
  type DiscordMessage,
  isFromPerson,
  type Place,
  parseMessage,
} from "../../../src/platforms/discord/parse.ts";
import { createWorld, type MessageParts } from "../../fakes/discord/world.ts";

const BOT = "900000000000000001";
const IN_CHANNEL: Place = { guild: "100" };
const world = createWorld();
const ann = world.addUser("ann");

/** A message of Ann's as Discord sends it. */
function message(content: string, parts: MessageParts & Record<string, unknown> = {}): DiscordMessage {
  return world.write("200", ann, content, parts as MessageParts) as unknown as DiscordMessage;
}

const parsed = (content: string, parts: Record<string, unknown> = {}, place = IN_CHANNEL) =>
  parseMessage(message(content, parts), place, BOT);

describe("text", () => {
  const mentions = [
    { id: BOT, username: "hermes" },
    { id: "300", username: "bob", global_name: "Bob B." },
    { id: "301", username: "eve", global_name: "Eve", member: { nick: "the boss" } },
  ];
  const vectors: [content: string, text: string][] = [
    [`<@${BOT}> hello`, "hello"],
    [`hello <@!${BOT}>`, "hello"],
    [`<@${BOT}>, ask <@300> and <@!301>`, ", ask @Bob B. and @the boss"],
    ["<@999> is unknown", "<@999> is unknown"],
    ["<:wave:400> <a:dance:401>", ":wave: :dance:"],
    ["use </new:500>", "use /new"],
    ["  spaces \n around  ", "spaces \n around"],
    [
      "<#600> and <t:1700000000:R> stay, as do `<code>` & 你好 👋🏽",
      "<#600> and <t:1700000000:R> stay, as do `<code>` & 你好 👋🏽",
    ],
    ["@everyone <@&700>", "@everyone <@&700>"],
  ];
  for (const [content, text] of vectors)
    test(JSON.stringify(content), () => expect(parsed(content, { mentions })?.text).toBe(text));

  test("stickers are part of it, and what was forwarded stands apart", () => {
    const parts = {
      message_snapshots: [{ message: { content: "forwarded <:wave:400>", attachments: [] } }],
      sticker_items: [{ id: "1", name: "Wumpus", format_type: 1 }],
    };
    const forwarded = { text: "forwarded :wave:" };
    expect(parsed("look", parts)).toMatchObject({ text: "look\n:Wumpus:", forwarded });
    const { message_snapshots } = parts;
    expect(parsed("", { message_snapshots })).toMatchObject({ text: "", forwarded });
    expect(parsed("look", {})).not.toHaveProperty("forwarded");
  });
});

describe("whom it is for", () => {
  const byBot = { ...message("earlier"), author: { id: BOT, username: "hermes", bot: true } };
  const byBob = { ...message("earlier"), author: { id: "300", username: "bob" } };
  test.each([
    ["a mention", `<@${BOT}> hi`, {}, true],
    ["an old mention", `<@!${BOT}> hi`, {}, true],
    ["nobody", "hi", {}, false],
    ["everyone", "@everyone hi", { mention_everyone: true }, false],
    ["another", "<@300> hi", {}, false],
    ["a longer id that begins alike", `<@${BOT}1> hi`, {}, false],
    ["a reply to the bot", "hi", { type: 19, referenced_message: byBot }, true],
    ["a reply to another", "hi", { type: 19, referenced_message: byBob }, false],
    ["a reply to what was deleted", "hi", { type: 19, referenced_message: null }, false],
  ])("%s", (_, content, parts, isForBot) => expect(parsed(content, parts)?.isForBot).toBe(isForBot));

  test("everything in a direct chat", () => {
    expect(parsed("hi", {}, { isDirect: true })).toMatchObject({ scope: "direct", isForBot: true });
    expect(parsed("hi", { channel_type: 1 }, {})).toMatchObject({ scope: "direct", isForBot: true });
    expect(parsed("hi", {}, { isDirect: true })).not.toHaveProperty("spaces");
  });

  test("nothing where nobody knows who reads along", () => {
    const somewhere = parsed("hi", {}, {});
    expect(somewhere).toMatchObject({ scope: "group", isForBot: false, spaces: [] });
  });

  test("not everything in a chat of several", () => {
    const several = parsed("hi", { channel_type: 3 }, {});
    expect(several).toMatchObject({ scope: "group", spaces: [], isForBot: false });
  });

  test("what it replies to comes along", () => {
    expect(parsed("hi", { referenced_message: byBot })?.quoted).toEqual({ text: "earlier", isFromBot: true });
    expect(parsed("hi", { referenced_message: byBob })?.quoted).toEqual({
      text: "earlier",
      isFromBot: false,
    });
    expect(parsed("hi", { referenced_message: null })).not.toHaveProperty("quoted");
  });
});

test("where it was written: the server, and the channel of a thread", () => {
  expect(parsed("hi")).toMatchObject({ scope: "group", address: { chat: "200" }, spaces: ["100"] });
  expect(parsed("hi", {}, { guild: "100", parent: "150" })?.spaces).toEqual(["100", "150"]);
  expect(parsed("hi", { guild_id: "101" }, {})?.spaces).toEqual(["101"]);
});

test("who wrote is told by id, and named as the server names them", () => {
  expect(parsed("hi")?.sender).toEqual({ id: ann.id, name: "ann" });
  expect(parsed("hi", { member: { nick: "Annie" } })?.sender).toEqual({ id: ann.id, name: "Annie" });
});

describe("files", () => {
  const file = (name: string, type: string | undefined, more = {}) => ({
    id: "1",
    filename: name,
    size: 3,
    url: `https://cdn.discordapp.com/attachments/1/2/${name}?ex=1`,
    ...(type === undefined ? {} : { content_type: type }),
    ...more,
  });
  const kinds = (attachments: unknown[], flags = 0) =>
    parsed("", { attachments, flags })?.files?.map(({ kind }) => kind);

  test("have the kind that their type says", () => {
    expect(
      kinds([
        file("a.png", "image/png"),
        file("a.mp3", "audio/mpeg"),
        file("a.mp4", "video/mp4"),
        file("a.pdf", "application/pdf"),
        file("a", undefined),
      ]),
    ).toEqual(["image", "audio", "video", "document", "document"]);
  });

  test("of a voice message are voice", () => {
    const voice = file("voice-message.ogg", "audio/ogg", { duration_secs: 2, waveform: "" });
    expect(kinds([voice], 1 << 13)).toEqual(["voice"]);
  });

  test("come with their address, name, type and size, also when forwarded", () => {
    const attachment = file("a.png", "image/png");
    const expected = {
      kind: "image" as const,
      ref: attachment.url,
      name: "a.png",
      mediaType: "image/png",
      sizeBytes: 3,
    };
    expect(parsed("see", { attachments: [attachment] })?.files).toEqual([expected]);
    const snapshots = [{ message: { content: "", attachments: [attachment] } }];
    expect(parsed("", { message_snapshots: snapshots })?.files).toEqual([expected]);
  });
});

test("what has nothing to show is nothing, unless it calls the bot", () => {
  expect(parsed("")).toBeNull();
  expect(parsed(`<@${BOT}>`)).toMatchObject({ text: "", isForBot: true });
});

test.each([
  ["a person", {}, true],
  ["a reply of a person", { type: 19 }, true],
  ["a bot", { author: { id: "1", username: "b", bot: true } }, false],
  ["Discord", { author: { id: "1", username: "b", system: true } }, false],
  ["a webhook", { webhook_id: "1" }, false],
  ["somebody who joined", { type: 7 }, false],
  ["what pins a message", { type: 6 }, false],
  ["a command", { type: 20 }, false],
  ["the beginning of a thread", { type: 21 }, false],
])("written by %s", (_, parts, expected) => {
  expect(isFromPerson({ ...message("x"), ...parts } as DiscordMessage)).toBe(expected);
});
