import type { CallbackQuery, Message, MessageGenerationStopped, Update, User } from "grammy/types";
import type {
  ChatAddress,
  ChatMoved,
  InboundEvent,
  InboundFile,
  InboundMessage,
  Sender,
} from "../contract.ts";
import { asForeign } from "../foreign-files.ts";
import { describe, forwardedFrom, nameOf } from "./describe.ts";
import { filesOf } from "./files.ts";
import { type Me, readText } from "./text.ts";

/** What says where something is. */
interface Placed {
  chat: { id: number };
  message_thread_id?: number | undefined;
  is_topic_message?: boolean | undefined;
}

/** The updates that are asked for, which are those that `parseUpdate` reads. */
export const ALLOWED_UPDATES = ["message", "callback_query", "stopped_message_generation"] as const;

/**
 * What an update says to the bot; null for what it does not listen to: channels, other bots, people who speak as a group and
 * so are nobody in particular, commands to another bot, and notices of the chat.
 */
export function parseUpdate(update: Update, me: Me): InboundEvent | null {
  const { message, callback_query, stopped_message_generation: stopped } = update;
  const id = String(update.update_id);
  if (message) return parseMove(id, message) ?? parseMessage(id, message, me);
  if (callback_query) return parseButton(id, callback_query);
  if (stopped) return parseStop(id, stopped);
  return null;
}

/** Where the update stands in a line: what happens in a chat is told in order. */
export function lineOf({ message, callback_query, stopped_message_generation: stopped }: Update): number {
  const chat = message?.chat ?? callback_query?.message?.chat ?? stopped?.chat;
  return chat?.id ?? callback_query?.from.id ?? 0;
}

/** Both the group and the supergroup that it becomes get such a notice. */
function parseMove(
  id: string,
  { chat, migrate_to_chat_id: to, migrate_from_chat_id: from }: Message,
): ChatMoved | null {
  if (to !== undefined) return { type: "moved", id, from: String(chat.id), to: String(to) };
  if (from !== undefined) return { type: "moved", id, from: String(from), to: String(chat.id) };
  return null;
}

function parseMessage(id: string, message: Message, me: Me): InboundMessage | null {
  const { from, chat } = message;
  if (chat.type === "channel" || !from || from.is_bot || message.sender_chat) return null;
  const said = readText(message, me);
  const words = [describe(message), said.text].filter((part) => part).join("\n");
  const isReply = repliedTo(message)?.from?.id === me.id;
  const files = filesWith(message, isReply);
  if (said.isForOther || (words === "" && files.length === 0)) return null;
  const author = forwardedFrom(message.forward_origin);
  const quoted = quotedBy(message, me);
  return {
    type: "message",
    id,
    address: addressOf(message),
    scope: chat.type === "private" ? "direct" : "group",
    sender: senderOf(from),
    // Who forwards a message says nothing to it: none of it is the sender's.
    ...(author === null ? { text: words } : { text: "", forwarded: { text: words, from: author } }),
    isForBot: chat.type === "private" || said.namesBot || isReply,
    messageId: String(message.message_id),
    ...(quoted === null ? {} : { quoted }),
    ...(files.length === 0 ? {} : { files }),
  };
}

function parseButton(id: string, { from, message, data }: CallbackQuery): InboundMessage | null {
  if (!message || data === undefined || from.is_bot || message.chat.type === "channel") return null;
  return {
    type: "message",
    id,
    address: addressOf(message),
    scope: message.chat.type === "private" ? "direct" : "group",
    sender: senderOf(from),
    text: "",
    isForBot: true,
    button: data,
  };
}

/** The button to stop below a draft, which only the person of a private chat sees, does what the command does. */
function parseStop(
  id: string,
  { chat, message_thread_id: thread }: MessageGenerationStopped,
): InboundMessage {
  return {
    type: "message",
    id,
    address: addressOf({ chat, message_thread_id: thread, is_topic_message: true }),
    scope: "direct",
    sender: { id: String(chat.id), name: nameOf(chat) },
    text: "/stop",
    isForBot: true,
  };
}

/** A thread that is no topic is only a chain of replies, and nothing can be sent to it. */
function addressOf(message: Placed): ChatAddress {
  const { chat, is_topic_message: isTopic, message_thread_id: thread } = message;
  const address = { chat: String(chat.id) };
  return isTopic && thread !== undefined ? { ...address, thread: String(thread) } : address;
}

function senderOf(user: User): Sender {
  const sender = { id: String(user.id), name: nameOf(user) };
  return user.language_code === undefined ? sender : { ...sender, language: user.language_code };
}

/** The files of a message. A question about a picture of somebody else's is asked by replying to it. */
function filesWith(message: Message, isReplyToBot: boolean): InboundFile[] {
  const own = filesOf(message);
  const replied = repliedTo(message);
  if (own.length > 0) return message.forward_origin === undefined ? own : asForeign(own);
  return replied === undefined || isReplyToBot ? [] : asForeign(filesOf(replied));
}

/** In a topic every message counts as a reply to the notice that opened it, which nobody meant. */
function repliedTo({ reply_to_message: replied }: Message): Message | undefined {
  return replied?.forum_topic_created ? undefined : replied;
}

/** The part of a message that was picked as a quotation, or the whole message. */
function quotedBy(message: Message, me: Me): NonNullable<InboundMessage["quoted"]> | null {
  const replied = repliedTo(message);
  const text = message.quote?.text ?? (replied && quotable(replied));
  if (!text) return null;
  return { text, isFromBot: replied?.from?.id === me.id };
}

function quotable(replied: Message): string {
  const [file] = filesOf(replied);
  const content = replied.text ?? replied.caption ?? describe(replied) ?? "";
  return [file ? `[${file.kind}${file.name === undefined ? "" : `: ${file.name}`}]` : "", content]
    .filter((part) => part)
    .join("\n");
}
