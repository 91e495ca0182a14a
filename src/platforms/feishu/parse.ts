import type { ChatAddress, InboundMessage } from "../contract.ts";
import { type Fields, fieldsOf, textOf } from "../fields.ts";
import { fromButtonValue } from "./button-value.ts";
import { readContent } from "./content.ts";
import { mentions, mentionsOf, withNames } from "./mentions.ts";

/** A message, and what has to be asked for to know all of it. */
export interface Received {
  message: InboundMessage;
  /** The id of the message that it replies to. */
  repliesTo: string | null;
  /** Messages that were forwarded as one, which says nothing of them itself. */
  isForward: boolean;
}

/** The type of an event, such as `im.message.receive_v1`; empty for one in the form of before 2020. */
export function eventTypeOf(body: unknown): string {
  return textOf(fieldsOf(fieldsOf(body)["header"])["event_type"]);
}

/**
 * A message (open.feishu.cn/document/server-docs/im-v1/message/events/receive); null for those of bots and for what is no message
 * to be read. `botOpenId` is the id by which mentions name the bot.
 */
export function parseMessage(body: unknown, botOpenId: string): Received | null {
  const { sender, message } = fieldsOf(fieldsOf(body)["event"]);
  const from = fieldsOf(sender);
  const fields = fieldsOf(message);
  const [id, chat] = [textOf(fields["message_id"]), textOf(fields["chat_id"])];
  const senderId = textOf(fieldsOf(from["sender_id"])["open_id"]);
  if (id === "" || chat === "" || senderId === "" || from["sender_type"] !== "user") return null;
  const type = textOf(fields["message_type"]);
  const { text, files } = readContent(type, textOf(fields["content"]), id);
  const mentioned = mentionsOf(fields["mentions"]);
  const scope = fields["chat_type"] === "p2p" ? "direct" : "group";
  const address = addressOf(fields, chat, id);
  return {
    message: {
      type: "message",
      id,
      address,
      scope,
      sender: { id: senderId, name: senderId },
      text: withNames(text, mentioned, botOpenId),
      isForBot: scope === "direct" || mentions(mentioned, botOpenId),
      messageId: id,
      ...(files.length === 0 ? {} : { files }),
    },
    repliesTo: repliedTo(fields, address),
    isForward: type === "merge_forward",
  };
}

/**
 * The press of a button (open.feishu.cn/document/feishu-cards/card-callback-communication); null for every other use of a card.
 * Where the card does not tell, the chat counts as a group, in which less is allowed.
 */
export function parsePress(body: unknown): InboundMessage | null {
  const { operator, action, context } = fieldsOf(fieldsOf(body)["event"]);
  const id = textOf(fieldsOf(fieldsOf(body)["header"])["event_id"]);
  const chat = textOf(fieldsOf(context)["open_chat_id"]);
  const userId = textOf(fieldsOf(operator)["open_id"]);
  const pressed = fromButtonValue(fieldsOf(action)["value"]);
  if (pressed === null || id === "" || chat === "" || userId === "") return null;
  return {
    type: "message",
    id,
    address: pressed.thread === undefined ? { chat } : { chat, thread: pressed.thread },
    scope: pressed.scope ?? "group",
    sender: { id: userId, name: userId },
    text: "",
    isForBot: true,
    button: pressed.value,
  };
}

/** A thread is named by the message that it began with: to that one can be replied. */
function addressOf(fields: Fields, chat: string, messageId: string): ChatAddress {
  if (textOf(fields["thread_id"]) === "") return { chat };
  return { chat, thread: textOf(fields["root_id"]) || messageId };
}

/** In a thread every message counts as a reply to the first, which nobody meant. */
function repliedTo(fields: Fields, { thread }: ChatAddress): string | null {
  const parent = textOf(fields["parent_id"]);
  return parent === "" || parent === thread ? null : parent;
}
