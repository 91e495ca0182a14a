import type { Style, Table } from "./markdown.ts";

/**
 * How a platform writes what Markdown says. `renderMarkdown` walks the blocks and asks for each piece; all text that reaches a
 * dialect is raw, all that is called `inner` or `label` is rendered already.
 */
export interface Dialect {
  /** Text that shows as it is, whatever signs it holds. */
  text(text: string): string;
  style(style: Style, inner: string): string;
  code(text: string): string;
  /** `words` is the label without marks. A dialect decides which addresses may become a link. */
  link(label: string, url: string, words: string): string;
  /** What a heading of this level (1 to 6) begins with; where there is none, it is a bold line. */
  headingMark?(level: number): string | undefined;
  codeBlock(text: string, language: string | undefined): string;
  table(table: Table): string;
  /** `depth` is 0 for a quote that is in no other. */
  quote(inner: string, depth: number): string;
  rule: string;
  /** What stands before an item that has no number. */
  bullet: string;
  /** True where code can be no part of bold text or a link: it then stands beside it. */
  codeStandsAlone?: boolean;
  /** What has to stand between two pieces of a line of which one is marked, given the characters that would meet. */
  seam?(before: string, after: string): string;
}
