import { describe, expect, test } from "bun:test";
import { createLineReader } from "../../src/lib/lines.ts";

/** What a reader makes of chunks; a line that is too long stands as `[its head]`. */
function read(chunks: readonly (string | Buffer)[], maxBytes = 8): string[] {
  const lines: string[] = [];
  const take = createLineReader({
    maxBytes,
    onLine: (line) => lines.push(line),
    onTooLong: (head) => lines.push(`[${head}]`),
  });
  for (const chunk of chunks) take(Buffer.from(chunk));
  return lines;
}

describe("lines", () => {
  const cases: [name: string, chunks: readonly (string | Buffer)[], lines: string[]][] = [
    ["several in one chunk", ["a\nb\n\nc\n"], ["a", "b", "", "c"]],
    ["one in several chunks", ["a", "b", "c\n"], ["abc"]],
    ["CRLF", ["a\r\nb\r", "\n"], ["a", "b"]],
    ["a character cut in two", [Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a])], ["é"]],
    ["no newline yet", ["a\nb"], ["a"]],
    ["exactly the limit", ["12345678\n"], ["12345678"]],
    ["past the limit, and the next one", ["123456789\nb\n"], ["[12345678]", "b"]],
    [
      "past the limit in many chunks, told once",
      ["1234", "5678", "9", "...", "...\nb\n"],
      ["[12345678]", "b"],
    ],
  ];
  for (const [name, chunks, lines] of cases) test(name, () => expect(read(chunks)).toEqual(lines));
});
