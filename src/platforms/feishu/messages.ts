import { hash } from "node:crypto";
import { addNewest } from "../../lib/newest.ts";
import type { ChatAddress } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import { type FeishuApi, pathOf } from "./api.ts";
import { isGone } from "./errors.ts";

/** Feishu tells the time in its answers in whole seconds. */
const CLOCK_MS = 1000;
const MAX_KEPT = 500;

/** A message to be sent. */
export interface NewMessage {
  address: ChatAddress;
  replyTo?: string | undefined;
  type: "interactive" | "post" | "image" | "file" | "audio" | "media";
  content: Record<string, unknown>;
  /** Of messages with the same one, Feishu shows one within an hour. */
  uuid: string;
}

/** A message that Feishu has taken. */
export interface CreatedMessage {
  messageId: string;
  /** It may be an earlier try that Feishu took, with the words that it had then. */
  isRepeat: boolean;
}

/** The messages of a bot (open.feishu.cn/document/server-docs/im-v1/message/create and its neighbours). */
export interface Messages {
  /** Replies; to the thread when the message is gone, and to the chat at large when that is gone too. */
  create(message: NewMessage, signal: AbortSignal): Promise<CreatedMessage>;
  /** Puts another card in the place of one that stands in a message. */
  replaceCard(messageId: string, card: Record<string, unknown>, signal: AbortSignal): Promise<void>;
  /** Replaces a rich text, which can be done 20 times. */
  replacePost(messageId: string, post: Record<string, unknown>, signal: AbortSignal): Promise<void>;
  /** Withdraws a message; one that is gone already is no error. */
  remove(messageId: string, signal: AbortSignal): Promise<void>;
}

/** `Messages` for one app. */
export function createMessages(api: FeishuApi): Messages {
  const tried = new Set<string>();

  const isOlder = (createdAtMs: number, askedAtMs: number): boolean => {
    const aheadMs = api.serverNowMs() - Date.now();
    return createdAtMs < askedAtMs + aheadMs - CLOCK_MS;
  };
  return {
    async create(message, signal) {
      const askedAtMs = Date.now();
      const wasTried = tried.has(message.uuid);
      addNewest(tried, message.uuid, MAX_KEPT);
      const { message_id: id, create_time: time } = fieldsOf(await post(api, message, signal));
      const createdAtMs = Number(textOf(time) || Number.POSITIVE_INFINITY);
      return { messageId: textOf(id), isRepeat: wasTried || isOlder(createdAtMs, askedAtMs) };
    },
    async replaceCard(messageId, card, signal) {
      const path = pathOf`/im/v1/messages/${messageId}`;
      await api.call({ method: "PATCH", path, json: { content: JSON.stringify(card) } }, signal);
    },
    async replacePost(messageId, content, signal) {
      const path = pathOf`/im/v1/messages/${messageId}`;
      const json = { msg_type: "post", content: JSON.stringify(content) };
      await api.call({ method: "PUT", path, json }, signal);
    },
    async remove(messageId, signal) {
      const path = pathOf`/im/v1/messages/${messageId}`;
      await api.call({ method: "DELETE", path }, signal).catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
    },
  };
}

/** So many processes may end in the middle of one message; more are a wrong clock. */
export const MAX_WITHDRAWN = 10;

/**
 * The part that a message with a card is, whether the card grows or is whole. A new one stands in the place of each that an earlier
 * process had sent and this one cannot go on with: `withdrawn` so many.
 */
export function cardPart(withdrawn: number): string {
  return withdrawn === 0 ? "card" : `card ${withdrawn}`;
}

/** The id by which Feishu knows that a message is sent again, at most 50 characters; `part` tells apart what one message becomes. */
export function uuidOf(idempotencyId: string, part: string): string {
  return hash("sha256", `hermes:${idempotencyId}:${part}`).slice(0, 40);
}

async function post(
  api: FeishuApi,
  { address: { chat, thread }, replyTo, type, content, uuid }: NewMessage,
  signal: AbortSignal,
): Promise<unknown> {
  const body = { msg_type: type, content: JSON.stringify(content), uuid };
  for (const target of new Set([replyTo, thread])) {
    if (target === undefined) continue;
    const path = pathOf`/im/v1/messages/${target}/reply`;
    const json = { ...body, reply_in_thread: thread !== undefined };
    try {
      return await api.call({ method: "POST", path, json }, signal);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  const query = { receive_id_type: idTypeOf(chat) };
  return api.call(
    { method: "POST", path: "/im/v1/messages", query, json: { receive_id: chat, ...body } },
    signal,
  );
}

/** open.feishu.cn/document/home/user-identity-introduction/introduction */
function idTypeOf(id: string): string {
  if (id.startsWith("oc_")) return "chat_id";
  if (id.startsWith("ou_")) return "open_id";
  if (id.startsWith("on_")) return "union_id";
  return id.includes("@") ? "email" : "user_id";
}
