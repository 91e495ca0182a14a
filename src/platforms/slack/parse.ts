import type { ChatAddress, InboundMessage } from "../contract.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";
import { filesOf } from "./inbound-files.ts";
import { asCommand, mentions, writtenText } from "./text.ts";

/** What a message is read with. */
export interface Reading {
  /** The id of the bot as a user. */
  botUserId: string;
  /** The words for commands that the gateway knows; empty before it has told them. */
  commands: ReadonlySet<string>;
}

/** Messages that people write; all other subtypes tell of changes, or are written by programs. */
const SUBTYPES: ReadonlySet<string> = new Set(["", "file_share", "thread_broadcast"]);

/**
 * An event of the Events API, in the form that HTTP and Socket Mode share; null for what is no message to be read. A mention
 * may come as `app_mention`, as `message`, or as both: both become the same message with the same id.
 */
export function parseEvent(body: unknown, reading: Reading): InboundMessage | null {
  const event = fieldsOf(fieldsOf(body)["event"]);
  const type = textOf(event["type"]);
  if (type !== "message" && type !== "app_mention") return null;
  if (!isFromPerson(event, reading.botUserId)) return null;
  const [channel, ts, userId] = [textOf(event["channel"]), textOf(event["ts"]), textOf(event["user"])];
  if (channel === "" || ts === "" || userId === "") return null;
  const scope = isDirect(channel, textOf(event["channel_type"])) ? "direct" : "group";
  const thread = textOf(event["thread_ts"]) || (scope === "group" ? ts : "");
  const raw = textOf(event["text"]);
  const text = asCommand(writtenText(raw, reading.botUserId));
  const files = filesOf(event, channel);
  return {
    type: "message",
    id: `${channel}:${ts}`,
    address: addressOf(channel, thread),
    scope,
    ...spaceOf(textOf(fieldsOf(body)["team_id"])),
    sender: { id: userId, name: nameOf(event, userId) },
    text,
    isForBot:
      scope === "direct" ||
      type === "app_mention" ||
      mentions(raw, reading.botUserId) ||
      textOf(event["parent_user_id"]) === reading.botUserId ||
      (textOf(event["thread_ts"]) !== "" && isKnownCommand(text, reading)),
    messageId: ts,
    ...forwardedIn(event, reading),
    ...(files.length === 0 ? {} : { files }),
  };
}

/** A slash command, from the form of HTTP or the payload of Socket Mode. */
export function parseSlashCommand(form: Fields, { commands }: Reading): InboundMessage | null {
  const [channel, id, userId] = [
    textOf(form["channel_id"]),
    textOf(form["trigger_id"]),
    textOf(form["user_id"]),
  ];
  if (channel === "" || id === "" || userId === "") return null;
  return {
    type: "message",
    id,
    address: { chat: channel },
    scope: isDirect(channel, "") ? "direct" : "group",
    ...spaceOf(textOf(form["team_id"])),
    sender: { id: userId, name: textOf(form["user_name"]) || userId },
    text: commandText(textOf(form["command"]).slice(1).toLowerCase(), textOf(form["text"]).trim(), commands),
    isForBot: true,
  };
}

/** The press of a button; null for every other interaction. */
export function parseInteraction(payload: unknown): InboundMessage | null {
  const { type, user, team, channel, container, message, actions, trigger_id } = fieldsOf(payload);
  const action = objectsOf(actions)[0] ?? {};
  const button = textOf(action["value"]);
  const place = textOf(fieldsOf(channel)["id"]) || textOf(fieldsOf(container)["channel_id"]);
  const person = fieldsOf(user);
  const userId = textOf(person["id"]);
  if (type !== "block_actions" || button === "" || place === "" || userId === "") return null;
  const thread = textOf(fieldsOf(message)["thread_ts"]) || textOf(fieldsOf(container)["thread_ts"]);
  return {
    type: "message",
    id: textOf(trigger_id) || `${textOf(action["action_ts"])}:${userId}`,
    address: addressOf(place, thread),
    scope: isDirect(place, "") ? "direct" : "group",
    ...spaceOf(textOf(fieldsOf(team)["id"]) || textOf(person["team_id"])),
    sender: { id: userId, name: textOf(person["name"]) || textOf(person["username"]) || userId },
    text: "",
    isForBot: true,
    button,
  };
}

/** The bot's id as a user, as an event carries it; empty when it does not. */
export function botUserIdIn(body: unknown): string {
  const [authorization = {}] = objectsOf(fieldsOf(body)["authorizations"]);
  return authorization["is_bot"] === true ? textOf(authorization["user_id"]) : "";
}

function isFromPerson(event: Fields, botUserId: string): boolean {
  return (
    SUBTYPES.has(textOf(event["subtype"])) &&
    textOf(event["bot_id"]) === "" &&
    event["hidden"] !== true &&
    textOf(event["user"]) !== botUserId
  );
}

/** Ids of direct chats begin with D; group chats of people are channels in all but name. */
function isDirect(channel: string, channelType: string): boolean {
  return (
    channelType === "im" || channelType === "app_home" || (channelType === "" && channel.startsWith("D"))
  );
}

function addressOf(chat: string, thread: string): ChatAddress {
  return thread === "" ? { chat } : { chat, thread };
}

function spaceOf(teamId: string): { spaces?: readonly string[] } {
  return teamId === "" ? {} : { spaces: [teamId] };
}

/** A message that somebody passed on comes as an attachment. What Slack adds to addresses is none. */
function forwardedIn(event: Fields, { botUserId }: Reading): Pick<InboundMessage, "forwarded"> {
  const shared = objectsOf(event["attachments"]).find((one) => one["is_share"] === true);
  const text = writtenText(textOf(shared?.["text"]), botUserId);
  const from = textOf(shared?.["author_name"]);
  return text === "" ? {} : { forwarded: { text, ...(from === "" ? {} : { from }) } };
}

function nameOf(event: Fields, userId: string): string {
  const profile = fieldsOf(event["user_profile"]);
  return textOf(profile["display_name"]) || textOf(profile["real_name"]) || userId;
}

function isKnownCommand(text: string, { commands }: Reading): boolean {
  const name = /^\/([a-z0-9_]+)/i.exec(text)?.[1] ?? "";
  return commands.has(name.toLowerCase());
}

/**
 * `/new` is a command itself. Any other, such as `/hermes`, is only a way to reach the bot: `/hermes stop` says `/stop`, and
 * `/hermes how are you` is no command.
 */
function commandText(name: string, rest: string, commands: ReadonlySet<string>): string {
  const isAddress = name === "hermes" || (commands.size > 0 && !commands.has(name) && rest !== "");
  if (!isAddress) return rest === "" ? `/${name}` : `/${name} ${rest}`;
  if (rest === "") return "/help";
  if (rest.startsWith("/")) return rest;
  const first = /^\S+/.exec(rest)?.[0].toLowerCase() ?? "";
  return commands.size === 0 || commands.has(first) ? `/${rest}` : rest;
}
