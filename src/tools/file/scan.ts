import { readAt } from "../../lib/beneath-read.ts";
import { type Encoding, endOfLine, lastLineEnd, wholeCharacters } from "./encoding.ts";
import type { Matcher } from "./match.ts";
import type { TextFile } from "./page.ts";

const EXCERPT_CHARS = 240;

/** A place in a file where a scan can begin: a byte, and the number of the line that it is in. */
export interface Mark {
  byte: number;
  line: number;
}

export interface Hit {
  line: number;
  text: string;
  /** The piece that it was found in. */
  mark: Mark;
}

/** What a scan gives: a line that matches, or that a piece is done and where the next one begins. */
export type Scanned = { hit: Hit } | { done: Mark };

/** Looks through an open file piece by piece, in memory of a fixed size. */
export async function* scan(
  { fd, path, encoding, sizeBytes }: TextFile,
  matcher: Matcher,
  from: Mark,
): AsyncGenerator<Scanned> {
  const buffer = Buffer.allocUnsafe(Math.min(matcher.pieceBytes, sizeBytes + 1));
  const mark = { byte: Math.max(from.byte, encoding.markBytes), line: Math.max(from.line, 1) };
  for (;;) {
    const read = await readAt(fd, path, mark.byte, buffer.length, buffer);
    if (read.length === 0) return;
    const bytes = read.subarray(0, pieceLength(encoding, read, buffer.length));
    const couldMatch = matcher.needle === null || encoding.unitBytes === 2 || bytes.includes(matcher.needle);
    if (couldMatch) for (const hit of hitsIn(encoding.decode(bytes), matcher, { ...mark })) yield { hit };
    mark.line += countLines(encoding, bytes, mark.byte);
    mark.byte += bytes.length;
    yield { done: { ...mark } };
  }
}

/** Whole lines; of one that is longer than the buffer, whole characters. */
function pieceLength(encoding: Encoding, read: Buffer, wanted: number): number {
  if (read.length < wanted) return read.length;
  return lastLineEnd(encoding, read) || wholeCharacters(encoding, read, read.length);
}

function* hitsIn(text: string, matcher: Matcher, mark: Mark): Generator<Hit> {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const [i, whole] of lines.entries()) {
    const line = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    const at = matcher.find(line);
    if (at >= 0) yield { line: mark.line + i, text: excerpt(line, at), mark };
  }
}

/** The line, or the part of a long one around the match. */
function excerpt(line: string, at: number): string {
  if (line.length <= EXCERPT_CHARS) return line;
  const start = Math.max(0, Math.min(at - EXCERPT_CHARS / 4, line.length - EXCERPT_CHARS));
  const end = start + EXCERPT_CHARS;
  const part = line.slice(start, end).toWellFormed();
  return `${start > 0 ? "..." : ""}${part}${end < line.length ? "..." : ""}`;
}

function countLines(encoding: Encoding, bytes: Uint8Array, base: number): number {
  let lines = 0;
  for (let at = endOfLine(encoding, bytes, 0, base); at >= 0; at = endOfLine(encoding, bytes, at, base))
    lines += 1;
  return lines;
}
