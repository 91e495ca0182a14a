import { decodePlace, encodePlace } from "../../lib/cursor.ts";

/** Where a list or a search goes on: a path below where it began, and how far within that file. */
export interface Cursor {
  path: string;
  /** Where the next piece of the file begins, and the number of its first line. */
  byte: number;
  line: number;
  /** The first line whose match has not been given yet. */
  fromLine: number;
}

export function writeCursor({ path, byte, line, fromLine }: Cursor): string {
  return encodePlace([path, byte, line, fromLine]);
}

/** Null for a text that `writeCursor` cannot have made. */
export function readCursor(text: string): Cursor | null {
  const place = decodePlace(text);
  if (!Array.isArray(place)) return null;
  const [path, ...numbers] = place as unknown[];
  if (typeof path !== "string" || numbers.length !== 3) return null;
  if (!numbers.every((number) => Number.isSafeInteger(number) && (number as number) >= 0)) return null;
  const [byte = 0, line = 1, fromLine = 1] = numbers as number[];
  return { path, byte, line, fromLine };
}
