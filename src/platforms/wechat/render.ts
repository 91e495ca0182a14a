import { toPlainText } from "../plain.ts";
import { MAX_MORE_BYTES } from "./words.ts";

/** In UTF-8 (https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html). */
const MAX_TEXT_BYTES = 2048;

/** WeChat makes a link of a tag `a`: one that stands in a text shows as it was written. */
export function toWechatText(markdown: string): string {
  return toPlainText(markdown).replace(/<(?=\/?a\b)/gi, "<\u200b");
}

/** True when a part is within the limit of length, also with the word that there is more. */
export function fits(markdown: string): boolean {
  if (markdown.length > 4 * MAX_TEXT_BYTES) return false;
  return Buffer.byteLength(toWechatText(markdown)) <= MAX_TEXT_BYTES - MAX_MORE_BYTES;
}
