import type { Dialect } from "../dialect.ts";
import { type Style, spellLink, type Table, tellsAddress } from "../markdown.ts";
import { toPlainText } from "../plain.ts";
import { renderMarkdown } from "../render-markdown.ts";

/**
 * The robot's API takes 15,000 bytes of JSON for a message (help.dingtalk.io/open/development/the-robot-sends-a-group-message),
 * webhooks 20,000; the rest is for the title and the buttons.
 */
const MAX_TEXT_BYTES = 14_000;
const MAX_TITLE_CHARS = 40;

/** Seen by nobody, but no beginning of a tag or an address to DingTalk. */
const ZERO_WIDTH_SPACE = "\u200b";
const MARKS: Partial<Record<Style, string>> = { bold: "**", italic: "*" };
const LINKABLE = /^https?:\/\/./i;
/** Links by which a press sends a text in the name of who presses: those are Hermes's own to make. */
const CLIENT_LINK = /\b(dtmd|dingtalk)(?=:)/gi;
const TAG = /<(?=[a-z/!])/gi;
/** Beside Chinese punctuation a mark is no mark: it stands outside. */
const MARKABLE = /^([\s、-〿！-／：-＠“”‘’…—·]*)([\s\S]*?)([\s、-〿！-／：-＠“”‘’…—·]*)$/u;
const FENCE = /^\s*(?:> ?)*```/;
/** Written the same in both. */
const QUOTED_LINE = /^> /m;

const DIALECT: Dialect = {
  text: (text) => harmless(text).replace(TAG, `<${ZERO_WIDTH_SPACE}`),
  style(style, inner) {
    const mark = MARKS[style];
    const [, before = "", marked = "", after = ""] = MARKABLE.exec(inner) ?? [];
    return mark === undefined || marked === "" ? inner : `${before}${mark}${marked}${mark}${after}`;
  },
  code: (text) => `\`${harmless(text).replaceAll("`", "ˋ")}\``,
  link(label, url, words) {
    if (!LINKABLE.test(url)) return DIALECT.text(spellLink(words, url));
    if (tellsAddress(words, url)) return url;
    return `[${label.replaceAll("\n", " ")}](${url.replaceAll(/[\s()]/g, encodeParenthesis)})`;
  },
  headingMark: (level) => `${"#".repeat(level)} `,
  codeBlock: (text, language = "") =>
    `\`\`\`${language}\n${harmless(text).replaceAll("```", ["`", "`", "`"].join(ZERO_WIDTH_SPACE))}\n\`\`\``,
  table: (table) => DIALECT.text(itemsOf(table)),
  quote: (inner) => inner.replace(/^/gm, "> "),
  rule: "———",
  bullet: "- ",
  codeStandsAlone: true,
};

/**
 * Markdown as DingTalk shows it (help.dingtalk.io/open/development/robot-message-type): headings, bold, italic, links, lists,
 * quotes. Nothing in it is a tag, or a link that acts in somebody's name.
 */
export function toDingTalk(markdown: string): string {
  return withBreaks(renderMarkdown(markdown, DIALECT));
}

/** The text without marks, when that is all there is to it: it is best sent as it is. Otherwise undefined. */
export function plainOf(markdown: string): string | undefined {
  const plain = toPlainText(markdown);
  const isPlain = renderMarkdown(markdown, DIALECT).replaceAll(ZERO_WIDTH_SPACE, "") === plain;
  return isPlain && !QUOTED_LINE.test(plain) ? harmless(plain) : undefined;
}

/** What a list of conversations and a notification show of a message. */
export function titleOf(markdown: string): string {
  const line = toPlainText(markdown).trimStart().split("\n", 1)[0]?.trim() ?? "";
  const title = Array.from(line).slice(0, MAX_TITLE_CHARS).join("");
  return title === "" ? "…" : title;
}

/** True when a message of this Markdown is within what DingTalk takes. */
export function fits(markdown: string): boolean {
  if (markdown.length > MAX_TEXT_BYTES) return false;
  return Buffer.byteLength(JSON.stringify(toDingTalk(markdown))) <= MAX_TEXT_BYTES;
}

/** DingTalk joins lines to one that do not end in two spaces. */
function withBreaks(rendered: string): string {
  const lines = rendered.split("\n");
  let isCode = false;
  return lines
    .map((line, i) => {
      const isFence = FENCE.test(line);
      if (isFence) isCode = !isCode;
      const isJoined = !isCode && !isFence && line.trim() !== "" && (lines[i + 1] ?? "").trim() !== "";
      return isJoined ? `${line.trimEnd()}  ` : line;
    })
    .join("\n");
}

function harmless(text: string): string {
  return text.replace(CLIENT_LINK, `$1${ZERO_WIDTH_SPACE}`);
}

/** There are no tables: each row is an item that names its columns. */
function itemsOf({ head, rows }: Table): string {
  if (rows.length === 0) return head.join(" | ");
  const item = (row: string[]) =>
    row.flatMap((cell, i) => (cell === "" ? [] : [head[i] ? `${head[i]}: ${cell}` : cell])).join("; ");
  return rows.map((row) => `- ${item(row)}`).join("\n");
}

function encodeParenthesis(sign: string): string {
  return sign === "(" ? "%28" : sign === ")" ? "%29" : encodeURIComponent(sign);
}
