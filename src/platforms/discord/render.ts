import type { Dialect } from "../dialect.ts";
import { type Style, spellLink, tellsAddress } from "../markdown.ts";
import { renderMarkdown } from "../render-markdown.ts";
import { alignTable } from "../table.ts";

/** The limit of a message's `content`, in UTF-16 units to be safe. */
const MAX_CONTENT_UNITS = 2000;
/** Such a Markdown fits never: it is not worth being read. */
const MAX_MARKDOWN_UNITS = 4 * MAX_CONTENT_UNITS;

const MARKS: Record<Style, string> = { bold: "**", italic: "*", strike: "~~" };
/** Seen by nobody, but it breaks a mark in two. */
const ZERO_WIDTH_SPACE = "\u200b";
const MARK_SIGN = /[*_~`]/;
/** What Discord would take for a mark. A `_` within a word is none, nor is a `\` before a letter. */
const SIGNS = /[*`]|(?<![a-z\d])_|_(?![a-z\d])|~(?=~)|\|(?=\|)|\\(?=[!-/:-@[-`{-~])/gi;
/** What is a heading, small text or a quote at the beginning of a line. */
const LINE_SIGNS = /^([ \t]*)(-#|#{1,3}|>{1,3})(?=\s)/gm;
const PING = /@(?=everyone|here)|<(?=@[!&]?\d)/g;

const DISCORD: Dialect = {
  text: (text) => text.replace(SIGNS, "\\$&").replace(LINE_SIGNS, "$1\\$2"),
  style: (style, inner) => `${MARKS[style]}${inner}${MARKS[style]}`,
  code: (text) => (text.includes("`") ? `\`\` ${breakFences(text)} \`\`` : `\`${text}\``),
  link(label, url, words) {
    if (tellsAddress(words, url)) return words;
    if (!/^https?:\/\/./i.test(url)) return DISCORD.text(spellLink(words, url));
    return `[${label.replaceAll(/[[\]]/g, "\\$&")}](${url.replaceAll(/[\s()<>]/g, percentEncode)})`;
  },
  headingMark: (level) => (level <= 3 ? `${"#".repeat(level)} ` : undefined),
  codeBlock: (text, language = "") => `\`\`\`${language}\n${breakFences(text)}\n\`\`\``,
  table: (table) => DISCORD.codeBlock(alignTable(table), undefined),
  // Discord has no quote within a quote.
  quote: (inner, depth) => (depth === 0 ? inner.replace(/^/gm, "> ") : inner),
  rule: "———",
  bullet: "- ",
  seam: (before, after) => (MARK_SIGN.test(before) && MARK_SIGN.test(after) ? ZERO_WIDTH_SPACE : ""),
};

/**
 * Markdown as Discord knows it: no tables, images or smaller headings. Nothing in it pings anybody, whatever `allowed_mentions`
 * says.
 */
export function toDiscord(markdown: string): string {
  return renderMarkdown(markdown, DISCORD).replace(PING, `$&${ZERO_WIDTH_SPACE}`);
}

/** True when a message of this Markdown is within Discord's limit. */
export function fits(markdown: string): boolean {
  return markdown.length <= MAX_MARKDOWN_UNITS && toDiscord(markdown).length <= MAX_CONTENT_UNITS;
}

/** Discord ends a block at the first fence, however it was begun. */
function breakFences(text: string): string {
  return text.replaceAll("```", ["`", "`", "`"].join(ZERO_WIDTH_SPACE));
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
