import type { Tokenizer } from "marked";

/** In a character class of its own, for patterns with the flag `u`. */
export const CJK_PUNCTUATION =
  "[\\u3001-\\u303F\\uFF01-\\uFF0F\\uFF1A-\\uFF20\\uFF3B-\\uFF40\\uFF5B-\\uFF65“”‘’…—·]";
const CJK_LETTER = "[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}]";
const CJK = `(?:${CJK_PUNCTUATION}|${CJK_LETTER})`;
const PUNCTUATION = "(?!~)[\\p{P}\\p{S}]";

/** Whether a mark stands beside a Chinese, Japanese or Korean character. */
const CJK_MARK = new RegExp(`[*~]${CJK}|${CJK}[*~]`, "u");

/** What may open a mark: like marked's own, but Chinese punctuation counts as a letter after the sign, ... */
const OPENS_EM = new RegExp(
  `^(?:\\*+(?:((?!\\*)(?!${CJK_PUNCTUATION})${PUNCTUATION})|([^\\s*]))?)|^_+(?:((?!_)${PUNCTUATION})|([^\\s_]))?`,
  "u",
);
const OPENS_DEL = new RegExp(`^~~?(?:((?!~)(?!${CJK_PUNCTUATION})[\\p{P}\\p{S}])|[^\\s~])`, "u");
/** ... and a Chinese letter before it as a space. */
const BEFORE_OPENING = new RegExp(`^((?![*_])(?:[\\s\\p{P}\\p{S}]|${CJK_LETTER}))`, "u");
/** What would keep a sign beside it from closing a mark, in a text without spaces. */
const SPOILS_CLOSING = new RegExp(
  `${CJK_PUNCTUATION}(?:(?=[*~])|(?<=[*~].))|(?![*_~])[\\p{P}\\p{S}](?:(?=[*~]+${CJK})|(?<=${CJK}[*~]+.))`,
  "gsu",
);

/**
 * marked's rules of emphasis for languages without spaces, in which CommonMark's find no end of `**注意：**请`, nor a beginning of
 * `看**“这里”**`. The same for all other text.
 */
export function withCjkEmphasis(inline: Tokenizer["rules"]["inline"]): Tokenizer["rules"]["inline"] {
  return { ...inline, emStrongLDelim: OPENS_EM, delLDelim: OPENS_DEL, punctuation: BEFORE_OPENING };
}

/** The other half of it: what marked looks for the end of a mark in. Undefined for a text that does not need it. */
export function cjkMask(markdown: string): ((masked: string) => string) | undefined {
  if (!CJK_MARK.test(markdown)) return undefined;
  return (masked) => masked.replace(SPOILS_CLOSING, (sign) => "字".repeat(sign.length));
}
