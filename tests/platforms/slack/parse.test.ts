import { describe, expect, test } from "bun:test";
import { parseEvent, parseInteraction, parseSlashCommand } from "../../../src/platforms/slack/parse.ts";

const reading = { botUserId: "U0BOT", commands: new Set(["new", "stop", "model"]) };
const NOTHING = { ...reading, commands: new Set<string>() };

const eventBody = (event: Record<string, unknown>) => ({
  type: "event_callback",
  team_id: "T0TEAM",
  event: { type: "message", user: "U0USER", text: "hello", ts: "1700000001.000100", ...event },
});
const inChannel = (event: Record<string, unknown>) =>
  parseEvent(eventBody({ channel: "C1", channel_type: "channel", ...event }), reading);

describe("a message", () => {
  test("in a direct chat", () => {
    expect(parseEvent(eventBody({ channel: "D1", channel_type: "im" }), reading)).toEqual({
      type: "message",
      id: "D1:1700000001.000100",
      address: { chat: "D1" },
      scope: "direct",
      spaces: ["T0TEAM"],
      sender: { id: "U0USER", name: "U0USER" },
      text: "hello",
      isForBot: true,
      messageId: "1700000001.000100",
    });
  });

  test("in a thread of a direct chat", () =>
    expect(
      parseEvent(eventBody({ channel: "D1", channel_type: "im", thread_ts: "1700000000.000001" }), reading)
        ?.address,
    ).toEqual({ chat: "D1", thread: "1700000000.000001" }));

  test("in a channel begins a thread of its own", () => {
    const message = inChannel({});
    expect(message).toMatchObject({ scope: "group", isForBot: false });
    expect(message?.address).toEqual({ chat: "C1", thread: "1700000001.000100" });
  });

  test("in a group chat of people is one in a group", () =>
    expect(parseEvent(eventBody({ channel: "G1", channel_type: "mpim" }), reading)).toMatchObject({
      scope: "group",
      isForBot: false,
    }));

  test("with the name that Slack tells", () =>
    expect(inChannel({ user_profile: { display_name: "ada" } })?.sender).toEqual({
      id: "U0USER",
      name: "ada",
    }));

  const forBot: Record<string, [Record<string, unknown>, boolean]> = {
    "a mention": [{ text: "<@U0BOT> hi" }, true],
    "a mention of somebody else": [{ text: "<@U0OTHER> hi" }, false],
    "a reply to the bot's own message": [{ thread_ts: "1.1", parent_user_id: "U0BOT" }, true],
    "a reply in another thread": [{ thread_ts: "1.1", parent_user_id: "U0USER" }, false],
    "a command in a thread": [{ thread_ts: "1.1", text: "!stop" }, true],
    "an unknown command in a thread": [{ thread_ts: "1.1", text: "!deploy" }, false],
    "a command outside of threads": [{ text: "!stop" }, false],
  };
  for (const [name, [event, isForBot]] of Object.entries(forBot))
    test(`${name} is ${isForBot ? "" : "not "}for the bot`, () =>
      expect(inChannel(event)?.isForBot).toBe(isForBot));

  test("app_mention and message of one post become the same", () => {
    const text = "<@U0BOT> what is this?";
    const post = { text, thread_ts: "1700000000.000001", parent_user_id: "U0USER" };
    const mention = parseEvent(eventBody({ type: "app_mention", channel: "C1", ...post }), reading);
    expect(mention).toEqual(inChannel(post));
    expect(mention).toMatchObject({ text: "what is this?", isForBot: true });
  });

  test("app_mention in a direct chat is direct", () => {
    const event = { channel: "D1", text: "<@U0BOT> hi" };
    const mention = parseEvent(eventBody({ ...event, type: "app_mention" }), reading);
    expect(mention).toEqual(parseEvent(eventBody({ ...event, channel_type: "im" }), reading));
  });

  test("with a message that is passed on", () => {
    const shared = {
      is_share: true,
      author_name: "Bob",
      text: "a &lt; b",
      from_url: "https://x.slack.com/p1",
    };
    const attachments = [{ title: "a page", text: "what stands there" }, shared];
    expect(inChannel({ attachments })?.forwarded).toEqual({ text: "a < b", from: "Bob" });
    expect(inChannel({ attachments: attachments.slice(0, 1) })).not.toHaveProperty("forwarded");
  });

  test("commands with ! are commands", () => {
    expect(inChannel({ text: "<@U0BOT> !stop" })?.text).toBe("/stop");
    expect(inChannel({ text: "!model a/b", thread_ts: "1.1" })?.text).toBe("/model a/b");
  });
});

describe("what is no message of a person", () => {
  const cases: Record<string, Record<string, unknown>> = {
    "of a bot": { bot_id: "B1" },
    "of the bot itself": { user: "U0BOT" },
    "of a bot by its subtype": { subtype: "bot_message", user: undefined },
    "an edit": { subtype: "message_changed", hidden: true, message: { text: "x" } },
    "a deletion": { subtype: "message_deleted", hidden: true },
    "a join": { subtype: "channel_join" },
    "a hidden one": { hidden: true },
    "without a sender": { user: undefined },
    "without an id": { ts: undefined },
    "another event": { type: "reaction_added" },
    "fields of other types": { user: { id: "U1" }, ts: 17, text: [] },
  };
  for (const [name, event] of Object.entries(cases)) test(name, () => expect(inChannel(event)).toBeNull());

  test("bodies that are none", () => {
    for (const body of [null, undefined, 1, "x", [], {}, { event: null }, { event: [] }])
      expect(parseEvent(body, reading)).toBeNull();
  });

  test("a reply that the channel sees as well is one", () =>
    expect(inChannel({ subtype: "thread_broadcast", thread_ts: "1.1" })?.address.thread).toBe("1.1"));
});

describe("files", () => {
  const file = {
    id: "F1",
    name: "a.pdf",
    mimetype: "application/pdf",
    size: 12,
    url_private: "https://secret",
  };

  test("of a message", () => {
    const message = inChannel({ subtype: "file_share", files: [file] });
    expect(message?.files).toEqual([
      { kind: "document", ref: "F1", name: "a.pdf", mediaType: "application/pdf", sizeBytes: 12 },
    ]);
    expect(JSON.stringify(message)).not.toContain("secret");
  });

  test("what they are to a person", () => {
    const kinds = [
      { mimetype: "image/png" },
      { mimetype: "audio/mpeg" },
      { mimetype: "video/mp4" },
      { mimetype: "video/mp4", subtype: "slack_audio", user: "U0USER" },
      { mimetype: "audio/mp4", subtype: "slack_video" },
      {},
    ].map((one, i) => ({ id: `F${i}`, ...one }));
    expect(inChannel({ files: kinds })?.files?.map(({ kind }) => kind)).toEqual([
      "image",
      "audio",
      "video",
      "voice",
      "video",
      "document",
    ]);
  });

  test("whose bytes Slack does not give are left out", () => {
    const files = ["tombstone", "hidden_by_limit", "external"].map((mode, i) => ({ id: `F${i}`, mode }));
    expect(inChannel({ files: [...files, {}, file] })?.files?.map(({ ref }) => ref)).toEqual(["F1"]);
    expect(inChannel({ files })?.files).toBeUndefined();
  });

  test("that only the blocks of a mention name", () => {
    const blocks = [
      {
        type: "rich_text",
        elements: [
          {
            type: "rich_text_section",
            elements: [
              { type: "text", text: "x" },
              { type: "file", file_id: "F9" },
            ],
          },
        ],
      },
    ];
    const event = { type: "app_mention", text: "<@U0BOT> read", blocks };
    expect(inChannel(event)?.files).toEqual([{ kind: "document", ref: "F9@C1" }]);
    expect(inChannel({ ...event, files: [] })?.files).toBeUndefined();
  });
});

describe("slash commands", () => {
  const form = {
    command: "/hermes",
    text: "",
    channel_id: "C1",
    user_id: "U0USER",
    user_name: "ada",
    team_id: "T0TEAM",
    trigger_id: "13.2.a",
  };
  test("is a message for the bot, outside of threads", () =>
    expect(parseSlashCommand({ ...form, command: "/new", text: "let us begin" }, reading)).toEqual({
      type: "message",
      id: "13.2.a",
      address: { chat: "C1" },
      scope: "group",
      spaces: ["T0TEAM"],
      sender: { id: "U0USER", name: "ada" },
      text: "/new let us begin",
      isForBot: true,
    }));

  const texts: [command: string, text: string, read: string, beforeNamesAreKnown: string][] = [
    ["/new", "", "/new", "/new"],
    ["/model", " a/b ", "/model a/b", "/model a/b"],
    ["/hermes", "stop", "/stop", "/stop"],
    ["/hermes", "model a/b", "/model a/b", "/model a/b"],
    ["/hermes", "/stop", "/stop", "/stop"],
    ["/hermes", "", "/help", "/help"],
    ["/hermes", "how are you", "how are you", "/how are you"],
    ["/Hermes", "Stop", "/Stop", "/Stop"],
    ["/bot2", "stop", "/stop", "/bot2 stop"],
    ["/reset", "", "/reset", "/reset"],
  ];
  for (const [command, text, read, before] of texts)
    test(`${command} ${text}`, () => {
      expect(parseSlashCommand({ ...form, command, text }, reading)?.text).toBe(read);
      expect(parseSlashCommand({ ...form, command, text }, NOTHING)?.text).toBe(before);
    });

  test("in a direct chat", () =>
    expect(parseSlashCommand({ ...form, channel_id: "D1" }, reading)?.scope).toBe("direct"));

  test("what lacks something is none", () => {
    for (const key of ["channel_id", "user_id", "trigger_id"])
      expect(parseSlashCommand({ ...form, [key]: undefined }, reading)).toBeNull();
  });
});

describe("buttons", () => {
  const payload = {
    type: "block_actions",
    user: { id: "U0USER", username: "ada", name: "ada", team_id: "T0TEAM" },
    team: { id: "T0TEAM", domain: "team" },
    container: { type: "message", message_ts: "17.1", channel_id: "C1" },
    channel: { id: "C1", name: "general" },
    message: { ts: "17.1", thread_ts: "16.9" },
    trigger_id: "12466734323.1395872398",
    actions: [{ type: "button", action_id: "button-0", value: "approve:1", action_ts: "1548426417.840180" }],
  };

  test("a press", () =>
    expect(parseInteraction(payload)).toEqual({
      type: "message",
      id: "12466734323.1395872398",
      address: { chat: "C1", thread: "16.9" },
      scope: "group",
      spaces: ["T0TEAM"],
      sender: { id: "U0USER", name: "ada" },
      text: "",
      isForBot: true,
      button: "approve:1",
    }));

  test("without a trigger, its time and who pressed make its id", () =>
    expect(parseInteraction({ ...payload, trigger_id: undefined })?.id).toBe("1548426417.840180:U0USER"));

  test("other interactions are none", () => {
    for (const other of [{ type: "view_submission" }, { actions: [] }, { actions: [{ type: "overflow" }] }])
      expect(parseInteraction({ ...payload, ...other })).toBeNull();
    for (const body of [null, 1, [], {}]) expect(parseInteraction(body)).toBeNull();
  });
});
