import type { Chat, Message, Update, User } from "grammy/types";
import type { ChatTraits, FakeMessage, Writing } from "./contract.ts";
import { Refusal } from "./contract.ts";

/** A message that may still be edited. */
export type StoredMessage = { -readonly [Key in keyof FakeMessage]: FakeMessage[Key] };

/** A chat as Telegram keeps it. */
export interface StoredChat {
  chat: Chat;
  traits: ChatTraits;
  messages: Map<number, StoredMessage>;
  /** The ids of the messages of people. */
  written: Set<number>;
  drafts: string[];
  reactions: Map<number, string>;
}

/** The chats that the bot knows. */
export interface Chats {
  /** Throws what Telegram answers for a chat that is unknown or takes no messages. */
  writable(id: number): StoredChat;
  get(id: number): StoredChat | undefined;
  /** Makes a chat known, or says more about it. */
  know(id: number, traits?: ChatTraits): StoredChat;
  nextMessageId(): number;
  /** The update of a message that a person writes. */
  write(text: string, writing: Writing): Omit<Update, "update_id"> & { message: Message };
}

/** Makes the chats. Ids of groups are negative, as at Telegram; those of supergroups begin with -100. */
export function createChats(bot: User): Chats {
  const known = new Map<number, StoredChat>();
  let lastMessageId = 100;

  const chats: Chats = {
    get: (id) => known.get(id),
    writable(id) {
      const stored = known.get(id);
      if (!stored) throw new Refusal(400, "Bad Request: chat not found");
      const { migratedTo, forbidden } = stored.traits;
      if (migratedTo !== undefined) {
        const words = "Bad Request: group chat was upgraded to a supergroup chat";
        throw new Refusal(400, words, { migrate_to_chat_id: migratedTo });
      }
      if (forbidden !== undefined)
        throw new Refusal(forbidden.startsWith("Forbidden") ? 403 : 400, forbidden);
      return stored;
    },
    know(id, traits = {}) {
      const stored = known.get(id) ?? emptyChat();
      stored.traits = { ...stored.traits, ...traits };
      stored.chat = chatOf(id, stored.traits);
      known.set(id, stored);
      return stored;
    },
    nextMessageId() {
      lastMessageId += 1;
      return lastMessageId;
    },
    write(text, { chat, from: person, thread, replyTo, more }) {
      const from: User = { id: 501, is_bot: false, first_name: "Ada", language_code: "en", ...person };
      const stored = chats.know(chat ?? from.id, thread === undefined ? {} : { isForum: true });
      const messageId = chats.nextMessageId();
      stored.written.add(messageId);
      const entities = entitiesOf(text);
      const replied = replyTo === undefined ? {} : { reply_to_message: repliedTo(stored, replyTo, bot) };
      const topic = thread === undefined ? {} : { message_thread_id: thread, is_topic_message: true };
      const message = {
        message_id: messageId,
        date: Math.floor(Date.now() / 1000),
        chat: stored.chat,
        from,
        ...(text === "" ? {} : { text }),
        ...(entities.length === 0 ? {} : { entities }),
        ...topic,
        ...replied,
        ...more,
      };
      return { message: message as Message } as Omit<Update, "update_id"> & { message: Message };
    },
  };
  return chats;
}

function emptyChat(): StoredChat {
  return {
    chat: chatOf(0, {}),
    traits: {},
    messages: new Map(),
    written: new Set(),
    drafts: [],
    reactions: new Map(),
  };
}

function chatOf(id: number, { title = "The group", isForum }: ChatTraits): Chat {
  if (id > 0) return { id, type: "private", first_name: "Ada" };
  if (!String(id).startsWith("-100")) return { id, type: "group", title };
  return { id, type: "supergroup", title, ...(isForum ? { is_forum: true as const } : {}) };
}

/** Telegram finds commands and mentions itself. */
function entitiesOf(text: string) {
  const found = [...text.matchAll(/(?<=^|\s)\/\w+(@\w+)?|(?<=^|\s)@\w{4,}/g)];
  return found.map(({ 0: words, index }) => ({
    type: words.startsWith("/") ? ("bot_command" as const) : ("mention" as const),
    offset: index,
    length: words.length,
  }));
}

function repliedTo(stored: StoredChat, id: number, bot: User) {
  const own = stored.messages.get(id);
  const base = { message_id: id, date: 0, chat: stored.chat };
  if (own) return { ...base, from: bot, text: own.text };
  return { ...base, from: { id: 502, is_bot: false, first_name: "Bob" }, text: "an earlier message" };
}
