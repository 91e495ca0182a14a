import type { Dialect } from "../dialect.ts";
import { type Style, spellLink, type Table } from "../markdown.ts";
import { toPlainText } from "../plain.ts";
import { renderMarkdown } from "../render-markdown.ts";
import { alignTable } from "../table.ts";

/**
 * A card may have 30 KB (open.feishu.cn/document/server-docs/im-v1/message/create), as Feishu keeps it: that is longer than what was
 * sent by what it makes of marks and links. So half is for the text, in bytes of a JSON text within a JSON text.
 */
const MAX_TEXT_BYTES = 15 * 1024;
/** Feishu refuses cards with more tables; the others are shown in columns. */
const MAX_TABLES = 3;
/** What of a message is told in lists of chats. */
const MAX_SUMMARY_CHARS = 100;

const MARKS: Record<Style, string> = { bold: "**", italic: "*", strike: "~~" };
/** Seen by nobody, but it breaks a mark in two. */
const ZERO_WIDTH_SPACE = "\u200b";
/** Counts as a space, of which a mark needs one beside it if there are signs within it. */
const HAIR_SPACE = "\u200a";
/** What a card would take for a mark, a tag, an entity or an emoji. A `_` within a word is none. */
const SIGNS = /[*`\\]|(?<![a-z\d])_|_(?![a-z\d])|~|\](?=\()|<(?=[a-z/!?])|&(?=#?\w+;)|:(?=[a-z][a-z_]*:)/gi;
/** What is a heading, a quote, a list or a rule at the beginning of a line. */
const LINE_SIGNS = /^([ \t]*)(?:(#{1,6}|[-+>])(?=\s)|(\d{1,9}[.)])(?=\s)|([=-]+)(?=[ \t]*$))/gm;
/** The tags that name people. */
const PING = /<(?=\/?(?:at|person)\b)/gi;

/**
 * Markdown as cards of the structure 2.0 know it
 * (open.feishu.cn/document/feishu-cards/card-json-v2-components/content-components/rich-text). Nothing in it names anybody.
 */
export function toCardMarkdown(markdown: string): string {
  return withoutPings(renderMarkdown(markdown, createDialect()));
}

/** What Markdown says in plain text, in which nothing names anybody either. */
export function toPingFreeText(markdown: string): string {
  return withoutPings(toPlainText(markdown));
}

/** True when a message of this Markdown is within Feishu's limit. */
export function fits(markdown: string): boolean {
  if (markdown.length > MAX_TEXT_BYTES) return false;
  return Buffer.byteLength(JSON.stringify(JSON.stringify(toCardMarkdown(markdown)))) <= MAX_TEXT_BYTES;
}

/** The beginning of a message in one line. */
export function summaryOf(markdown: string): string {
  const line = toPingFreeText(markdown.slice(0, 10 * MAX_SUMMARY_CHARS))
    .replace(/\s+/g, " ")
    .trim();
  const characters = Array.from(line);
  if (characters.length <= MAX_SUMMARY_CHARS) return line;
  return `${characters.slice(0, MAX_SUMMARY_CHARS - 1).join("")}…`;
}

function withoutPings(text: string): string {
  return text.replace(PING, `$&${ZERO_WIDTH_SPACE}`);
}

function createDialect(): Dialect {
  let tables = 0;
  const dialect: Dialect = {
    text: (text) =>
      text
        .replace(SIGNS, asEntity)
        .replace(LINE_SIGNS, (line, indent: string) => indent + asEntity(line.slice(indent.length))),
    style: (style, inner) => MARKS[style] + inner + MARKS[style],
    code: (text) => (text.includes("`") ? `\`\` ${breakFences(text)} \`\`` : `\`${text}\``),
    link(label, url, words) {
      if (!/^https?:\/\/./i.test(url)) return dialect.text(spellLink(words, url));
      return `[${label.replaceAll(/[[\]]/g, asEntity)}](${url.replaceAll(/[\s()<>]/g, percentEncode)})`;
    },
    // Feishu's two greatest sizes are made for titles of pages.
    headingMark: (level) => (level <= 2 ? "#### " : "##### "),
    codeBlock: (text, language = "") => `\`\`\`${language}\n${breakFences(text)}\n\`\`\``,
    table(table) {
      tables += 1;
      return tables <= MAX_TABLES ? tableOf(table, dialect) : dialect.codeBlock(alignTable(table), undefined);
    },
    quote: (inner) => inner.replace(/^/gm, "> "),
    rule: "———",
    bullet: "- ",
    seam: (before, after) =>
      (/[*~]/.test(before) && !/\s/.test(after)) || (/[*~]/.test(after) && !/\s/.test(before))
        ? HAIR_SPACE
        : "",
  };
  return dialect;
}

function tableOf({ head, rows, align }: Table, { text }: Dialect): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => text(cell).replaceAll("|", asEntity)).join(" | ")} |`;
  const border = head.map((_, i) => {
    const side = align[i] ?? null;
    return `${side === "center" ? ":" : ""}---${side === "center" || side === "right" ? ":" : ""}`;
  });
  return [line(head), `| ${border.join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** The first character as an entity, the rest as it is. */
function asEntity(text: string): string {
  return `&#${text.codePointAt(0) ?? 0};${text.slice(1)}`;
}

/** A card ends a block at the first fence, however it was begun. */
function breakFences(text: string): string {
  return text.replaceAll("```", ["`", "`", "`"].join(ZERO_WIDTH_SPACE));
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
