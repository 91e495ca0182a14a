import { inlineSpans, type Span } from "./inline-spans.ts";
import type { Line } from "./lines.ts";

/** Where a part is looked for. */
export interface Stretch {
  markdown: string;
  /** Where the part begins. */
  start: number;
  /** So far it fits. */
  limit: number;
  /** The lines of the whole text. */
  lines: readonly Line[];
  /** The index of the last line that begins at the limit or before. */
  lastLine: number;
}

/** A part is at least so full before a better place is given up for a later one. */
const GOOD_FILL = 0.5;
/** Code and tables are rather sent in short parts than cut within a line. */
const POOR_FILL = 0.2;

/** So much of the length of a part. */
const LOOK_AHEAD = 0.25;
/** Enough to see where a character ends. */
const LONG_CHARACTER = 32;

const SENTENCE_END = /(?:[。！？；…]+|(?<!^[ \t]*\d{1,9}|[.!?;])[.!?;]+(?=["')\]”’]*\s))["')\]”’」』）】]*/gm;
/** Before a space, after a sign that needs none. */
const WORD_END = /(?=(?<!\s)[ \t])|[，、：]/g;

/** The best place to end the part: the latest of the best kind that leaves it half full or more. Always after its start. */
export function chooseCut(stretch: Stretch): number {
  const { start, limit, lines, lastLine } = stretch;
  const good = start + (limit - start) * GOOD_FILL;
  for (const rank of ["block", "item", "line"] as const) {
    const cut = lineBefore(stretch, good, (line) => line.rank === rank);
    if (cut !== undefined) return cut;
  }
  const line = lines[lastLine];
  if (line && line.kind !== "prose") {
    const poor = start + (limit - start) * POOR_FILL;
    const cut = lineBefore(stretch, poor, ({ rank }) => rank !== "never");
    if (cut !== undefined) return cut;
    // A line of backticks that is cut in two would be two ends.
    if (line.kind === "marker" && line.start > start) return line.start;
  }
  return withinLine(stretch, good);
}

/** The latest line in the part, but not before `least`, that a part may begin with. */
function lineBefore(
  { start, lines, lastLine }: Stretch,
  least: number,
  isFit: (line: Line) => boolean,
): number | undefined {
  for (let i = lastLine; i >= 0; i -= 1) {
    const line = lines[i];
    if (!line || line.start < least || line.start <= start) return undefined;
    if (isFit(line)) return line.start;
  }
  return undefined;
}

/** After a sentence, after a word, between two characters; outside of code, links and emphasis where there is such a place. */
function withinLine({ markdown, start, limit, lines, lastLine }: Stretch, good: number): number {
  const line = lines[lastLine];
  const from = Math.max(start, line?.start ?? start);
  // What begins before the limit may end after it. Nothing farther on counts, or a growing text would change its parts.
  const text = markdown.slice(from, limit + LOOK_AHEAD * (limit - start) + LONG_CHARACTER);
  const reach = limit - from;
  const least = Math.max(1, good - from);
  const spans = line?.kind === "prose" ? inlineSpans(text) : [];
  const places = [
    ...(line?.kind === "prose" ? [lastEnd(SENTENCE_END, text, least, reach, spans)] : []),
    lastEnd(WORD_END, text, least, reach, spans),
    outside(spans, characterStart(text, reach), least),
    lastEnd(WORD_END, text, least, reach, []),
  ];
  const place = places.find((found) => found !== undefined) ?? characterStart(text, reach);
  return from + (place > 0 || from > start ? place : codePointStart(text, reach));
}

function lastEnd(
  pattern: RegExp,
  text: string,
  least: number,
  reach: number,
  spans: Span[],
): number | undefined {
  let last: number | undefined;
  for (const found of text.slice(0, reach + 1).matchAll(pattern)) {
    const end = found.index + found[0].length;
    if (end >= least && end <= reach && !spanAround(spans, end)) last = end;
  }
  return last;
}

function outside(spans: Span[], place: number, least: number): number | undefined {
  const free = spanAround(spans, place)?.start ?? place;
  return free >= least ? free : undefined;
}

function spanAround(spans: Span[], place: number): Span | undefined {
  return spans.find((span) => span.start < place && place < span.end);
}

let segmenter: Intl.Segmenter | undefined;

/** The beginning of the character, as a reader sees it, that would be cut here: a flag, a family, a letter with its accents. */
function characterStart(text: string, at: number): number {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return at < text.length ? (segmenter.segment(text).containing(at)?.index ?? at) : text.length;
}

/** The same for characters that are too long for a part; at least one code point. */
function codePointStart(text: string, at: number): number {
  const isPair = (text.codePointAt(at - 1) ?? 0) > 0xffff;
  if (!isPair) return Math.max(1, at);
  return at > 1 ? at - 1 : at + 1;
}
