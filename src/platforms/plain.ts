import type { Dialect } from "./dialect.ts";
import { spellLink } from "./markdown.ts";
import { renderMarkdown } from "./render-markdown.ts";
import { listTable } from "./table.ts";

const PLAIN: Dialect = {
  text: (text) => text,
  style: (_style, inner) => inner,
  code: (text) => text,
  link: (label, url) => spellLink(label, url),
  headingMark: () => "",
  codeBlock: (text) => text,
  table: listTable,
  quote: (inner) => inner.replace(/^/gm, "> "),
  rule: "———",
  bullet: "• ",
};

/** What Markdown says, for readers of plain text: no marks, a link as "text (url)". */
export function toPlainText(markdown: string): string {
  return renderMarkdown(markdown, PLAIN);
}
