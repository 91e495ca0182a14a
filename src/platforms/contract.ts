import type { AccountSettings } from "../config/accounts.ts";
import type { Config } from "../config/schema.ts";

export type { AccountSettings } from "../config/accounts.ts";

/** The platforms that can be configured. */
export type PlatformId = keyof Config["platforms"];

/** A place where people and the bot write. Ids are the platform's own, as text. */
export interface ChatAddress {
  chat: string;
  /** The topic or thread within the chat. */
  thread?: string;
}

/** Who wrote. The id never changes hands; the name is only for showing and proves nothing. */
export interface Sender {
  id: string;
  name: string;
  /** The language of the sender's client (BCP 47), where the platform tells it. */
  language?: string;
}

/** What a file is to a person; `voice` is what the sender spoke into the chat, as the message itself. */
export type FileKind = "image" | "voice" | "audio" | "video" | "document";

/** A file that came with a message; its bytes stay with the platform until somebody asks for them. */
export interface InboundFile {
  kind: FileKind;
  /** How `fetchFile` finds it: opaque, small, and holding no secret. */
  ref: string;
  /** As the sender named it: not to be trusted as a path. */
  name?: string;
  mediaType?: string;
  sizeBytes?: number;
}

/** Something that people did in a chat and that an account received. */
export type InboundEvent = InboundMessage | ChatMoved;

/** A message, a command or a press of a button. */
export interface InboundMessage {
  type: "message";
  /**
   * The platform's own id of the delivery, unique within the account: the same however often, and by whichever way, the
   * platform delivers it.
   */
  id: string;
  address: ChatAddress;
  /** `direct`: nobody but the sender and the bot reads along. */
  scope: "direct" | "group";
  /** For allow-lists of groups, besides `address.chat`: the server or the parent channel, such as a guild's id. */
  spaces?: readonly string[];
  sender: Sender;
  /** Without the mention of the bot and without the platform's escapes. */
  text: string;
  /** In a group: it is meant for the bot, by a mention, a reply to it, a command or a button. */
  isForBot: boolean;
  /** The id to reply to and to react to; absent for what is no message of the chat, such as a button. */
  messageId?: string;
  /** What the message replies to, when the platform sends it along. */
  quoted?: { text: string; isFromBot: boolean };
  /** The words of somebody else's that it passes on; `text` is then what the sender says to them. `from`: whose, if known. */
  forwarded?: { text: string; from?: string };
  files?: readonly InboundFile[];
  /** The value of the button that was pressed; `text` is empty then. */
  button?: string;
  /** Buttons of this platform stay where they are, whatever becomes of them: what a press has done is told by a message. */
  buttonStays?: true;
}

/** A chat goes on under another id. */
export interface ChatMoved {
  type: "moved";
  id: string;
  from: string;
  to: string;
}

/** A button below a message. */
export interface Button {
  label: string;
  /** What comes back as `InboundMessage.button`; at most 64 bytes. */
  value: string;
  style?: "good" | "bad";
}

/** A file to be sent. */
export interface OutboundFile {
  name: string;
  mediaType: string;
  bytes: Uint8Array;
}

/** One message to be sent: a part that fits (see `Platform.fits`). */
export interface OutboundMessage {
  address: ChatAddress;
  /** Who reads along there, where it is known. */
  scope?: InboundMessage["scope"];
  markdown: string;
  /** The message that it answers. When that is gone, the message is sent without. */
  replyTo?: string;
  buttons?: readonly Button[];
  /** Sent with the text, or after it where the platform has no such thing. */
  files?: readonly OutboundFile[];
  /** The same at every try; platforms with such a thing show the message once. At most 64 characters of [A-Za-z0-9_:-]. */
  idempotencyId: string;
  /** It may have been sent already, by a process that died before it could note that, or without an answer. */
  mayBeThere?: true;
  /** It will grow by `edit` until one without `isPartial`. */
  isPartial?: boolean;
  /** Who asked for it, for platforms that must be told whom a growing message is for. */
  recipient?: { user: string; space?: string };
}

/** A message that the platform has taken. */
export interface Sent {
  messageId: string;
}

/** The bytes of a file that came with a message. */
export interface FetchedFile {
  bytes: Uint8Array;
  /** As the platform says, or as the bytes say. */
  mediaType: string;
  name?: string;
}

/** A native command of the bot's menu; descriptions by language. */
export interface MenuCommand {
  name: string;
  /** Other words for it. They work where a command is written as text; menus show the name alone. */
  aliases?: readonly string[];
  description: { en: string; zh: string };
}

/** Resolves once the event is on disk, or was refused for good; only then may an adapter acknowledge it or move on. */
export type Emit = (event: InboundEvent) => Promise<void>;

/** Who the bot is on its platform. */
export interface BotIdentity {
  id: string;
  name: string;
}

/** How a connection tells how it is. */
export interface ConnectionHooks {
  emit: Emit;
  /** It is connected, as this bot. Called again after every reconnect. */
  connected(identity: BotIdentity): void;
  /** A poll answered, a heartbeat was acknowledged: whatever shows that the connection lives. Cheap. */
  alive(): void;
  /** The connection broke, or is of no use yet, and the adapter itself goes on trying. `hint`: what somebody could do about it. */
  reconnecting(reason: string, hint?: string): void;
  /** What the adapter saved last, from the process before too; null at first. */
  readonly state: unknown;
  /** Where calls to the account's webhook arrive, below the public address, such as `/webhook/telegram/work`. */
  readonly webhookPath: string;
  /**
   * Keeps a small JSON value over restarts. Written behind the events that are emitted in the same tick or before. Resolves once
   * it is on disk, or, with an account that receives over a connection, once it is left out: as long as an event before it could
   * not be taken and has not come again. A rejection may be left to itself.
   */
  saveState(state: unknown): Promise<void>;
  log(level: "debug" | "info" | "warn", message: string, fields?: Record<string, unknown>): void;
}

/** A request to the webhook of an account, its body read and within the limit. */
export interface WebhookRequest {
  method: "GET" | "POST";
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  body: Uint8Array;
  /** When the request came, in milliseconds since the epoch. */
  receivedAtMs: number;
}

/** The answer to a webhook. */
export interface WebhookAnswer {
  status: number;
  contentType?: string;
  body?: string;
}

/**
 * A connected account. It lives in a worker of its own. Three members are needed; the rest are abilities that a platform has
 * or has not. Every call rejects with a `PlatformError`.
 */
export interface PlatformAdapter {
  send(message: OutboundMessage, signal: AbortSignal): Promise<Sent>;
  /**
   * Receives until the signal aborts, then resolves; what is still to be sent can be sent after that. Reconnects by itself; rejects
   * when that cannot help.
   */
  listen?(hooks: ConnectionHooks, signal: AbortSignal): Promise<void>;
  /** Lets go of what it still sends with after it has stopped receiving. Never rejects. */
  close?(): Promise<void>;
  /** Verifies, emits and answers a request. A forged one is answered with 401 and emits nothing. */
  webhook?(request: WebhookRequest, hooks: ConnectionHooks): Promise<WebhookAnswer>;
  /** Replaces the text and the buttons of a message. One that is the same already is no error. */
  edit?(sent: Sent, message: OutboundMessage, signal: AbortSignal): Promise<void>;
  /** Shows a growing answer that is no message yet; a plain `send` follows at its end. False where the chat has no such thing. */
  draft?(message: OutboundMessage, signal: AbortSignal): Promise<boolean>;
  remove?(address: ChatAddress, sent: Sent, signal: AbortSignal): Promise<void>;
  /** Shows for some seconds that the bot is at work. */
  typing?(address: ChatAddress, signal: AbortSignal): Promise<void>;
  /** Puts the bot's reaction on a message in place of the one before; null takes it away. */
  react?(
    address: ChatAddress,
    messageId: string,
    reaction: Reaction | null,
    signal: AbortSignal,
  ): Promise<void>;
  /** Rejects with `refused` for a file over `maxBytes` or one that is no file. */
  fetchFile?(file: InboundFile, maxBytes: number, signal: AbortSignal): Promise<FetchedFile>;
  /** Makes these commands known to the platform; needed once per start. */
  registerCommands?(commands: readonly MenuCommand[], signal: AbortSignal): Promise<void>;
}

/** What the bot says of a message with one sign: it is seen, it is answered, it failed. */
export type Reaction = "seen" | "done" | "failed";

/** So many messages at once, and so many in the long run. */
export interface Rate {
  burst: number;
  perSecond: number;
}

/** What a platform bears. */
export interface PlatformLimits {
  /** Between two edits of a growing message. */
  editEveryMs: { direct: number; group: number };
  /** How often `typing` has to be repeated. */
  typingEveryMs: number;
  pace: { direct: Rate; group: Rate; account: Rate };
  /** Calls of the webhook that may be open at once, for platforms whose calls wait for the answer; a usual number otherwise. */
  webhooksInFlight?: number;
  /** Without a sign of life for so long, the connection counts as dead and is made anew. */
  silenceMs: number;
}

/** A platform as the gateway knows it before it connects. Loading it loads no SDK. */
export interface Platform<Id extends PlatformId = PlatformId> {
  id: Id;
  /** As people write it. */
  title: string;
  limits: PlatformLimits;
  /** Whether it receives over its own connection or by calls to its webhook. */
  receivesBy(account: AccountSettings<Id>): "connection" | "webhook";
  /** What makes two configurations the same bot, of which only one process may receive. Secret: shown to nobody. */
  credential(account: AccountSettings<Id>): string;
  /**
   * True where the platform gives the bot a single connection, so that whoever connects throws the other out: it is left to who
   * receives, also for sending.
   */
  hasOneConnection?(account: AccountSettings<Id>): boolean;
  /** The language of most people there, for words to somebody who has not shown another. Default: English. */
  homeLanguage?(account: AccountSettings<Id>): "en" | "zh";
  /** True when the part, as this account sends it, stays within the platform's limit of length. */
  fits(markdown: string, account: AccountSettings<Id>): boolean;
  /**
   * For secrets that stand in a header: whether a request may go on, before its body is read. Absent where only the body
   * tells.
   */
  admits?(headers: Readonly<Record<string, string>>, account: AccountSettings<Id>): boolean;
  /** Loads the SDK and makes the account ready to send. Called in the worker. Does not wait for the network. */
  connect(account: AccountSettings<Id>): Promise<PlatformAdapter>;
}

/**
 * Why a call failed, in the only words that the gateway acts on. `rate_limited`: again after `retryAfterMs`. `unavailable`: again
 * later. `refused`: this message never. `moved`: again at `movedTo`. `unauthorized`: the account can do nothing until somebody
 * changes its settings. `conflict`: somebody else receives for this account.
 */
export type PlatformErrorKind =
  | "rate_limited"
  | "unavailable"
  | "refused"
  | "moved"
  | "unauthorized"
  | "conflict";

/** A failed call. The message and the hint are fit for the operator and hold no secret. */
export class PlatformError extends Error {
  override readonly name = "PlatformError";
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly movedTo: string | undefined;

  constructor(
    readonly kind: PlatformErrorKind,
    message: string,
    options: { hint?: string; retryAfterMs?: number; movedTo?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    const { retryAfterMs = -1 } = options;
    // It comes from the platform's answer, and may be anything.
    this.retryAfterMs = Number.isFinite(retryAfterMs) && retryAfterMs >= 0 ? retryAfterMs : undefined;
    this.movedTo = options.movedTo;
  }
}
