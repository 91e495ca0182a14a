import { isUtf8 } from "node:buffer";
import { readAt } from "../../lib/beneath-read.ts";
import { headOf } from "../text.ts";
import { type Encoding, endOfLine, wholeCharacters } from "./encoding.ts";

/** UTF-16 units of a page. */
export const PAGE_CHARS = 20_000;
/** No unit takes more bytes than 3, in any of the encodings. */
const PAGE_BYTES = PAGE_CHARS * 3;
const CHUNK_BYTES = 256 * 1024;

/** A text file that is open. */
export interface TextFile {
  fd: number;
  /** As it was asked for, for messages. */
  path: string;
  encoding: Encoding;
  sizeBytes: number;
}

export interface Page {
  text: string;
  /** Lines that end in the page, a last one without line feed included. */
  lines: number;
  /** Where the page begins and ends in the file. */
  startByte: number;
  endByte: number;
  /** False when the page stops in the middle of a line. */
  endsLine: boolean;
}

/** Where a line begins, counted from 1, and how many lines there are when it is past the end. Streams through the file. */
export async function findLine(
  { fd, path, encoding }: TextFile,
  line: number,
  signal: AbortSignal,
): Promise<{ byte: number } | { lines: number }> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let base = encoding.markBytes;
  let current = 1;
  let lineStart = base;
  while (current < line) {
    signal.throwIfAborted();
    const bytes = await readAt(fd, path, base, CHUNK_BYTES, buffer);
    if (bytes.length === 0) break;
    for (let at = 0; current < line; ) {
      const end = endOfLine(encoding, bytes, at, base);
      if (end < 0) break;
      current += 1;
      lineStart = base + end;
      at = end;
    }
    base += bytes.length;
  }
  const isThere = current === line && (line === 1 || lineStart < (await endOf(fd, path, lineStart)));
  if (isThere) return { byte: lineStart };
  return { lines: lineStart < base ? current : current - 1 };
}

/** Reads a page: at most `maxLines` lines and `PAGE_CHARS`, whole lines unless the first one alone is longer. */
export async function readPage(file: TextFile, from: number, maxLines: number): Promise<Page> {
  const { encoding } = file;
  const read = await readAt(file.fd, file.path, Math.max(from, encoding.markBytes), PAGE_BYTES + 4);
  const skipped = startOfCharacter(encoding, read);
  const startByte = Math.max(from, encoding.markBytes) + skipped;
  const atEnd = read.length < PAGE_BYTES + 4;
  const bytes = read.subarray(skipped, atEnd ? read.length : wholeCharacters(encoding, read, PAGE_BYTES));
  const found = wholeLines(encoding, bytes, startByte, maxLines, atEnd);
  if (found.lines > 0 || bytes.length === 0)
    return { ...found, startByte, endByte: startByte + found.bytes, endsLine: true };
  const text = headOf(encoding.decode(bytes), PAGE_CHARS);
  const taken = bytesOf(encoding, bytes, text);
  const part = encoding.decode(bytes.subarray(0, taken));
  return { text: part, lines: 0, startByte, endByte: startByte + taken, endsLine: false };
}

/** The lines that fit, the last one of the file with or without its line feed. */
function wholeLines(encoding: Encoding, bytes: Uint8Array, base: number, maxLines: number, atEnd: boolean) {
  const texts: string[] = [];
  let taken = 0;
  let chars = 0;
  while (texts.length < maxLines && taken < bytes.length) {
    const found = endOfLine(encoding, bytes, taken, base);
    if (found < 0 && !atEnd) break;
    const end = found < 0 ? bytes.length : found;
    const text = encoding.decode(bytes.subarray(taken, end));
    chars += text.length;
    if (chars > PAGE_CHARS) break;
    texts.push(text);
    taken = end;
  }
  return { text: texts.join(""), lines: texts.length, bytes: taken };
}

/** How many bytes the beginning `text` of their decoding stands for. */
function bytesOf(encoding: Encoding, bytes: Uint8Array, text: string): number {
  if (encoding.unitBytes === 2) return text.length * 2;
  if (isUtf8(bytes)) return Buffer.byteLength(text);
  return wholeCharacters(encoding, bytes, Math.min(bytes.length, PAGE_CHARS)); // one byte makes one unit at most
}

/** Bytes to skip where an offset points into the middle of a character. */
function startOfCharacter({ unitBytes, name }: Encoding, bytes: Uint8Array): number {
  if (unitBytes === 2) {
    const high = bytes[name === "utf-16le" ? 1 : 0] ?? 0;
    return high >= 0xdc && high <= 0xdf ? 2 : 0;
  }
  if (name !== "utf-8") return 0;
  let skipped = 0;
  while (skipped < 3 && ((bytes[skipped] ?? 0) & 0xc0) === 0x80) skipped += 1;
  return skipped;
}

async function endOf(fd: number, path: string, from: number): Promise<number> {
  return from + (await readAt(fd, path, from, 1)).length;
}
