import type { Dialect } from "./dialect.ts";
import { type Block, type Inline, type ListItem, parseMarkdown, type Style, wordsOf } from "./markdown.ts";

/** Where a block stands. */
interface Place {
  /** What the lines of a text begin with. */
  indent: string;
  quoteDepth: number;
}

/** Writes Markdown in the dialect. A text of which nothing would be seen is shown as it was written. */
export function renderMarkdown(markdown: string, dialect: Dialect): string {
  const rendered = renderBlocks(parseMarkdown(markdown), dialect, { indent: "", quoteDepth: 0 });
  return rendered.trim() ? trimLines(rendered) : dialect.text(markdown.trim());
}

/** Without empty lines at the beginning and without space at the end; an indented beginning stays. */
function trimLines(text: string): string {
  return text.replace(/^\n+/, "").trimEnd();
}

function renderBlocks(blocks: Block[], dialect: Dialect, place: Place): string {
  let out = "";
  for (const block of blocks) {
    const text = renderBlock(block, dialect, place);
    if (text) out += (out && (block.afterBlankLine ? "\n\n" : "\n")) + text;
  }
  return out;
}

function renderBlock(block: Block, dialect: Dialect, place: Place): string {
  switch (block.type) {
    case "paragraph":
      return indented(renderInlines(block.children, dialect, []).trim(), place);
    case "heading":
      return indented(renderHeading(block.children, block.level, dialect), place);
    case "code":
      return block.text.trim() ? dialect.codeBlock(block.text.replace(/\n+$/, ""), block.language) : "";
    case "quote":
      return renderQuote(block.children, dialect, place);
    case "list":
      return renderList(block.items, dialect, place);
    case "table":
      return dialect.table(block.table);
    case "rule":
      return indented(dialect.rule, place);
  }
}

function indented(text: string, { indent }: Place): string {
  return text && indent + text.replaceAll("\n", `\n${indent}`);
}

function renderHeading(children: Inline[], level: number, dialect: Dialect): string {
  const mark = dialect.headingMark?.(level);
  if (mark === undefined) return renderInlines([{ type: "bold", children }], dialect, []);
  const inner = renderInlines(children, dialect, []);
  return inner && mark + inner;
}

function renderQuote(children: Block[], dialect: Dialect, { quoteDepth }: Place): string {
  const inner = renderBlocks(children, dialect, { indent: "", quoteDepth: quoteDepth + 1 });
  return inner && dialect.quote(inner, quoteDepth);
}

function renderList(items: ListItem[], dialect: Dialect, place: Place): string {
  return items
    .map((item, i) => (i > 0 ? (item.afterBlankLine ? "\n\n" : "\n") : "") + renderItem(item, dialect, place))
    .join("");
}

/** The first line stands after the marker, the others below it; code and tables keep their own left edge. */
function renderItem(item: ListItem, dialect: Dialect, place: Place): string {
  const marker = markerOf(item, dialect);
  const indent = place.indent + " ".repeat(marker.length);
  const body = renderBlocks(item.children, dialect, { ...place, indent });
  if (!body.startsWith(indent)) return `${place.indent}${marker.trimEnd()}${body && "\n"}${body}`;
  return place.indent + marker + body.slice(indent.length);
}

function markerOf({ number, isChecked }: ListItem, { bullet }: Dialect): string {
  const box = isChecked === undefined ? "" : isChecked ? "☑ " : "☐ ";
  return number === undefined ? box || bullet : `${number}. ${box}`;
}

function renderInlines(nodes: Inline[], dialect: Dialect, active: Style[]): string {
  const pieces = dialect.codeStandsAlone ? freeCode(nodes) : nodes;
  let out = "";
  let wasMarked = false;
  for (const node of pieces) {
    const text = renderInline(node, dialect, active);
    if (!text) continue;
    const isMarked = node.type !== "text" && node.type !== "break" && node.type !== "link";
    if (out && (isMarked || wasMarked))
      out += dialect.seam?.(lastCharacter(out), String.fromCodePoint(text.codePointAt(0) ?? 0)) ?? "";
    out += text;
    wasMarked = isMarked;
  }
  return out;
}

function renderInline(node: Inline, dialect: Dialect, active: Style[]): string {
  switch (node.type) {
    case "text":
      return dialect.text(node.text);
    case "break":
      return "\n";
    case "code":
      return node.text.trim() ? dialect.code(node.text) : "";
    case "link":
      return dialect.link(renderInlines(node.children, dialect, active), node.url, wordsOf(node.children));
    default: {
      if (active.includes(node.type)) return renderInlines(node.children, dialect, active);
      const inner = renderInlines(node.children, dialect, [...active, node.type]);
      return inner.trim() ? dialect.style(node.type, inner) : inner;
    }
  }
}

/** `bold[a code b]` as `bold[a] code bold[b]`; in a link, code is text. */
function freeCode(nodes: Inline[]): Inline[] {
  return nodes.flatMap((node): Inline[] => {
    if (!("children" in node)) return [node];
    const children = freeCode(node.children);
    if (node.type === "link") return [{ ...node, children: children.map(codeAsText) }];
    const pieces: Inline[] = [];
    let marked: Inline[] = [];
    for (const child of [...children, undefined]) {
      if (child && child.type !== "code") {
        marked.push(child);
        continue;
      }
      if (marked.length > 0) pieces.push({ type: node.type, children: marked });
      if (child) pieces.push(child);
      marked = [];
    }
    return pieces;
  });
}

function codeAsText(node: Inline): Inline {
  if ("children" in node) return { ...node, children: node.children.map(codeAsText) };
  return node.type === "code" ? { type: "text", text: node.text } : node;
}

function lastCharacter(text: string): string {
  return Array.from(text.slice(-2)).at(-1) ?? "";
}
