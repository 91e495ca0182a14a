import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Account } from "../../src/config/accounts.ts";
import type { AccountSettings, PlatformId } from "../../src/platforms/contract.ts";
import { parseInteraction as discordPress } from "../../src/platforms/discord/interactions.ts";
import { parseMessage as discordMessage, isFromPerson } from "../../src/platforms/discord/parse.ts";
import {
  parseEvent,
  parseSlashCommand,
  parseInteraction as slackPress,
} from "../../src/platforms/slack/parse.ts";
import { parseUpdate } from "../../src/platforms/telegram/parse.ts";
import { says, scriptedModels } from "../fakes/scripted-model.ts";
import { liveConfig } from "../support/agent.ts";
import { openToyGateway, type ToyGateway, toyChat } from "../support/chat.ts";
import { type Act, IDS, nameOf, nextAct, type Place, textOf, WHAT, type What, type Who } from "./acts.ts";
import { dingtalk, feishu, wechat, wecom, wecomApp } from "./chinese-acts.ts";

const telegram: Act = (who, place, what) => {
  const chat =
    place === "direct"
      ? { id: Number(IDS[who] || 1), type: "private" }
      : { id: place === "allowed" ? -5 : -6, type: "group" };
  const from = {
    id: Number(IDS[who] || 1087968824),
    is_bot: who === "bot" || who === "anonymous",
    first_name: nameOf(who),
    username: nameOf(who),
  };
  const words = textOf(what);
  const text =
    place === "direct" || words.startsWith("/") || what === "silent message" ? words : `@hermes_bot ${words}`;
  const entities = words.startsWith("/")
    ? [{ type: "bot_command", offset: 0, length: words.length }]
    : text.startsWith("@")
      ? [{ type: "mention", offset: 0, length: 11 }]
      : [];
  const told = {
    message_id: nextAct(),
    date: 1,
    chat,
    from,
    ...(who === "anonymous" ? { sender_chat: chat } : {}),
  };
  const update_id = nextAct();
  const other = {
    ...told,
    message_id: 9,
    from: { id: 99, is_bot: true, first_name: "bot" },
    text: "earlier",
  };
  const bodies: Partial<Record<What, object>> = {
    button: {
      callback_query: {
        id: "q",
        from,
        chat_instance: "c",
        data: "y:apr_1",
        message: { ...told, message_id: 9 },
      },
    },
    file: { message: { ...told, caption: text, caption_entities: entities, document: { file_id: "d" } } },
    reply: { message: { ...told, text, entities, reply_to_message: other } },
    forward: {
      message: {
        ...told,
        text,
        entities,
        forward_origin: { type: "hidden_user", date: 1, sender_user_name: "x" },
      },
    },
  };
  if (what === "native command") return null;
  return parseUpdate({ update_id, ...(bodies[what] ?? { message: { ...told, text, entities } }) } as never, {
    id: 99,
    username: "hermes_bot",
  });
};

const discord: Act = (who, place, what) => {
  const id = String(1000 + nextAct());
  const author = { id: IDS[who], username: nameOf(who), ...(who === "bot" ? { bot: true } : {}) };
  const guild = place === "direct" ? {} : { guild_id: place === "allowed" ? "500" : "600" };
  const channel = { direct: "40", allowed: "50", other: "60" }[place];
  const pressed = {
    id,
    token: "t",
    version: 1,
    application_id: "9",
    channel: { id: channel, type: 0 },
    locale: "en",
    ...guild,
    context: place === "direct" ? 1 : 0,
    ...(place === "direct" ? { user: author } : { member: { user: author } }),
  };
  if (what === "button" || what === "native command") {
    // Other bots press nothing.
    if (who === "bot") return null;
    const data =
      what === "button" ? { component_type: 2, custom_id: "y:apr_1" } : { id: "1", type: 1, name: "new" };
    return discordPress({ ...pressed, type: what === "button" ? 3 : 2, data } as never);
  }
  const mention = place === "direct" || what === "silent message" ? "" : "<@99> ";
  const message = {
    id,
    channel_id: channel,
    channel_type: place === "direct" ? 1 : 0,
    type: 0,
    author,
    mentions: [],
    attachments: [],
    ...guild,
    content: `${mention}${textOf(what)}`,
    ...(who === "anonymous" ? { webhook_id: "7" } : {}),
    ...(what === "file"
      ? { attachments: [{ id: "1", url: "https://cdn.discordapp.com/a", filename: "a", size: 1 }] }
      : {}),
    ...(what === "reply"
      ? {
          referenced_message: {
            content: "earlier",
            author: { id: "99", username: "bot" },
            attachments: [],
            mentions: [],
          },
        }
      : {}),
    ...(what === "forward" ? { message_snapshots: [{ message: { content: "see", attachments: [] } }] } : {}),
  };
  return isFromPerson(message as never) ? discordMessage(message as never, {}, "99") : null;
};

const slack: Act = (who, place, what) => {
  const ts = `17.${nextAct()}`;
  const channel = { direct: "D1", allowed: "C5", other: "C6" }[place];
  const reading = { botUserId: "U99", commands: new Set(["new", "approve", "whoami"]) };
  // Other bots press nothing and use no commands.
  if (who === "bot" && (what === "button" || what === "native command")) return null;
  if (what === "native command")
    return parseSlashCommand(
      {
        channel_id: channel,
        trigger_id: ts,
        user_id: IDS[who],
        user_name: nameOf(who),
        command: "/new",
        team_id: "T1",
      },
      reading,
    );
  if (what === "button")
    return slackPress({
      type: "block_actions",
      user: { id: IDS[who], name: nameOf(who) },
      team: { id: "T1" },
      channel: { id: channel },
      trigger_id: ts,
      actions: [{ value: "y:apr_1" }],
    });
  const mention = place === "direct" || what === "silent message" ? "" : "<@U99> ";
  const event = {
    type: "message",
    channel,
    channel_type: place === "direct" ? "im" : "channel",
    ts,
    user: IDS[who],
    text: `${mention}${textOf(what).replace("/", "!")}`,
    user_profile: { display_name: nameOf(who) },
    ...(who === "bot" ? { bot_id: "B1" } : {}),
    ...(what === "file" ? { subtype: "file_share", files: [{ id: "F1" }] } : {}),
    ...(what === "reply" ? { thread_ts: "16.1", parent_user_id: "U99" } : {}),
    ...(what === "forward" ? { attachments: [{ is_share: true, text: "see" }] } : {}),
  };
  return parseEvent({ team_id: "T1", event }, reading);
};

/** What nobody can do on a platform, in this place. */
type Absent = (what: What, place: Place) => boolean;

const PLATFORMS: {
  id: PlatformId;
  title?: string;
  act: Act;
  settings: Record<string, unknown>;
  absent: Absent;
}[] = [
  {
    id: "telegram",
    act: telegram,
    settings: { allowed_users: [1], allowed_groups: ["-5"] },
    absent: (what) => what === "native command",
  },
  {
    id: "discord",
    act: discord,
    settings: { allowed_users: ["1"], allowed_guilds: ["500"] },
    absent: () => false,
  },
  {
    id: "slack",
    act: slack,
    settings: { allowed_users: ["1"], allowed_groups: ["C5"] },
    absent: () => false,
  },
  {
    id: "feishu",
    act: feishu,
    settings: { allowed_users: ["1"], allowed_groups: ["oc_5"] },
    absent: (what, place) => what === "native command" || (what === "forward" && place !== "direct"),
  },
  {
    id: "dingtalk",
    act: dingtalk,
    settings: { allowed_users: ["1"], allowed_groups: ["cid5"] },
    absent: (what, place) => what === "native command" || (what === "forward" && place !== "direct"),
  },
  {
    id: "wecom",
    title: "WeCom, an AI bot",
    act: wecom,
    settings: { allowed_users: ["1"], allowed_groups: ["g5"] },
    absent: (what) => what === "native command" || what === "forward",
  },
  { id: "wecom", title: "WeCom, an application", act: wecomApp, ...inDirectChats("reply") },
  { id: "wechat", act: wechat, ...inDirectChats("reply", "button") },
];

function inDirectChats(...lacking: What[]): { settings: Record<string, unknown>; absent: Absent } {
  const absent: Absent = (what, place) =>
    place !== "direct" || what === "native command" || lacking.includes(what);
  return { settings: { allowed_users: ["1"], allowed_groups: ["*"] }, absent };
}

/** What comes of it: an answer of some kind, a code to be let in with, or nothing at all. */
type Outcome = "answer" | "code" | "nothing";

/** Who is listed is answered where it is meant for the bot; who was let in by a code in a direct chat. Nobody else ever. */
function expected(who: Who, place: Place, what: What): Outcome {
  if (who === "bot" || who === "anonymous") return "nothing";
  if (place === "direct") {
    if (who === "listed" || who === "paired") return "answer";
    return what === "button" ? "nothing" : "code";
  }
  if (who !== "listed") return "nothing";
  if (place === "allowed") return what === "silent message" ? "nothing" : "answer";
  return what === "/whoami" ? "answer" : "nothing"; // the ids that the configuration wants, and no more
}

/** Counts whatever a message could leave behind. */
async function traces({ store, chat }: ToyGateway) {
  const [runs, sessions, deliveries, pairings] = await Promise.all([
    store.runs.list({ limit: 200 }),
    store.sessions.list({ limit: 200 }),
    store.deliveries.list({ limit: 200 }),
    store.pairings.list(),
  ]);
  return {
    runs: runs.items.length,
    sessions: sessions.items.length,
    deliveries: deliveries.items.length,
    pairings: pairings.map(({ userId, status }) => `${userId} ${status}`).sort(),
    calls: chat.calls.length,
  };
}

for (const { id, title = id, act, settings, absent } of PLATFORMS)
  describe(title, () => {
    const models = scriptedModels([says("an answer")]);
    let gateway: ToyGateway;

    async function openGateway(more: Record<string, unknown> = {}): Promise<ToyGateway> {
      const chat = toyChat({}, { maxChars: 4_000, abilities: ["edit"] });
      const all = liveConfig({ platforms: { [id]: { ...settings, ...more } } }).current.platforms;
      const account: Account = { platform: id, name: "", settings: all[id] as AccountSettings };
      Object.assign(chat.connection, { account });
      const opened = await openToyGateway({ models, chat });
      const paired = { platform: id, account: "", userId: IDS.paired, name: "Bob", chat: "2", extra: null };
      await opened.store.pairings.request(paired, () => "ABCDEFGH");
      await opened.store.pairings.approve(id, "ABCDEFGH", "cli");
      return opened;
    }

    beforeAll(async () => {
      gateway = await openGateway();
    });
    afterAll(() => gateway[Symbol.asyncDispose]());

    for (const who of Object.keys(IDS) as Who[])
      for (const place of ["direct", "allowed", "other"] as const)
        test(`${who}, ${place === "direct" ? "in a direct chat" : `in a group that is ${place === "allowed" ? "allowed" : "not"}`}`, async () => {
          for (const what of WHAT) {
            // Each case for itself: a code is given to one person only now and then.
            await gateway.store.pairings.revoke(id, IDS[who === "paired" ? "stranger" : who]);
            const event = act(who, place, what);
            const before = await traces(gateway);
            if (event) await gateway.receive(event);
            const after = await traces(gateway);
            const hasCode = after.pairings.includes(`${IDS[who]} pending`);
            const outcome = hasCode ? "code" : after.deliveries > before.deliveries ? "answer" : "nothing";
            const lacks = event === null && expected(who, place, what) !== "nothing";
            expect([what, outcome]).toEqual([what, lacks ? "nothing" : expected(who, place, what)]);
            expect([what, lacks]).toEqual([what, lacks && absent(what, place)]);
            if (outcome === "nothing") expect(after).toEqual(before);
            if (outcome !== "answer")
              expect([what, after.runs, after.sessions]).toEqual([what, before.runs, before.sessions]);
          }
        });

    test("where everybody is allowed, groups are not; nobody there makes the bot speak", async () => {
      await using open = await openGateway({ allowed_users: ["*"] });
      for (const who of ["stranger", "paired", "namesake"] as const)
        for (const what of WHAT) {
          const event = act(who, "other", what);
          const before = await traces(open);
          if (event) await open.receive(event);
          expect([who, what, await traces(open)]).toEqual([who, what, before]);
        }
    });
  });
