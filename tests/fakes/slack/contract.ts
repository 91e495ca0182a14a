import type { Fate } from "../fates.ts";

/** A call of the Web API as it came, with its arguments: those that are JSON are parsed. */
export interface ApiCall {
  method: string;
  args: Args;
  /** The token that it was made with. */
  token: string;
  atMs: number;
}

export type Args = Readonly<Record<string, unknown>>;

/** How a call goes wrong. */
export type Failure = (
  | { error: string; more?: Record<string, unknown> }
  | { status: number; body?: string }
  /** 429; without a number, it does not tell when to come again. */
  | { retryAfterS: number | null }
  /** The connection is cut without an answer. */
  | { drop: true }
) & {
  /** The call is done, and only its answer gets lost. */
  isDone?: boolean;
};

/** A message of a channel as people see it now. */
export interface StoredMessage {
  ts: string;
  channel: string;
  thread?: string;
  user: string;
  text: string;
  blocks: readonly Args[];
  /** What a stream has been given. */
  markdown: string;
  /** `none`: it was posted. */
  stream: "none" | "open" | "ended";
  edits: number;
  isDeleted: boolean;
  reactions: readonly string[];
  files: readonly string[];
  clientMessageId?: string;
  /** The arguments that it was posted with. */
  args: Args;
}

/** A file that is in the workspace. */
export interface StoredFile {
  id: string;
  name: string;
  mimetype: string;
  bytes: Uint8Array;
  subtype?: string;
  mode?: string;
  /** The channels that it is shared in. */
  channels: string[];
  /** How the download is answered, instead of with the bytes. */
  answer?: (request: Request) => Response;
  /** Where it is said to be, instead of where it is. */
  url?: string;
}

/** What somebody writes. */
export interface Writing {
  text: string;
  /** Default: the direct chat D0USER. Ids that begin with D are direct chats, with G group chats of people. */
  channel?: string;
  /** Default: U0USER. */
  user?: string;
  thread?: string;
  files?: readonly StoredFile[];
  /** Fields of the event that replace the usual ones. */
  more?: Record<string, unknown>;
  /** Which events tell of it. Default: `message`, and `app_mention` when a channel's message mentions the bot. */
  events?: readonly ("message" | "app_mention")[];
  /** How often each event is delivered at once. Default: 1. */
  copies?: number;
}

/** What Slack delivers, over the connection or to the address of the app. */
export interface Delivery {
  kind: "events_api" | "slash_commands" | "interactive";
  payload: Args;
  /** Which try it is; 0 is the first. */
  retry: number;
}

/** How the app answered a delivery by HTTP. */
export interface HttpAnswer {
  delivery: Delivery;
  status: number;
  body: string;
}

/** How the fake differs from Slack. */
export interface FakeSlackOptions {
  /** How much faster the clock of redeliveries runs. Default: 1000: a minute is 60 ms. */
  clock?: number;
  /** Between two pings of a connection. Default: 1000. */
  pingEveryMs?: number;
  /** After which an envelope that was not acknowledged is delivered again; Slack waits about 3 s. Default: 3000. */
  redeliverAfterMs?: number;
}

/** A workspace of Slack with one app in it, on a port of its own. */
export interface FakeSlack extends AsyncDisposable {
  /** What to configure as `api_base`. */
  readonly apiBase: string;
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  readonly teamId: string;
  readonly botUserId: string;

  /** Events go to this address from now on; null: over Socket Mode again. */
  sendTo(url: string | null): void;
  /** A person writes. The id of the message. */
  write(writing: Writing): string;
  /** Delivers the events of a message again. */
  again(ts: string): void;
  /** A person uses a slash command. Its trigger id. */
  command(command: string, text: string, more?: Record<string, unknown>): string;
  /** A person presses the button with this value below a message. The trigger id. */
  press(channel: string, ts: string, value: string, user?: string): string;
  /** Delivers anything else. */
  deliver(kind: Delivery["kind"], payload: Args): void;
  addFile(file: Omit<StoredFile, "id" | "channels"> & Partial<StoredFile>): StoredFile;

  /** Open connections of Socket Mode. */
  readonly connections: number;
  /** Connections that were ever opened. */
  readonly opened: number;
  /** Deliveries that nobody has acknowledged yet. */
  readonly pending: number;
  /** What became of the events of this message. */
  fate(ts: string): Fate;
  /** Answers of the app to deliveries by HTTP. */
  readonly answers: readonly HttpAnswer[];
  /** Cuts every connection without a close frame. */
  drop(): void;
  /** Says on every connection that it will be closed. */
  disconnect(reason: "warning" | "refresh_requested" | "link_disabled"): void;
  refuseUpgradesFor(ms: number): void;
  /** Opens connections and says nothing on them. */
  sayHello(says: boolean): void;
  ping(sends: boolean): void;

  /** The next calls of a method go wrong; `times` of them, or all. */
  fail(method: string, failure: Failure, times?: number): void;
  /** Nothing goes wrong any more. */
  heal(): void;
  calls(method?: string): readonly ApiCall[];
  /** The messages of a channel, deleted ones included, in the order in which they were posted. */
  messages(channel: string): readonly StoredMessage[];
  /** The channel refuses the app with this error; null: no more. */
  closeChannel(channel: string, error: string | null): void;
  /** Slack ends a stream by itself. */
  expire(channel: string, ts: string): void;
  /** Resolves once it is true; rejects after 20 s. */
  until(condition: () => boolean, what: string): Promise<void>;
}

/** What a call is refused with: `ok: false`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly code: string,
    readonly more: Record<string, unknown> = {},
  ) {
    super(code);
  }
}
