/** A value of JSON with names. */
export type Json = Record<string, unknown>;

/** A call of the server API as it came. */
export interface ApiCall {
  /** As `POST /im/v1/messages/:id/reply`: ids are told apart from names. */
  route: string;
  path: string;
  query: Readonly<Record<string, string>>;
  json: Json;
  /** The parts of a form, files as their bytes. */
  form: Readonly<Record<string, string | Uint8Array>>;
  token: string;
  atMs: number;
}

/** How a call goes wrong. */
export type Failure = (
  | { code: number; msg?: string; status?: number; headers?: Record<string, string> }
  /** Something that is no JSON. */
  | { status: number; page: string }
  /** The connection is cut without an answer. */
  | { drop: true }
  /** It is answered only when the server ends. */
  | { hang: true }
) & {
  /** The call is done, and only its answer gets lost. */
  isDone?: boolean;
};

/** A message of a chat as people see it now. */
export interface StoredMessage {
  id: string;
  chat: string;
  root?: string;
  parent?: string;
  thread?: string;
  type: string;
  /** As it was sent or changed, parsed. */
  content: Json;
  /** The id of the card that it shows; of one that stands in the message itself there is none. */
  cardId?: string;
  isFromBot: boolean;
  sender: string;
  createdAtMs: number;
  edits: number;
  isDeleted: boolean;
  reactions: { id: string; emoji: string; isFromBot: boolean }[];
  mentions: Json[];
}

/** A card of its own. */
export interface StoredCard {
  id: string;
  card: Json;
  isStreaming: boolean;
  sequence: number;
  /** It can be sent once. */
  isSent: boolean;
  /** The texts that it was given while it grew. */
  texts: string[];
}

/** What somebody writes. */
export interface Writing {
  text?: string;
  /** Default: the direct chat of the person. */
  chat?: string;
  /** Default: `ou_user`. */
  user?: string;
  /** The bot is mentioned at the beginning of the text. */
  mention?: boolean;
  /** It replies to this message. */
  parent?: string;
  /** It stands in the thread that this message began. */
  thread?: string;
  /** Something other than text: the type and the content. */
  content?: readonly [type: string, content: Json];
  mentions?: readonly Json[];
  senderType?: string;
  /** Into how many frames the event is cut, and in which order they come. */
  pieces?: readonly number[];
}

/** How an event was acknowledged over the long connection. */
export interface Ack {
  eventId: string;
  code: number;
  headers: readonly (readonly [string, string])[];
  seqId: bigint;
  logId: bigint;
  service: number;
}

/** How the app answered a callback. */
export interface CallbackAnswer {
  eventId: string;
  status: number;
  body: string;
}

/** How the fake differs from Feishu. */
export interface FakeFeishuOptions {
  /** In seconds, as Feishu tells it. Default: 0.2. */
  pingInterval?: number;
  reconnectInterval?: number;
  reconnectNonce?: number;
  reconnectCount?: number;
  /** After which an event that was not acknowledged is delivered again; Feishu waits 15 s first. Default: 3000. */
  redeliverAfterMs?: number;
  /** How much faster the clock of redelivered callbacks runs. Default: 1000. */
  clock?: number;
  /** Keys of callbacks. */
  encryptKey?: string;
  verificationToken?: string;
  tokenLifetimeS?: number;
}

/** What a call is refused with. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly code: number,
    readonly msg: string,
    readonly status = 400,
    readonly headers: Record<string, string> = {},
  ) {
    super(msg);
  }
}
