import type { MessageEntity } from "grammy/types";
import type { OutboundMessage } from "../contract.ts";
import { toPlainText } from "../plain.ts";
import { answered, BAD_MARKUP, TOPIC_GONE } from "./errors.ts";
import { mentionsIn } from "./mentions.ts";
import { toHtml } from "./render.ts";

/** How a message is sent: as it should be, until Telegram does not take it so. */
export interface Form {
  /** With marks, rather than as plain text. */
  isMarked: boolean;
  /** In its topic, rather than in the chat at large. */
  isInTopic: boolean;
}

/** Makes a request, and makes it again in a plainer form when Telegram refuses the marks or knows the topic no more. */
export async function adapting<T>(
  { address }: OutboundMessage,
  request: (form: Form) => Promise<T>,
): Promise<T> {
  let form: Form = { isMarked: true, isInTopic: true };
  for (;;)
    try {
      return await request(form);
    } catch (error) {
      if (form.isMarked && answered(error, BAD_MARKUP)) form = { ...form, isMarked: false };
      else if (form.isInTopic && address.thread !== undefined && answered(error, TOPIC_GONE))
        form = { ...form, isInTopic: false };
      else throw error;
    }
}

/** A text with its marks, or without; either way it calls nobody by a name. */
export function textOf(
  { markdown }: OutboundMessage,
  { isMarked }: Form,
): { text: string; parse_mode?: "HTML"; entities?: MessageEntity[] } {
  if (isMarked) return { text: toHtml(markdown), parse_mode: "HTML" };
  const text = toPlainText(markdown);
  const entities = mentionsIn(text).map(asCode);
  return entities.length === 0 ? { text } : { text, entities };
}

function asCode({ start, end }: { start: number; end: number }): MessageEntity {
  return { type: "code", offset: start, length: end - start };
}
