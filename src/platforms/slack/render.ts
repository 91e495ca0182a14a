import type { Dialect } from "../dialect.ts";
import { type Style, spellLink } from "../markdown.ts";
import { renderMarkdown } from "../render-markdown.ts";
import { alignTable } from "../table.ts";

/** Slack recommends 4,000 characters for the text of a message (https://docs.slack.dev/reference/methods/chat.postMessage). */
const MAX_TEXT_CHARS = 3900;
/** Such a Markdown fits never: it is not worth being read. */
const MAX_MARKDOWN_CHARS = 4 * MAX_TEXT_CHARS;

const MARKS: Record<Style, string> = { bold: "*", italic: "_", strike: "~" };
/** Seen by nobody, but the end of a word to Slack. */
const ZERO_WIDTH_SPACE = "\u200b";
/** Beside these characters a mark is a mark; beside a letter, a Chinese sign or another mark it is text. */
const FREES_MARK = /[\s([{"'\-,.:;!?)\]}]/;
const LINKABLE = /^(https?:\/\/|mailto:)./i;

const MRKDWN: Dialect = {
  text: escapeText,
  // A mark ends with its line and has no space at its inner side.
  style: (style, inner) => inner.replace(/^(\s*)(\S.*?)(\s*)$/gm, `$1${MARKS[style]}$2${MARKS[style]}$3`),
  // Slack has no code with a backtick.
  code: (text) => `\`${escapeText(text).replaceAll("`", "ˋ")}\``,
  link(_label, url, words) {
    if (!LINKABLE.test(url)) return escapeText(spellLink(words, url));
    const address = escapeText(url.replaceAll(/[\s<>|]/g, encodeURIComponent));
    return words === url ? `<${address}>` : `<${address}|${escapeText(words).replaceAll("\n", " ")}>`;
  },
  codeBlock: (text) =>
    `\`\`\`\n${escapeText(text).replaceAll("```", ["`", "`", "`"].join(ZERO_WIDTH_SPACE))}\n\`\`\``,
  table: (table) => MRKDWN.codeBlock(alignTable(table), undefined),
  // Slack has no quote within a quote.
  quote: (inner, depth) => (depth === 0 ? inner.replace(/^/gm, "> ") : inner),
  rule: "———",
  bullet: "• ",
  codeStandsAlone: true,
  seam: (before, after) => (FREES_MARK.test(before) || FREES_MARK.test(after) ? "" : ZERO_WIDTH_SPACE),
};

/**
 * Markdown as Slack's mrkdwn (https://docs.slack.dev/messaging/formatting-message-text). Every `&`, `<` and `>` of the text is
 * escaped, so that no `<!channel>` or `<@U123>` in it pings anybody.
 */
export function toMrkdwn(markdown: string): string {
  return renderMarkdown(markdown, MRKDWN);
}

/** True when a message of this Markdown is within what Slack recommends for a text. */
export function fits(markdown: string): boolean {
  return markdown.length <= MAX_MARKDOWN_CHARS && toMrkdwn(markdown).length <= MAX_TEXT_CHARS;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
