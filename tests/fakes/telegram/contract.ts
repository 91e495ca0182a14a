import type { Message, Update, User } from "grammy/types";
import type { MessageEntity } from "./entities.ts";

/** A call of the Bot API as it came. */
export interface Call {
  method: string;
  params: Readonly<Record<string, unknown>>;
  /** Files that came with it: the names of their fields, of themselves, and their sizes. */
  files: readonly { field: string; name: string; sizeBytes: number }[];
  atMs: number;
}

/** A message of the bot's as people see it now. */
export interface FakeMessage {
  messageId: number;
  thread: number | null;
  text: string;
  /** Of the text or of the caption. */
  entities: readonly MessageEntity[];
  /** Below a file. */
  caption: string | null;
  replyTo: number | null;
  buttons: readonly { text: string; data: string; style?: string }[];
  file: { kind: string; name: string; bytes: Uint8Array } | null;
  hasPreview: boolean;
  /** What it was before each edit, from the first text on. */
  earlier: readonly string[];
}

/** How the next calls of a method go wrong. */
export interface Failure {
  /** Answered with this error; 429 with `retryAfter` and so on. */
  errorCode?: number;
  description?: string;
  /** Seconds. */
  retryAfter?: number;
  migrateTo?: number;
  /** Answered with this status and a page that is no JSON, as a proxy does. */
  status?: number;
  /** The connection is cut without an answer, before or after the call has taken effect. */
  drop?: "before" | "after";
  /** Never answered. */
  hang?: boolean;
  /** Answered, or failed, so much later. */
  delayMs?: number;
  /** How many calls go wrong; 1 without it. */
  times?: number;
}

/** How a message of a person is made. */
export interface Writing {
  /** The chat; by default the private one with the sender. */
  chat?: number;
  from?: Partial<User>;
  thread?: number;
  /** The id of a message that it replies to. */
  replyTo?: number;
  /** What else the message holds, such as files. */
  more?: Partial<Message>;
}

/** Traits of a chat, for those that refuse messages. */
export interface ChatTraits {
  title?: string;
  isForum?: boolean;
  /** Why nothing can be sent, in Telegram's words: "Forbidden: bot was blocked by the user". */
  forbidden?: string;
  /** The group has become this supergroup. */
  migratedTo?: number;
  openTopics?: readonly number[];
  closedTopics?: readonly number[];
}

/**
 * Telegram for one bot, as a real HTTP server on loopback. It refuses what the Bot API refuses, in its words (taken from
 * tdlib/telegram-bot-api), keeps updates until they are confirmed, and shows what people would see.
 */
export interface FakeTelegram extends AsyncDisposable {
  /** What to configure as `api_base`. */
  readonly url: string;
  readonly token: string;
  readonly bot: User;

  /** A person writes; mentions and commands in the text become entities, as at Telegram. */
  write(text: string, writing?: Writing): { updateId: number; messageId: number };
  /** A person presses a button below a message. */
  press(messageId: number, data: string, writing?: Pick<Writing, "chat" | "from">): number;
  /** Any other update, which gets the next id. */
  inject(update: Omit<Update, "update_id">): number;
  /** Delivers these updates once more, or so many of the last, though they may have been confirmed. */
  redeliver(which: number | readonly number[]): void;
  /** Updates that are not confirmed. */
  readonly pending: readonly Update[];
  /** Polls that wait for an update now. */
  readonly pollers: number;
  /** A client waits for updates; there can be one only. */
  readonly isPolled: boolean;

  /** Makes the next calls of a method go wrong; "*" is any method, "file" a download. */
  fail(method: string, failure: Failure): void;
  /** Refuses every connection and cuts those that are open; and is back, under the same address. */
  goOffline(): Promise<void>;
  goOnline(): Promise<void>;

  /** Every call, or those of a method, in the order in which they came. */
  calls(method?: string): readonly Call[];
  /** The bot's messages in a chat that were not deleted. */
  messages(chat: number): readonly FakeMessage[];
  /** The drafts that a chat was shown, in order. */
  drafts(chat: number): readonly string[];
  /** The bot's reaction on a message. */
  reaction(chat: number, messageId: number): string | null;
  /** Resolves with the first value of the condition that is neither false nor undefined. Rejects when the time is up. */
  until<T>(what: string, condition: () => T | false | undefined, timeoutMs?: number): Promise<T>;

  /** Makes a chat known, so that the bot can write first, and says what is special about it. */
  chat(id: number, traits?: ChatTraits): void;
  /** A file that a message may name; `sizeBytes` is what Telegram says of its size. */
  addFile(bytes: Uint8Array, options?: { path?: string; sizeBytes?: number }): string;
}

/** What a call is answered with, when it is an error. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly parameters: { retry_after?: number; migrate_to_chat_id?: number } = {},
  ) {
    super(message);
  }
}
