import type { AccountSettings } from "../contract.ts";

/** What an account says by itself: what only this platform needs to be said. */
export interface Words {
  /** Below a text of which there is more. */
  more: string;
  /** In place of an answer that is not ready and cannot be sent later. */
  thinking: string;
}

const CHINESE: Words = {
  more: "\n\n（未完，回复“继续”查看其余内容）",
  thinking: "正在思考，请稍后回复“继续”查看回答。",
};
const ENGLISH: Words = {
  more: '\n\n(Reply "more" to read on.)',
  thinking: 'I am thinking. Reply "more" in a while to read the answer.',
};

/** No longer than this, in UTF-8. */
export const MAX_MORE_BYTES = 64;

const ASKS_FOR_MORE = /^(?:继续|繼續|更多|continue|more|next|[?？])[。.!！~～]?$/i;

/** In Chinese, unless the account is set to English. */
export function wordsOf({ language }: AccountSettings<"wechat">): Words {
  return language === "en" ? ENGLISH : CHINESE;
}

/** True for a message that asks for nothing but the rest. */
export function asksForMore(text: string): boolean {
  return ASKS_FOR_MORE.test(text.trim());
}
