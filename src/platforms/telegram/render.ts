import type { Dialect } from "../dialect.ts";
import { type Style, spellLink, tellsAddress } from "../markdown.ts";
import { renderMarkdown } from "../render-markdown.ts";
import { alignTable } from "../table.ts";
import { callingNobody, mentionsIn } from "./mentions.ts";

/** UTF-16 units after the entities are read (https://core.telegram.org/bots/api#sendmessage). */
const MAX_TEXT_UNITS = 4096;
/** More entities than this are dropped by the server, each with what it would have shown. */
const MAX_ENTITIES = 100;
/** Such a Markdown fits never, however much of it is addresses: it is not worth being read. */
const MAX_MARKDOWN_UNITS = 8 * MAX_TEXT_UNITS;

const TAGS: Record<Style, string> = { bold: "b", italic: "i", strike: "s" };
/** Not `tg://`: a link to a person calls that person. */
const LINKABLE = /^(https?:\/\/|mailto:)./i;

const HTML: Dialect = {
  text: escapeHtml,
  style: (style, inner) => `<${TAGS[style]}>${inner}</${TAGS[style]}>`,
  code: (text) => `<code>${escapeHtml(text)}</code>`,
  link(label, url, words) {
    if (!LINKABLE.test(url)) return escapeHtml(spellLink(words, url));
    // Telegram makes a link of an address by itself, at no cost; where that would end in the name of somebody is for it to say.
    return tellsAddress(words, url) && mentionsIn(words).length === 0
      ? label
      : `<a href="${escapeHtml(url)}">${label}</a>`;
  },
  codeBlock: (text, language) =>
    language
      ? `<pre><code class="language-${escapeHtml(language)}">${escapeHtml(text)}</code></pre>`
      : `<pre>${escapeHtml(text)}</pre>`,
  table: (table) => `<pre>${escapeHtml(alignTable(table))}</pre>`,
  // Telegram has no quote within a quote.
  quote: (inner, depth) => (depth === 0 ? `<blockquote>${inner}</blockquote>` : inner),
  rule: "———",
  bullet: "• ",
  codeStandsAlone: true,
};

/**
 * Markdown as text with `parse_mode: "HTML"` (https://core.telegram.org/bots/api#html-style): nothing in it is a tag but what
 * Markdown asked for. Code stands in no other entity and no link in a link, as the server wants it. It calls nobody by a name.
 */
export function toHtml(markdown: string): string {
  return callingNobody(renderMarkdown(markdown, HTML));
}

/** True when a message of this Markdown is within Telegram's limits of length and of entities. */
export function fits(markdown: string): boolean {
  if (markdown.length > MAX_MARKDOWN_UNITS) return false;
  const html = toHtml(markdown);
  const entities = html.match(/<(?:a|b|i|s|blockquote|pre|code(?! class))\b/g)?.length ?? 0;
  const text = html.replace(/<[^>]*>/g, "").replace(/&(?:amp|lt|gt|quot);/g, " ");
  return text.length <= MAX_TEXT_UNITS && entities <= MAX_ENTITIES;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
