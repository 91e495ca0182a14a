import { closesFence, type Fence, fenceOpenedBy, leavesFence, MAX_QUOTE_CHARS } from "./fences.ts";

/** A line that is not blank. */
export interface Line {
  start: number;
  /** A marker begins or ends a block of code; a row is one of a table. Only prose is cut at the end of a sentence. */
  kind: "prose" | "code" | "marker" | "row";
  /** How well a part begins here, from not at all to best. */
  rank: "never" | "line" | "item" | "block";
  /** Spaces and tabs at the beginning. */
  indent: number;
  /** What a part that goes on here has to repeat. */
  within: { fence?: Fence; tableHead?: string; quote?: string };
  /** What the lines before it say of it. */
  before: State;
}

/** What the lines so far say of the next one. */
interface State {
  fence: Fence | undefined;
  tableHead: string | undefined;
  /** So many of the next lines stay with the one before: the first of a block, what follows a heading. */
  kept: number;
  isAfterBlank: boolean;
}

type LineKind = Pick<Line, "kind" | "rank" | "within">;

/** A longer head of a table is not repeated, and stands as "". */
const MAX_HEAD_CHARS = 500;

/** A longer line of dashes makes no table: to read it could take long. */
const MAX_DELIMITER_CHARS = 2000;

const HEADING = /^ {0,3}#{1,6}(?:\s|$)/;
const ITEM = /^(?:[-*+]|\d{1,9}[.)])\s/;
const DELIMITER_ROW = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const QUOTE = /^(?:[ \t]*>)+/;

const BEGINNING: State = { fence: undefined, tableHead: undefined, kept: 0, isAfterBlank: true };

/**
 * The lines of a text that are not blank. What a line is depends on the lines before it and on the next one only. `from`: a line
 * at which to begin, of a text that is the same up to there and in that line.
 */
export function linesOf(markdown: string, from?: Pick<Line, "start" | "before">): Line[] {
  const lines: Line[] = [];
  const state: State = { ...(from?.before ?? BEGINNING) };
  for (let start = from?.start ?? 0, end = 0; start < markdown.length; start = end) {
    end = lineEnd(markdown, start);
    const text = markdown.slice(start, end);
    const indent = text.length - text.trimStart().length;
    const isBlank = indent === text.length;
    if (!isBlank) {
      const next = () => markdown.slice(end, lineEnd(markdown, end));
      const before = { ...state };
      lines.push({ start, indent, before, ...kindOf(text, indent, next, state) });
    } else if (!state.fence) state.tableHead = undefined;
    state.isAfterBlank = isBlank;
  }
  return lines;
}

function lineEnd(markdown: string, start: number): number {
  const end = markdown.indexOf("\n", start);
  return end < 0 ? markdown.length : end + 1;
}

function kindOf(text: string, indent: number, next: () => string, state: State): LineKind {
  if (state.fence && leavesFence(text, state.fence)) state.fence = undefined;
  if (state.fence) return codeLine(text, state.fence, state);
  const isKept = state.kept > 0;
  state.kept = Math.max(0, state.kept - 1);
  const first = isKept ? "never" : indent > 1 ? "line" : "block";
  state.fence = fenceOpenedBy(text);
  if (state.fence) {
    state.tableHead = undefined;
    state.kept = 1;
    return { kind: "marker", rank: first, within: {} };
  }
  if (text.includes("|")) {
    if (state.tableHead !== undefined) return row(isKept ? "never" : "line", state.tableHead);
    const delimiter = next();
    if (
      delimiter.length <= MAX_DELIMITER_CHARS &&
      delimiter.includes("|") &&
      DELIMITER_ROW.test(delimiter.replace(QUOTE, ""))
    ) {
      state.tableHead = headOf(text, delimiter);
      // The line of dashes and the first row.
      state.kept = 2;
      return { kind: "row", rank: first, within: {} };
    }
  }
  state.tableHead = undefined;
  return proseLine(text, indent, first, state);
}

function codeLine(text: string, fence: Fence, state: State): LineKind {
  const isEnd = closesFence(text, fence);
  const rank = isEnd || state.kept > 0 ? "never" : "line";
  state.kept = 0;
  if (isEnd) state.fence = undefined;
  return { kind: isEnd ? "marker" : "code", rank, within: { fence } };
}

function row(rank: Line["rank"], tableHead: string): LineKind {
  return { kind: "row", rank, within: tableHead ? { tableHead } : {} };
}

function headOf(text: string, delimiter: string): string {
  const head = `${text.trim()}\n${delimiter.trim()}\n`;
  return head.length <= MAX_HEAD_CHARS ? head : "";
}

function proseLine(text: string, indent: number, first: Line["rank"], state: State): LineKind {
  const isHeading = HEADING.test(text);
  if (isHeading) state.kept = 1;
  const quote = QUOTE.exec(text)?.[0].trim().slice(0, MAX_QUOTE_CHARS);
  const within = quote ? { quote } : {};
  if (first === "never" || state.isAfterBlank || isHeading) return { kind: "prose", rank: first, within };
  return { kind: "prose", rank: indent < 2 && ITEM.test(text) ? "item" : "line", within };
}

/** The index of the last line that begins at `place` or before; -1 when the first one begins later. */
export function lineAt(lines: readonly Line[], place: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.start ?? 0) <= place) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
