/** What a command has written: the beginning and the end of it, in memory that does not grow. */
export interface Output {
  write(chunk: Uint8Array): void;
  /** Everything that was written, kept or not. */
  readonly totalBytes: number;
  /** The kept beginning and end, with a line between them that says how much is missing. */
  text(): { text: string; missingBytes: number };
  /** At most `maxBytes` from `offset` on, as far as they are still kept. Whole characters only, unless it has `ended`. */
  since(offset: number, maxBytes: number, ended: boolean): OutputPart;
}

export interface OutputPart {
  text: string;
  /** Where the next part begins. */
  next: number;
  /** Bytes between the offset and the text that are kept no more. */
  missingBytes: number;
}

export interface OutputSizes {
  headBytes: number;
  tailBytes: number;
}

const FIRST_TAIL_BYTES = 16 * 1024;

/** Grows up to the sizes and no further. */
export function createOutput({ headBytes, tailBytes }: OutputSizes): Output {
  const head = new Uint8Array(headBytes);
  let ring = new Uint8Array(Math.min(tailBytes, FIRST_TAIL_BYTES));
  let total = 0;

  /** The last bytes from an offset on, which the ring still has. */
  const kept = (from: number, to: number): Uint8Array => {
    const bytes = new Uint8Array(to - from);
    for (let at = from; at < to; ) {
      const place = at % ring.length;
      const part = ring.subarray(place, Math.min(ring.length, place + to - at));
      bytes.set(part, at - from);
      at += part.length;
    }
    return bytes;
  };
  const firstKept = () => Math.max(0, total - ring.length);
  const grow = (needed: number) => {
    if (ring.length >= tailBytes || needed <= ring.length) return;
    const from = firstKept();
    const before = kept(from, total);
    ring = new Uint8Array(Math.min(tailBytes, Math.max(needed, 2 * ring.length)));
    put(before, from);
  };
  const put = (bytes: Uint8Array, offset: number) => {
    const skipped = Math.max(0, bytes.length - ring.length);
    for (let at = skipped; at < bytes.length; ) {
      const place = (offset + at) % ring.length;
      const part = bytes.subarray(at, at + ring.length - place);
      ring.set(part, place);
      at += part.length;
    }
  };

  return {
    get totalBytes() {
      return total;
    },
    write(chunk) {
      if (total < headBytes) head.set(chunk.subarray(0, headBytes - total), total);
      grow(total + chunk.length);
      put(chunk, total);
      total += chunk.length;
    },
    text() {
      const from = Math.max(firstKept(), Math.min(headBytes, total));
      const beginning = head.subarray(0, Math.min(headBytes, total));
      const end = kept(from, total);
      const missingBytes = total - beginning.length - end.length;
      if (missingBytes === 0) return { text: decode(Buffer.concat([beginning, end])), missingBytes };
      const gap = `\n[${missingBytes} bytes left out here]\n`;
      return {
        text: decode(beginning.subarray(0, wholeCharacters(beginning))) + gap + decode(skipPart(end)),
        missingBytes,
      };
    },
    since(offset, maxBytes, ended) {
      const from = Math.min(Math.max(offset, firstKept()), total);
      const to = Math.min(total, from + maxBytes);
      const bytes = kept(from, to);
      const whole = ended && to === total ? bytes.length : wholeCharacters(bytes);
      return {
        text: decode(bytes.subarray(0, whole)),
        next: from + whole,
        missingBytes: Math.max(0, from - offset),
      };
    },
  };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

/** How many of the bytes are left when a character of UTF-8 that is cut at the end is left off. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Without the rest of a character that is cut at the beginning. */
function skipPart(bytes: Uint8Array): Uint8Array {
  let skipped = 0;
  while (skipped < 3 && isContinuation(bytes[skipped])) skipped++;
  return bytes.subarray(skipped);
}
