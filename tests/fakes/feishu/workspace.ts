import { ApiError, type Json, type StoredCard, type StoredMessage } from "./contract.ts";

const UUID_LIFETIME_MS = 3_600_000;

/** What the tenant of the fake holds: chats, messages, cards and files. */
export interface Workspace {
  readonly messages: StoredMessage[];
  readonly cards: Map<string, StoredCard>;
  readonly files: Map<string, { bytes: Uint8Array; type: string; name: string }>;
  readonly names: Map<string, string>;
  /** Chats that the bot is not in, or may not write in, and the code that it gets there. */
  readonly closed: Map<string, number>;
  nextId(prefix: string): string;
  /** As ids of cards are: 19 digits. */
  nextNumber(): string;
  find(id: string): StoredMessage;
  add(
    message: Omit<StoredMessage, "id" | "createdAtMs" | "edits" | "isDeleted" | "reactions" | "mentions"> &
      Partial<StoredMessage>,
  ): StoredMessage;
  /** The message that was sent with this id within the last hour. */
  sentWith(uuid: string): StoredMessage | undefined;
  rememberUuid(uuid: string, message: StoredMessage): void;
  isGroup(chat: string): boolean;
}

/** An empty tenant. Ids are of Feishu's form; direct chats have a `p2p` in theirs. */
export function createWorkspace(): Workspace {
  const messages: StoredMessage[] = [];
  const uuids = new Map<string, { message: StoredMessage; atMs: number }>();
  let count = 0;
  const nextId = (prefix: string) =>
    `${prefix}_${Bun.hash.xxHash64(`${prefix}${++count}`).toString(16).padStart(16, "0")}`;
  return {
    messages,
    cards: new Map(),
    files: new Map(),
    names: new Map(),
    closed: new Map(),
    nextId,
    nextNumber: () => `7355${String(++count).padStart(15, "0")}`,
    find(id) {
      const found = messages.find((message) => message.id === id);
      if (found === undefined)
        throw new ApiError(
          230001,
          "Your request contains an invalid request parameter, ext=invalid message_id.",
        );
      return found;
    },
    add(message) {
      const stored: StoredMessage = {
        id: nextId("om"),
        createdAtMs: Date.now(),
        edits: 0,
        isDeleted: false,
        reactions: [],
        mentions: [],
        ...message,
      };
      messages.push(stored);
      return stored;
    },
    sentWith(uuid) {
      const known = uuids.get(uuid);
      return known !== undefined && Date.now() - known.atMs < UUID_LIFETIME_MS ? known.message : undefined;
    },
    rememberUuid: (uuid, message) => void uuids.set(uuid, { message, atMs: Date.now() }),
    isGroup: (chat) => !chat.includes("p2p"),
  };
}

/** Parses what a call says is JSON in a text. */
export function parseText(text: unknown, what: string): Json {
  try {
    const value: unknown = JSON.parse(String(text));
    if (typeof value === "object" && value !== null) return value as Json;
  } catch {
    // told below
  }
  throw new ApiError(
    230001,
    `Your request contains an invalid request parameter, ext=${what} is not in json format.`,
  );
}
