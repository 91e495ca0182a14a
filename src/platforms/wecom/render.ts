import type { AccountSettings } from "../contract.ts";
import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import { spellLink } from "../markdown.ts";
import { toPlainText } from "../plain.ts";
import { renderMarkdown } from "../render-markdown.ts";
import { listTable } from "../table.ts";
import { isBot } from "./mode.ts";

/** In UTF-8; WeCom cuts off without a word what is longer (https://developer.work.weixin.qq.com/document/path/90236). */
const MAX_APP_BYTES = 2048;
/** In UTF-8, of a stream and of a message that answers nothing (https://developer.work.weixin.qq.com/document/path/101463). */
const MAX_BOT_BYTES = 20_480;

/** Seen by nobody, but the end of what would be a mark. */
const ZERO_WIDTH_SPACE = "\u200b";
const LINKABLE = /^https?:\/\/./i;

/** The Markdown of an application: no italics, no lists, no tables, no blocks of code, and no escapes. */
const APP_MARKDOWN: Omit<Dialect, "codeBlock"> = {
  text: (text) => withoutMarks(text),
  style: (style, inner) => (style === "bold" ? inner.replace(/^(\s*)(\S.*?)(\s*)$/gm, "$1**$2**$3") : inner),
  code: (text) => `\`${withoutTags(text).replaceAll("`", "ˋ")}\``,
  link: (label, url, words) =>
    LINKABLE.test(url)
      ? `[${label.replaceAll("\n", " ")}](${url.replace(/[\s()]/g, percentEncoded)})`
      : withoutMarks(spellLink(words, url)),
  headingMark: (level) => `${"#".repeat(level)} `,
  table: (table) => withoutMarks(listTable(table)),
  quote: (inner, depth) => (depth === 0 ? inner.replace(/^/gm, "> ") : inner),
  rule: "———",
  bullet: "• ",
  codeStandsAlone: true,
};

/**
 * A message of an application, as `message/send` takes it. Text without marks goes out as text, which people also see in WeChat;
 * so does a part with a block of code, which would lose its lines in WeCom's Markdown.
 */
export function toAppContent(markdown: string): Fields {
  const plain = withoutTags(toPlainText(markdown));
  const marked = toAppMarkdown(markdown);
  return marked === null || marked.replaceAll(ZERO_WIDTH_SPACE, "") === plain.replaceAll(ZERO_WIDTH_SPACE, "")
    ? { msgtype: "text", text: { content: plain } }
    : { msgtype: "markdown", markdown: { content: marked } };
}

/** Null for what WeCom's Markdown cannot show. */
function toAppMarkdown(markdown: string): string | null {
  let isShowable = true;
  const codeBlock = () => {
    isShowable = false;
    return "code";
  };
  const marked = renderMarkdown(markdown, { ...APP_MARKDOWN, codeBlock });
  return isShowable ? marked : null;
}

/** Markdown as an AI bot writes it: as it is, but that it mentions nobody. */
export function toBotMarkdown(markdown: string): string {
  return withoutTags(markdown);
}

/** True when the part is within the limit of length of this account. */
export function fits(markdown: string, account: AccountSettings<"wecom">): boolean {
  if (isBot(account)) return Buffer.byteLength(toBotMarkdown(markdown)) <= MAX_BOT_BYTES;
  // Of marks and addresses of links some may be left out, but not so many.
  if (markdown.length > 4 * MAX_APP_BYTES) return false;
  const { text, markdown: marked } = toAppContent(markdown) as Record<
    string,
    { content: string } | undefined
  >;
  return Buffer.byteLength((text ?? marked)?.content ?? "") <= MAX_APP_BYTES;
}

/** Links and colours are tags to WeCom, and `<@user>` mentions somebody: neither comes from a text. */
function withoutTags(text: string): string {
  return text.replace(/<(?=\/?(?:a|font)\b|@)/gi, `<${ZERO_WIDTH_SPACE}`);
}

/** The same for the marks of Markdown, of which none can be escaped. */
function withoutMarks(text: string): string {
  return withoutTags(text)
    .replaceAll("**", `*${ZERO_WIDTH_SPACE}*`)
    .replaceAll("](", `]${ZERO_WIDTH_SPACE}(`)
    .replaceAll("`", "ˋ")
    .replace(/^(?=[#>])/gm, ZERO_WIDTH_SPACE);
}

function percentEncoded(sign: string): string {
  return sign === "(" ? "%28" : sign === ")" ? "%29" : encodeURIComponent(sign);
}
