import type { Fate } from "../fates.ts";
import type { BotChats } from "./bot-chats.ts";
import type { BotFrame, Writing } from "./bot-contract.ts";

/** A message that nobody has answered is brought again. */
const AGAIN_AFTER_MS = 5000;
const TRIES = 3;

/** What people write, on its way to the bot. */
export interface BotMail {
  /** Returns the id of the message. */
  write(text: string, writing: Writing): string;
  /** Brings a message once more. */
  again(msgid: string): void;
  /** What became of a message: to answer it is to acknowledge it. */
  fate(msgid: string): Fate;
  /** Somebody is connected: brings what nobody was there for. */
  connected(): void;
  stop(): void;
}

export interface BotMailParts {
  botId: string;
  chats: BotChats;
  /** How much faster time goes than on the platform. */
  clock: number;
  /** False where nobody is connected. */
  send(frame: BotFrame): boolean;
}

interface Mail {
  body: Record<string, unknown>;
  tries: number;
  /** The last try has had its time. */
  isOver: boolean;
  timer?: Timer;
}

/** Brings each message until somebody answers it, three times at most. */
export function createBotMail({ botId, chats, clock, send }: BotMailParts): BotMail {
  const written = new Map<string, Mail>();
  let isStopped = false;

  function bring(msgid: string): boolean {
    const body = written.get(msgid)?.body;
    if (body === undefined) return false;
    return send({ cmd: "aibot_msg_callback", headers: { req_id: chats.open(body) }, body });
  }

  function tryToBring(msgid: string): void {
    const message = written.get(msgid);
    if (message === undefined || isStopped) return;
    clearTimeout(message.timer);
    if (bring(msgid)) message.tries += 1;
    message.timer = setTimeout(() => {
      if (chats.isAnswered(msgid)) return;
      if (message.tries < TRIES) tryToBring(msgid);
      else message.isOver = true;
    }, AGAIN_AFTER_MS / clock);
  }

  return {
    write(text, { user = "ZhangSan", group, msgid = crypto.randomUUID(), more = {} }) {
      const place = group === undefined ? { chattype: "single" } : { chattype: "group", chatid: group };
      const body = {
        msgid,
        aibotid: botId,
        ...place,
        from: { userid: user },
        create_time: Math.floor(Date.now() / 1000),
        msgtype: "text",
        text: { content: text },
        ...more,
      };
      written.set(msgid, { body, tries: 0, isOver: false });
      tryToBring(msgid);
      return msgid;
    },
    again: (msgid) => void bring(msgid),
    fate(msgid) {
      if (chats.isAnswered(msgid)) return "taken";
      return written.get(msgid)?.isOver ? "given up" : "open";
    },
    connected() {
      for (const [msgid, { tries }] of written) if (tries === 0) tryToBring(msgid);
    },
    stop() {
      isStopped = true;
      for (const { timer } of written.values()) clearTimeout(timer);
    },
  };
}
