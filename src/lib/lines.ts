export interface LineReaderOptions {
  maxBytes: number;
  /** Takes each whole line, without its newline. */
  onLine(line: string): void;
  /** Called once for a line that is longer than `maxBytes`; the rest of it is dropped. */
  onTooLong(head: string): void;
}

const NEWLINE = 0x0a;

/** Splits the bytes of a stream into lines of UTF-8. Never holds more than `maxBytes` and one chunk. */
export function createLineReader({
  maxBytes,
  onLine,
  onTooLong,
}: LineReaderOptions): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  let skipping = false;
  const take = (): string => {
    const line = Buffer.concat(parts).toString("utf8");
    parts = [];
    held = 0;
    return line;
  };

  return (chunk) => {
    let start = 0;
    while (start < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline < 0 ? chunk.length : newline;
      if (!skipping) {
        parts.push(chunk.subarray(start, Math.min(end, start + maxBytes - held)));
        held += end - start;
        if (held > maxBytes) {
          skipping = true;
          onTooLong(take());
        }
      }
      if (newline < 0) return;
      if (!skipping) onLine(take().replace(/\r$/, ""));
      skipping = false;
      start = newline + 1;
    }
  };
}
