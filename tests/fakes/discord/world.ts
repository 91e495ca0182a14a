import { createSnowflakes } from "./snowflakes.ts";

/** A person or a bot. */
export interface FakeUser {
  id: string;
  username: string;
  bot?: boolean;
}

/** A text channel (0), a direct chat (1) or a public thread (11). */
export interface FakeChannel {
  id: string;
  type: 0 | 1 | 11;
  guildId?: string;
  /** The channel that a thread is in. */
  parentId?: string;
  /** The other side of a direct chat. */
  recipient?: FakeUser;
}

export interface FakeAttachment {
  id: string;
  filename: string;
  content_type: string;
  size: number;
  url: string;
  proxy_url: string;
  duration_secs?: number;
  waveform?: string;
}

/** A message as Discord shows it to a client; what is not used in tests is there all the same, so that clients accept it. */
export interface FakeMessage {
  id: string;
  channel_id: string;
  type: number;
  content: string;
  author: FakeUser & { discriminator: string; avatar: null; global_name: string | null };
  timestamp: string;
  edited_timestamp: string | null;
  tts: boolean;
  mention_everyone: boolean;
  mentions: unknown[];
  mention_roles: string[];
  attachments: FakeAttachment[];
  embeds: unknown[];
  components: unknown[];
  pinned: boolean;
  flags: number;
  nonce?: string;
  webhook_id?: string;
  message_reference?: { type?: number; message_id?: string; channel_id?: string; guild_id?: string };
  referenced_message?: FakeMessage | null;
  message_snapshots?: unknown[];
  sticker_items?: { id: string; name: string; format_type: number }[];
}

/** What a message may have besides its text. */
export type MessageParts = Partial<
  Omit<FakeMessage, "id" | "channel_id" | "content" | "author" | "timestamp" | "edited_timestamp">
>;

/** Everything that Discord remembers: who is there, what was written, which reactions stand. */
export interface World {
  readonly bot: FakeUser;
  readonly applicationId: string;
  readonly guilds: ReadonlyMap<string, { id: string; name: string }>;
  readonly channels: ReadonlyMap<string, FakeChannel>;
  nextId(): string;
  addGuild(name: string): string;
  addChannel(channel: Omit<FakeChannel, "id">, id?: string): FakeChannel;
  removeChannel(id: string): void;
  addUser(username: string): FakeUser;
  write(channelId: string, author: FakeUser, content: string, parts?: MessageParts): FakeMessage;
  find(channelId: string, messageId: string): FakeMessage | undefined;
  /** All messages of a channel, the oldest first. */
  messages(channelId: string): FakeMessage[];
  remove(channelId: string, messageId: string): boolean;
  /** The messages of the bot by their nonce. */
  readonly nonces: Map<string, { message: FakeMessage; atMs: number }>;
  /** The reactions of the bot by message. */
  reactions(messageId: string): Set<string>;
  attach(file: { name: string; type: string; bytes: Uint8Array }, origin: string): FakeAttachment;
  attachment(id: string): { type: string; bytes: Uint8Array } | undefined;
}

export function createWorld(): World {
  const nextId = createSnowflakes();
  const bot: FakeUser = { id: nextId(), username: "hermes", bot: true };
  const guilds = new Map<string, { id: string; name: string }>();
  const channels = new Map<string, FakeChannel>();
  const written = new Map<string, Map<string, FakeMessage>>();
  const reactions = new Map<string, Set<string>>();
  const attachments = new Map<string, { type: string; bytes: Uint8Array }>();
  const inChannel = (channelId: string) => {
    const known = written.get(channelId) ?? new Map<string, FakeMessage>();
    written.set(channelId, known);
    return known;
  };
  return {
    bot,
    applicationId: bot.id,
    guilds,
    channels,
    nonces: new Map(),
    nextId,
    addGuild(name) {
      const id = nextId();
      guilds.set(id, { id, name });
      return id;
    },
    addChannel(channel, id = nextId()) {
      const added = { ...channel, id };
      channels.set(id, added);
      return added;
    },
    removeChannel(id) {
      channels.delete(id);
      written.delete(id);
    },
    addUser: (username) => ({ id: nextId(), username }),
    write(channelId, author, content, parts = {}) {
      const message = newMessage(nextId(), channelId, author, content, parts);
      inChannel(channelId).set(message.id, message);
      return message;
    },
    find: (channelId, messageId) => inChannel(channelId).get(messageId),
    messages: (channelId) => [...inChannel(channelId).values()],
    remove: (channelId, messageId) => inChannel(channelId).delete(messageId),
    reactions(messageId) {
      const known = reactions.get(messageId) ?? new Set<string>();
      reactions.set(messageId, known);
      return known;
    },
    attach({ name, type, bytes }, origin) {
      const id = nextId();
      attachments.set(id, { type, bytes });
      const url = `${origin}/attachments/${id}/${encodeURIComponent(name)}`;
      return { id, filename: name, content_type: type, size: bytes.length, url, proxy_url: url };
    },
    attachment: (id) => attachments.get(id),
  };
}

function newMessage(
  id: string,
  channelId: string,
  author: FakeUser,
  content: string,
  parts: MessageParts,
): FakeMessage {
  return {
    id,
    channel_id: channelId,
    type: parts.referenced_message ? 19 : 0,
    content,
    author: { ...author, discriminator: "0", avatar: null, global_name: null },
    timestamp: new Date().toISOString(),
    edited_timestamp: null,
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: [],
    embeds: [],
    components: [],
    pinned: false,
    flags: 0,
    ...parts,
  };
}
