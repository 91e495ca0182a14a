import { createCards } from "./cards.ts";

const MAX_TEXT_BYTES = 20_480;
const MAX_WELCOME_MS = 5000;
/** The sign that somebody thinks; nobody reads it. */
const THINKING = "<think></think>";

/** A message of the bot, as people in the chat see it. */
export interface ShownBotMessage {
  chat: string;
  type: "stream" | "markdown" | "welcome" | "image" | "file" | "voice" | "video" | "template_card";
  /** The text; of a file, its id; of a card, its title and its buttons. */
  text: string;
  /** Of a stream: nothing more comes. */
  isFinished: boolean;
  /** Every text that it showed, in turn. */
  history: string[];
  /** The message that it answers. */
  answers?: string;
}

/** What is written in the chats of a bot. */
export interface BotChats {
  /** A message is brought: by this `req_id` it can be answered. */
  open(body: Record<string, unknown>): string;
  enter(user: string): string;
  isAnswered(msgid: string): boolean;
  /** These return the number of an error. */
  respond(reqId: string, body: Record<string, unknown>): number;
  welcome(reqId: string, body: Record<string, unknown>): number;
  send(body: Record<string, unknown>, hasMedia: (id: string) => boolean): number;
  /** The text of a frame; empty for a sign of being at work, null for a frame without one. */
  textIn(cmd: string, body: Record<string, unknown>): string | null;
  shown(): readonly ShownBotMessage[];
  expire(): void;
}

interface Opened {
  chat: string;
  msgid: string;
  streamId: string | null;
  shown: ShownBotMessage | null;
  isExpired: boolean;
}

export function createBotChats(): BotChats {
  const shown: ShownBotMessage[] = [];
  const cards = createCards();
  const opened = new Map<string, Opened>();
  const entered = new Map<string, { user: string; atMs: number }>();

  return {
    open(body) {
      const reqId = crypto.randomUUID();
      const chat = String(body["chatid"] ?? (body["from"] as { userid: string }).userid);
      const msgid = String(body["msgid"]);
      opened.set(reqId, { chat, msgid, streamId: null, shown: null, isExpired: false });
      return reqId;
    },
    enter(user) {
      const reqId = crypto.randomUUID();
      entered.set(reqId, { user, atMs: Date.now() });
      return reqId;
    },
    isAnswered: (msgid) => [...opened.values()].some((one) => one.msgid === msgid && one.shown !== null),
    respond(reqId, { msgtype, stream }) {
      const exchange = opened.get(reqId);
      const { id, finish = false, content = "" } = (stream ?? {}) as Stream;
      if (exchange === undefined || (exchange.streamId ?? id) !== id) return 846605;
      if (exchange.isExpired || exchange.shown?.isFinished) return 846608;
      if (msgtype !== "stream" || id === undefined || content === "") return 40008;
      if (Buffer.byteLength(content) > MAX_TEXT_BYTES) return 45002;
      exchange.streamId = id;
      if (exchange.shown === null) {
        const { chat, msgid } = exchange;
        exchange.shown = { chat, type: "stream", text: "", isFinished: false, history: [], answers: msgid };
        shown.push(exchange.shown);
      }
      Object.assign(exchange.shown, { text: content === THINKING ? "" : content, isFinished: finish });
      exchange.shown.history.push(content);
      return 0;
    },
    welcome(reqId, { text }) {
      const { user, atMs } = entered.get(reqId) ?? { user: "", atMs: 0 };
      if (Date.now() - atMs > MAX_WELCOME_MS) return 846605;
      const { content = "" } = (text ?? {}) as { content?: string };
      shown.push({ chat: user, type: "welcome", text: content, isFinished: true, history: [content] });
      return 0;
    },
    send(body, hasMedia) {
      const type = String(body["msgtype"]);
      const { content: text, media_id: media } = (body[type] ?? {}) as {
        content?: string;
        media_id?: string;
      };
      const content = type === "template_card" ? cards.take(body[type]) : text;
      if (typeof content === "number") return content;
      const chat = String(body["chatid"] ?? "");
      if (chat === "" || (content === undefined && media === undefined)) return 40008;
      if (Buffer.byteLength(content ?? "") > MAX_TEXT_BYTES) return 45002;
      if (media !== undefined && !hasMedia(media)) return 40007;
      const seen = content ?? media ?? "";
      const message = { chat, type: type as ShownBotMessage["type"], text: seen };
      shown.push({ ...message, isFinished: true, history: [seen] });
      return 0;
    },
    textIn(cmd, { stream, markdown }) {
      const { content } = ((cmd === "aibot_respond_msg" ? stream : markdown) ?? {}) as Stream;
      return content === THINKING ? "" : (content ?? null);
    },
    shown: () => shown.filter(({ text }) => text !== ""),
    expire() {
      for (const exchange of opened.values()) exchange.isExpired = true;
    },
  };
}

interface Stream {
  id?: string;
  finish?: boolean;
  content?: string;
}
