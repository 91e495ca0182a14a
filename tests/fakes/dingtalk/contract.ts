import type { Fate } from "../fates.ts";

/** How somebody writes to the robot. */
export interface Writing {
  text?: string;
  /** Number of the person; 1 without it. */
  person?: number;
  /** They are of another organization: DingTalk tells no user id of them. */
  isOutside?: boolean;
  inGroup?: boolean;
  /** In the group: with a mention. True without it. */
  mention?: boolean;
  /** Whatever else the payload holds, or holds instead. */
  more?: Record<string, unknown>;
}

/** A message of the robot's as people see it now. */
export interface Shown {
  conversationId: string;
  via: "webhook" | "robot" | "card";
  /** As DingTalk names the kind: `text`, `markdown`, `sampleMarkdown`... */
  kind: string;
  /** The text, or what a card shows. */
  text: string;
  title: string;
  /** The request that made it. */
  request: Readonly<Record<string, unknown>>;
  isRecalled: boolean;
  /** Of a card: what it showed before, and whether it has ended. */
  earlier: string[];
  isFinal: boolean;
  /** By what it is recalled, and a card is written to. */
  key: string;
  outTrackId: string;
}

/** A call of the API as it came. */
export interface ApiCall {
  route: Route;
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  json: Readonly<Record<string, unknown>>;
  atMs: number;
}

/** The calls that DingTalk takes. */
export type Route =
  | "token"
  | "connection"
  | "webhook"
  | "person"
  | "group"
  | "recall"
  | "file"
  | "bytes"
  | "upload"
  | "card"
  | "card text"
  | "card data"
  | "reaction";

/** How calls go wrong. */
export type Failure = {
  /** The call is done, and only its answer goes wrong. */
  isDone?: boolean;
} & (
  | { status: number; code?: string; retryAfterS?: number; more?: Record<string, unknown> }
  /** Answered with 200, as the older API and webhooks do. */
  | { errcode: number; errmsg?: string }
  /** Never answered. */
  | { hangs: true }
);

/** What a call is answered with, when it is an error of the newer API. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly more: Record<string, unknown> = {},
  ) {
    super(code);
  }
}

/** What a call is answered with, when it is an error of the older API. */
export class OlderError extends Error {
  constructor(
    readonly errcode: number,
    message: string,
  ) {
    super(message);
  }
}

/** What the posts to the address of a robot were answered with; 0 for no answer. */
export interface CallbackAnswer {
  msgId: string;
  status: number;
}

/** Settings of a fake. */
export interface FakeDingTalkOptions {
  /** What is not acknowledged is sent again after so long; DingTalk itself waits for a minute. */
  redeliverAfterMs?: number;
  /** Between the pings of DingTalk's own. */
  pingEveryMs?: number;
  /** Where it sends clients to; to itself without it. */
  endpoint?: string;
}

/**
 * DingTalk for one app with a robot, on loopback: the API and its tokens, Stream mode, the webhooks of conversations, cards and
 * files. It refuses what DingTalk refuses, as far as that is known; what is a guess says so where it stands.
 */
export interface FakeDingTalk extends AsyncDisposable {
  /** What to configure as `api_base`. */
  readonly apiBase: string;
  readonly appKey: string;
  readonly appSecret: string;
  readonly cardTemplateId: string;
  readonly groupId: string;
  /** The user id of a person. */
  staffId(person: number): string;
  /** The id that DingTalk tells of everybody, in place of a user id. */
  senderId(person: number): string;
  directId(person: number): string;

  /** Somebody writes to the robot. Returns the id of the message. */
  write(writing: Writing): string;
  /** Delivers a message once more. */
  again(msgId: string): void;
  /** Sends any frame. */
  sendFrame(frame: object): void;
  /** From now on messages are posted to this address, signed; null: over the connection. */
  postTo(url: string | null): void;
  readonly callbackAnswers: readonly CallbackAnswer[];
  /** What became of a message. Over the connection, DingTalk gives nothing up. */
  fate(msgId: string): Fate;

  /** Connections that are open, and how many there were in all. */
  readonly connections: number;
  readonly opened: number;
  /** Messages that are not acknowledged. */
  readonly pending: number;
  /** What clients have answered to frames, parsed. */
  readonly acknowledged: readonly Readonly<Record<string, unknown>>[];
  drop(): void;
  /** Asks the client to connect anew. */
  disconnect(): void;
  refuseUpgradesFor(ms: number): void;
  /** Upgrades that were refused. */
  readonly refusedUpgrades: number;

  /** The messages of the robot in a conversation, the oldest first. */
  shown(conversationId: string): readonly Shown[];
  calls(route?: Route): readonly ApiCall[];
  fail(route: Route, failure: Failure, times?: number): void;
  heal(): void;
  /** Makes the tokens that were given out worth nothing. */
  expireTokens(): void;
  /** Makes the webhooks of conversations worth nothing, before their time. */
  expireWebhooks(): void;
  /** From now on the secret is another one. */
  changeSecret(): void;
  /** A file that a message may bring; returns its download code. */
  addFile(bytes: Uint8Array, mediaType?: string): string;
  /** Files that were uploaded, by their media id. */
  readonly uploads: ReadonlyMap<string, File>;
  until(condition: () => boolean, what: string): Promise<void>;
}
