import type { MarkedToken, Tokens } from "marked";
import { lex } from "./lexer.ts";

/** How a piece of text stands out. */
export type Style = "bold" | "italic" | "strike";

/** A piece of a line. */
export type Inline =
  | { type: "text"; text: string }
  | { type: "break" }
  | { type: "code"; text: string }
  | { type: Style; children: Inline[] }
  /** An image is a link too. No link is within another. */
  | { type: "link"; url: string; children: Inline[] };

/** A paragraph and the like. */
export type Block = BlockKind & {
  /** False where the text goes on in the next line. */
  afterBlankLine: boolean;
};

type BlockKind =
  | { type: "paragraph"; children: Inline[] }
  | { type: "heading"; level: number; children: Inline[] }
  | { type: "code"; text: string; language: string | undefined }
  | { type: "quote"; children: Block[] }
  | { type: "list"; items: ListItem[] }
  | { type: "table"; table: Table }
  | { type: "rule" };

/** An item of a list; `number` in an ordered one, `isChecked` in a list of tasks. */
export interface ListItem {
  children: Block[];
  number: number | undefined;
  isChecked: boolean | undefined;
  afterBlankLine: boolean;
}

/** The text of a table without marks; every row has as many cells as the head. */
export interface Table {
  head: string[];
  rows: string[][];
  align: ("left" | "center" | "right" | null)[];
}

/** Beyond any message: such a text is shown as it is. */
const MAX_PARSED_CHARS = 64 * 1024;

const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** Reads Markdown, also one that breaks off in the middle. Never throws: what cannot be read is one paragraph of plain text. */
export function parseMarkdown(markdown: string): Block[] {
  if (markdown.length > MAX_PARSED_CHARS) return asParagraph(markdown);
  try {
    return blocksOf(lex(markdown));
  } catch {
    // marked gave up: its own mistake or the end of the stack. The words still reach their reader.
    return asParagraph(markdown);
  }
}

/** The words without marks; a link as "text (url)". */
export function wordsOf(nodes: Inline[]): string {
  return nodes
    .map((node) => {
      if (node.type === "break") return "\n";
      if ("text" in node) return node.text;
      const words = wordsOf(node.children);
      return node.type === "link" ? spellLink(words, node.url) : words;
    })
    .join("");
}

/** A link for readers: "text (url)", or the text alone where it tells the address. */
export function spellLink(label: string, url: string): string {
  return tellsAddress(label, url) ? label : label.trim() ? `${label} (${url})` : url;
}

/** True when the text of a link is its address already. */
export function tellsAddress(label: string, url: string): boolean {
  return label === url || `mailto:${label}` === url || `http://${label}` === url;
}

function asParagraph(text: string): Block[] {
  return [{ type: "paragraph", children: [{ type: "text", text }], afterBlankLine: false }];
}

function blocksOf(tokens: MarkedToken[]): Block[] {
  const blocks: Block[] = [];
  let gap = "";
  for (const token of tokens) {
    const block = blockOf(token);
    if (block) blocks.push({ ...block, afterBlankLine: blocks.length > 0 && isBlankLine(gap) });
    gap = (block ? "" : gap) + spaceAfter(token.raw);
  }
  return blocks;
}

function spaceAfter(raw: string): string {
  return raw.slice(raw.trimEnd().length);
}

function isBlankLine(gap: string): boolean {
  return gap.split("\n").length > 2;
}

function blockOf(token: MarkedToken): BlockKind | undefined {
  switch (token.type) {
    case "space":
    case "checkbox":
    case "def":
      return undefined;
    case "heading":
      return { type: "heading", level: token.depth, children: inlinesOf(token.tokens as MarkedToken[]) };
    case "code":
      return { type: "code", text: token.text, language: /^[\w+#.-]+/.exec(token.lang ?? "")?.[0] };
    case "blockquote":
      return { type: "quote", children: blocksOf(token.tokens as MarkedToken[]) };
    case "list":
      return { type: "list", items: itemsOf(token) };
    case "table":
      return { type: "table", table: tableOf(token) };
    case "hr":
      return { type: "rule" };
    default:
      return { type: "paragraph", children: inlinesOf(childrenOf(token)) };
  }
}

/** Tight items hold their text without a paragraph. */
function childrenOf(token: MarkedToken): MarkedToken[] {
  return "tokens" in token && token.tokens ? (token.tokens as MarkedToken[]) : [token];
}

function itemsOf({ items, ordered, start }: Tokens.List): ListItem[] {
  return items.map((item, i) => ({
    children: blocksOf(item.tokens as MarkedToken[]),
    number: ordered ? Number(start) + i : undefined,
    isChecked: item.task ? item.checked === true : undefined,
    afterBlankLine: isBlankLine(spaceAfter(items[i - 1]?.raw ?? "")),
  }));
}

function tableOf({ header, rows, align }: Tokens.Table): Table {
  const wordsIn = (cell: Tokens.TableCell) =>
    wordsOf(inlinesOf(cell.tokens as MarkedToken[]))
      .replace(/\s+/g, " ")
      .trim();
  return { head: header.map(wordsIn), rows: rows.map((row) => row.map(wordsIn)), align };
}

/** Neighbouring texts are one, so that a dialect sees the signs that would make a mark together. */
function inlinesOf(tokens: MarkedToken[]): Inline[] {
  const nodes: Inline[] = [];
  for (const node of tokens.flatMap((token, i) => inlineOf(token, tokens[i - 1], tokens[i + 1]))) {
    const last = nodes.at(-1);
    if (node.type === "text" && last?.type === "text") last.text += node.text;
    else nodes.push(node);
  }
  return nodes;
}

function inlineOf(
  token: MarkedToken,
  before: MarkedToken | undefined,
  after: MarkedToken | undefined,
): Inline[] {
  switch (token.type) {
    case "br":
      return [{ type: "break" }];
    case "checkbox":
      return [];
    case "codespan":
      return [{ type: "code", text: token.text }];
    case "strong":
      return [{ type: "bold", children: inlinesOf(token.tokens as MarkedToken[]) }];
    case "em":
      return emphasisOf(token, before?.raw ?? "", after?.raw ?? "");
    case "del":
      return [{ type: "strike", children: inlinesOf(token.tokens as MarkedToken[]) }];
    case "link":
    case "image":
      return [{ type: "link", url: decode(token.href), children: labelOf(token) }];
    case "text":
      return token.tokens ? inlinesOf(token.tokens as MarkedToken[]) : [textOf(token.text)];
    case "escape":
      return [{ type: "text", text: token.text }];
    default:
      return [textOf(token.raw)];
  }
}

/** The stars of `2*3*4` are signs of multiplication. */
function emphasisOf(token: Tokens.Em, before: string, after: string): Inline[] {
  const children = inlinesOf(token.tokens as MarkedToken[]);
  if (!token.raw.startsWith("*") || !/[a-z\d]$/i.test(before) || !/^[a-z\d]/i.test(after))
    return [{ type: "italic", children }];
  return [{ type: "text", text: "*" }, ...children, { type: "text", text: "*" }];
}

/** What a link shows: an image its description, and what has no words its address. */
function labelOf(token: Tokens.Link | Tokens.Image): Inline[] {
  const label = token.type === "image" ? [textOf(token.text)] : inlinesOf(token.tokens as MarkedToken[]);
  return wordsOf(label).trim() ? withoutLinks(label) : [{ type: "text", text: decode(token.href) }];
}

/** A picture in a link is its description. */
function withoutLinks(nodes: Inline[]): Inline[] {
  return nodes.flatMap((node): Inline[] => {
    if (!("children" in node)) return [node];
    const children = withoutLinks(node.children);
    return node.type === "link" ? children : [{ ...node, children }];
  });
}

/** Lines begin and end without spaces. */
function textOf(text: string): Inline {
  const lines = decode(text).split("\n");
  const last = lines.length - 1;
  const trimmed = lines.map((line, i) => (i > 0 ? line.trimStart() : line));
  return { type: "text", text: trimmed.map((line, i) => (i < last ? line.trimEnd() : line)).join("\n") };
}

function decode(text: string): string {
  return text.includes("&") ? text.replace(/&([a-z]+);/g, (all, name: string) => NAMED[name] ?? all) : text;
}
