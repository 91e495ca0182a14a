import type { InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters } from "grammy/types";
import type { Button, ChatAddress, OutboundMessage } from "../contract.ts";

/** As many buttons as stand beside one another. */
const BUTTONS_PER_ROW = 2;
const STYLES = { good: "success", bad: "danger" } as const;

/** Where a message goes, as the Bot API wants it. */
export interface Place {
  chat_id: number | string;
  message_thread_id?: number;
  reply_parameters?: ReplyParameters;
}

/** The chat of an address: a number, or the public name of a channel (`@name`). */
export function chatOf({ chat }: ChatAddress): number | string {
  return /^-?\d+$/.test(chat) ? Number(chat) : chat;
}

/** The topic of an address, ready to be spread. */
export function topicOf({ thread }: ChatAddress): { message_thread_id?: number } {
  return thread === undefined ? {} : { message_thread_id: Number(thread) };
}

/** Where a message goes. Out of its topic, it replies to nothing: a reply stands in the topic of what it replies to. */
export function placeOf({ address, replyTo }: OutboundMessage, inTopic: boolean): Place {
  if (!inTopic) return { chat_id: chatOf(address) };
  const reply =
    replyTo === undefined
      ? {}
      : { reply_parameters: { message_id: Number(replyTo), allow_sending_without_reply: true } };
  return { chat_id: chatOf(address), ...topicOf(address), ...reply };
}

/** The buttons of a message, ready to be spread. Without any, an edit takes away those that were there. */
export function keyboardOf(buttons: readonly Button[] = []): { reply_markup?: InlineKeyboardMarkup } {
  if (buttons.length === 0) return {};
  const rows: InlineKeyboardButton[][] = [];
  for (let i = 0; i < buttons.length; i += BUTTONS_PER_ROW)
    rows.push(buttons.slice(i, i + BUTTONS_PER_ROW).map(keyOf));
  return { reply_markup: { inline_keyboard: rows } };
}

function keyOf({ label, value, style }: Button): InlineKeyboardButton {
  const key = { text: label, callback_data: value };
  return style === undefined ? key : { ...key, style: STYLES[style] };
}
