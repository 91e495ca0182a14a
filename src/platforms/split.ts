import { chooseCut } from "./cut.ts";
import { type Line, lineAt, linesOf } from "./lines.ts";
import { partText } from "./part-text.ts";

/** One part of a long text. */
export interface Part {
  /** What is to be rendered: fences are closed and opened again, the head of a table is repeated. Not blank. */
  text: string;
  /** The slice of the original that it shows; the sources of all parts joined are the original. */
  source: string;
}

/** A text, and what its parts have to fit in. */
interface Work {
  markdown: string;
  lines: readonly Line[];
  fits(part: string): boolean;
}

/** How much of the text is tried first. */
const FIRST_GUESS_CHARS = 2000;
/** So many of the parts before a change may become others by it. */
const UNSETTLED_PARTS = 2;

/**
 * Splits Markdown into parts that all fit. It cuts between blocks where it can, else between items, rows and lines, after a
 * sentence, at a space, or between two characters as a reader sees them; a code point stays whole. A part depends only on what
 * stands before its end and shortly after it, so that a growing text keeps its parts but for the last two. A blank text has no
 * parts. `fits` is called three to six times for a part, with texts that are hardly longer than one.
 */
export function splitMarkdown(markdown: string, fits: (part: string) => boolean): Part[] {
  return createSplitter(fits)(markdown);
}

/**
 * A `splitMarkdown` for a text that grows: parts that are as they were last time are not looked for again, so that it takes time in
 * proportion to what has come. Of any other text it makes the same parts as for the first time.
 */
export function createSplitter(fits: (part: string) => boolean): (markdown: string) => Part[] {
  let lines: readonly Line[] = [];
  let parts: Found[] = [];
  return (markdown) => {
    if (!markdown.trim()) return [];
    parts = parts.slice(0, Math.max(0, sameParts(parts, markdown) - UNSETTLED_PARTS));
    let last = parts.at(-1);
    lines = linesOf(markdown, last && lines[lineAt(lines, last.end) - 1]);
    const work: Work = { markdown, lines, fits };
    for (let start = last?.end ?? 0; start < markdown.length; start = last.end) {
      last = nextPart(work, start, last && last.reached - last.start);
      parts.push(last);
    }
    return [...parts];
  };
}

/** How many of these parts, from the first on, are parts of this text too. */
function sameParts(parts: readonly Found[], markdown: string): number {
  const different = parts.findIndex(({ source, start }) => !markdown.startsWith(source, start));
  return different < 0 ? parts.length : different;
}

interface Found extends Part {
  start: number;
  end: number;
  /** How far it would have fitted. */
  reached: number;
}

function nextPart(work: Work, start: number, guess: number | undefined): Found {
  const { markdown, lines } = work;
  const found = (text: string, end: number, reached: number): Found => ({
    text,
    source: markdown.slice(start, end),
    start,
    end,
    reached,
  });
  let fitting: string | undefined;
  /** The last text that fits is tried twice where a part goes on to where it could. */
  const fits = (text: string) => {
    if (text !== fitting && !work.fits(text)) return false;
    fitting = text;
    return true;
  };
  // Where what is repeated leaves no room for anything else, it is left out.
  for (const isBare of [false, true]) {
    const textTo = (end: number) => partText(markdown, lines, start, end, isBare);
    const reached = reach(start, markdown.length, guess, (end) => fits(textTo(end)));
    for (let limit = reached; limit > start; ) {
      const cut = limit < markdown.length ? cutBefore(work, start, limit) : limit;
      const end = withSpaceAfter(markdown, cut);
      const text = textTo(end);
      if (fits(text)) return found(text, end, reached);
      limit = start + Math.floor(((cut - start) * 3) / 4);
    }
  }
  const end = start + String.fromCodePoint(markdown.codePointAt(start) ?? 0).length;
  return found(markdown.slice(start, end), end, end);
}

function cutBefore({ markdown, lines }: Work, start: number, limit: number): number {
  return chooseCut({ markdown, start, limit, lines, lastLine: lineAt(lines, limit) });
}

/**
 * How far a text that begins at `start` fits, to a sixteenth: `end`, or less. Tries the guess first. It does not ask how long
 * the text is before it got there, so that a text which has grown gives the same answer.
 */
function reach(
  start: number,
  end: number,
  guess: number | undefined,
  fitsTo: (end: number) => boolean,
): number {
  const first = guess ?? FIRST_GUESS_CHARS;
  let step = guess ? Math.max(16, first >> 4) : first;
  let low = start;
  let high = start + first;
  if (fitsTo(Math.min(high, end))) {
    do {
      low = high;
      if (low >= end) return end;
      high += step;
      step *= 2;
    } while (fitsTo(Math.min(high, end)));
  } else {
    low = Math.max(start, high - step);
    while (low > start && !fitsTo(low)) {
      high = low;
      step *= 2;
      low = Math.max(start, low - step);
    }
  }
  while (high - low > Math.max(1, (low - start) >> 4)) {
    const middle = (low + high) >> 1;
    if (middle < end && fitsTo(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Space after a cut stays with the part before, but for the indentation of the next line. */
function withSpaceAfter(markdown: string, cut: number): number {
  const space = /\s*/y;
  space.lastIndex = cut;
  const end = cut + (space.exec(markdown)?.[0].length ?? 0);
  if (end === markdown.length) return end;
  const lineStart = markdown.lastIndexOf("\n", end - 1) + 1;
  return lineStart >= cut ? lineStart : end;
}
