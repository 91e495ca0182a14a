import { closeFence, closesFence, type Fence, openingOf } from "./fences.ts";
import { type Line, lineAt } from "./lines.ts";

/**
 * The Markdown of a part by itself: the block of code that it is cut from is begun and ended, the head of its table or the quote
 * of its line repeated, and what belonged to a list stands at the left edge. `isBare` leaves all of that out, but for the ends of
 * blocks that begin within it.
 */
export function partText(
  markdown: string,
  lines: readonly Line[],
  start: number,
  end: number,
  isBare: boolean,
): string {
  const body = markdown.slice(start, end).trimEnd();
  const line = lines[Math.max(0, lineAt(lines, start))];
  if (!line) return body;
  if (isBare) return line.within.fence ? body.trimStart() : closeFence(body.trimStart());
  const isMidLine = start > line.start;
  const { fence } = line.within;
  const before = (fence ? `${openingOf(fence)}\n` : "") + repeated(line, isMidLine);
  const depth = fence ? fence.indent : line.indent;
  // Only the beginning of a text can be blank lines.
  const shown = isMidLine ? body : body.replace(/^\s*\n/, "");
  return closeFence(before + outdent(shown, depth, fence, isMidLine));
}

function repeated({ within: { fence, tableHead, quote = fence?.quote } }: Line, isMidLine: boolean): string {
  if (!isMidLine) return tableHead ?? "";
  return quote ? `${quote} ` : "";
}

/** The first lines, as long as they stand so far in, moved left. */
function outdent(text: string, depth: number, fence: Fence | undefined, isMidLine: boolean): string {
  if (depth === 0) return text;
  const lines = text.split("\n");
  let open = fence;
  for (const [i, line] of lines.entries()) {
    const indent = line.length - line.trimStart().length;
    const isPartOfLine = i === 0 && isMidLine;
    if (!isPartOfLine && !open && indent < depth && indent < line.length) break;
    lines[i] = line.slice(isPartOfLine ? 0 : Math.min(indent, depth));
    if (open && closesFence(line, open)) open = undefined;
  }
  return lines.join("\n");
}
