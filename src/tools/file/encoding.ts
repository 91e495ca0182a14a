import { isUtf8 } from "node:buffer";

/** How the bytes of a text file are read and written. Offsets are those of the file, its byte order mark included. */
export interface Encoding {
  name: "utf-8" | "utf-16le" | "utf-16be" | "unknown";
  /** Bytes of the byte order mark. */
  markBytes: number;
  /** Bytes of one code unit. */
  unitBytes: 1 | 2;
  decode(bytes: Uint8Array): string;
  encode(text: string): Buffer;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const NEWLINE = 0x0a;

const UTF8: Encoding = {
  name: "utf-8",
  markBytes: 0,
  unitBytes: 1,
  decode: (bytes) => utf8.decode(bytes),
  encode: (text) => Buffer.from(text),
};
/** Some single-byte or East Asian encoding: what is not ASCII shows as U+FFFD, and is never written back. */
const UNKNOWN: Encoding = { ...UTF8, name: "unknown" };
const UTF16LE: Encoding = {
  name: "utf-16le",
  markBytes: 2,
  unitBytes: 2,
  decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length & ~1).toString("utf16le"),
  encode: (text) => Buffer.from(text, "utf16le"),
};
const UTF16BE: Encoding = {
  ...UTF16LE,
  name: "utf-16be",
  decode: (bytes) => UTF16LE.decode(swapped(bytes)),
  encode: (text) => UTF16LE.encode(text).swap16(),
};

/** The encoding of a text file by its first bytes; null for a binary file. `whole`: there are no bytes after them. */
export function encodingOf(head: Uint8Array, whole: boolean): Encoding | null {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { ...UTF8, markBytes: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return UTF16LE;
  if (head[0] === 0xfe && head[1] === 0xff) return UTF16BE;
  if (head.includes(0)) return null;
  const complete = whole ? head.length : wholeCharacters(UTF8, head, head.length);
  if (isUtf8(head.subarray(0, complete))) return UTF8;
  return mostlyText(head) ? UNKNOWN : null;
}

/** Where the line ends that `from` is in: after its line feed, or -1 when there is none. `base` is the file offset of the bytes. */
export function endOfLine(encoding: Encoding, bytes: Uint8Array, from: number, base: number): number {
  let at = bytes.indexOf(NEWLINE, from);
  if (encoding.unitBytes === 1) return at < 0 ? -1 : at + 1;
  for (; at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    const even = (base + at) % 2 === 0;
    if (encoding.name === "utf-16le" && even && bytes[at + 1] === 0) return at + 2;
    if (encoding.name === "utf-16be" && !even && bytes[at - 1] === 0) return at + 1;
  }
  return -1;
}

/** Where the last line ends that ends in these bytes, or 0. `bytes` begins with a whole unit. */
export function lastLineEnd({ unitBytes, name }: Encoding, bytes: Uint8Array): number {
  let at = bytes.lastIndexOf(NEWLINE);
  if (unitBytes === 1) return at + 1;
  for (; at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1)) {
    if (name === "utf-16le" && at % 2 === 0 && bytes[at + 1] === 0) return at + 2;
    if (name === "utf-16be" && at % 2 === 1 && bytes[at - 1] === 0) return at + 1;
  }
  return 0;
}

/** How many of the first `length` bytes are whole characters, so that none is cut in two. */
export function wholeCharacters(encoding: Encoding, bytes: Uint8Array, length: number): number {
  if (encoding.unitBytes === 2) {
    const even = length & ~1;
    const high = bytes[even - (encoding.name === "utf-16le" ? 1 : 2)] ?? 0;
    return even >= 2 && high >= 0xd8 && high <= 0xdb ? even - 2 : even; // not between the halves of a pair
  }
  for (let back = 1; back <= 4 && back <= length; back++) {
    const byte = bytes[length - back] as number;
    if ((byte & 0xc0) === 0x80) continue; // in the middle of a character
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? length - back : length;
  }
  return length;
}

function swapped(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16();
}

/** Few control characters besides white space. */
function mostlyText(bytes: Uint8Array): boolean {
  let controls = 0;
  for (const byte of bytes) if (byte < 0x20 && (byte < 0x07 || byte > 0x0d) && byte !== 0x1b) controls += 1;
  return controls * 100 <= bytes.length;
}
