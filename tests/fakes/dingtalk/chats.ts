import { randomUUID } from "node:crypto";
import { OlderError, type Shown } from "./contract.ts";
import { GROUP_ID } from "./people.ts";

/** "send too fast, exceed 20 times per minute" */
const MAX_PER_MINUTE = 20;
const MAX_WEBHOOK_BYTES = 20_000;

/** What the robot has said, and the webhooks by which it may. */
export interface Chats {
  readonly messages: Shown[];
  add(message: Pick<Shown, "conversationId" | "via" | "kind" | "text" | "title" | "request">): Shown;
  /** The secret part of a webhook for a conversation. */
  openSession(conversationId: string): string;
  expireSessions(): void;
  /** `POST /robot/sendBySession`. */
  sendBySession(session: string, request: Record<string, unknown>): object;
}

export function createChats(): Chats {
  const messages: Shown[] = [];
  const sessions = new Map<string, string>();
  const sentAtMs: number[] = [];

  const add: Chats["add"] = (message) => {
    const whole: Shown = {
      ...message,
      isRecalled: false,
      earlier: [],
      isFinal: true,
      key: randomUUID(),
      outTrackId: "",
    };
    messages.push(whole);
    return whole;
  };
  return {
    messages,
    add,
    openSession(conversationId) {
      const session = randomUUID().replaceAll("-", "");
      sessions.set(session, conversationId);
      return session;
    },
    expireSessions: () => sessions.clear(),
    sendBySession(session, request) {
      const conversationId = sessions.get(session);
      if (conversationId === undefined) throw new OlderError(300001, "session 不存在");
      if (Buffer.byteLength(JSON.stringify(request)) > MAX_WEBHOOK_BYTES)
        throw new OlderError(460101, "message too long, exceed 20000 bytes");
      const lately = sentAtMs.filter((atMs) => Date.now() - atMs < 60_000);
      if (conversationId === GROUP_ID && lately.length >= MAX_PER_MINUTE)
        throw new OlderError(130101, "send too fast, exceed 20 times per minute");
      if (conversationId === GROUP_ID) sentAtMs.push(Date.now());
      const kind = String(request["msgtype"]);
      const content = request[kind] as { content?: string; text?: string; title?: string } | undefined;
      if (!["text", "markdown"].includes(kind) || content === undefined)
        throw new OlderError(40035, "缺少参数 msgtype");
      const text = content.content ?? content.text ?? "";
      add({ conversationId, via: "webhook", kind, text, title: content.title ?? "", request });
      return { errcode: 0, errmsg: "ok" };
    },
  };
}
