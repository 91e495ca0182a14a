import type { Fate } from "../fates.ts";
import type { ShownBotMessage } from "./bot-chats.ts";
import type { UploadedFile } from "./bot-uploads.ts";

/** A frame in either direction. */
export interface BotFrame {
  cmd?: string;
  headers: { req_id: string };
  body?: Record<string, unknown>;
  errcode?: number;
  errmsg?: string;
}

/** How a frame fares. */
export interface Failure {
  errcode?: number;
  /** Default: words that say nothing. */
  errmsg?: string;
  dropAck?: boolean;
}

/** What somebody writes, and where. */
export interface Writing {
  user?: string;
  /** In this group; the text begins with the mention then. */
  group?: string;
  /** Default: a new one. */
  msgid?: string;
  /** More of the body, such as another `msgtype` and a quote. */
  more?: Record<string, unknown>;
}

/** WeCom with one AI bot (https://developer.work.weixin.qq.com/document/path/101463). */
export interface FakeWecomBot extends AsyncDisposable {
  /** As a configuration has it. */
  readonly url: string;
  readonly socketUrl: string;
  readonly botId: string;
  readonly secret: string;
  /** Somebody writes. Resolves to the id of the message. */
  write(text: string, writing?: Writing): string;
  /** Brings a message once more. */
  again(msgid: string): void;
  /** What became of a message. */
  fate(msgid: string): Fate;
  /** An event, such as `enter_chat`. Returns its `req_id`. */
  event(eventtype: string, user?: string): string;
  /** Somebody presses the button of this key. */
  press(key: string, pressing?: { user?: string; group?: string; msgid?: string }): void;
  messages(chat?: string): readonly ShownBotMessage[];
  /** Frames of the bot, of this command. */
  frames(cmd?: string): readonly BotFrame[];
  /** Connections that have subscribed. */
  readonly connections: number;
  /** Connections that were ever opened. */
  readonly opened: number;
  /** Cuts the connection without a word. */
  drop(): void;
  refuseUpgradesFor(ms: number): void;
  /** Answers no ping from now on. */
  fallSilent(): void;
  /** The next frames of this command are refused, or done and never acknowledged. */
  fail(cmd: string, failure: Failure & { times?: number }): void;
  /** The next texts are refused, whether they answer or not. */
  failTexts(errcode: number, times: number): void;
  /** Signs of being at work are refused from now on. */
  failSigns(): void;
  /** The bot's secret is worth nothing any more, and its connection is cut. */
  revoke(): void;
  /** Streams cannot grow any more. */
  expireStreams(): void;
  uploaded(mediaId: string): UploadedFile | undefined;
  /** A file as a message brings it. */
  addFile(bytes: Uint8Array, name?: string, isBroken?: boolean): { url: string; aeskey: string };
  until(condition: () => boolean, what: string): Promise<void>;
}
