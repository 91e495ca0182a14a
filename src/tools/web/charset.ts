const DECLARED = /\bcharset\s*=\s*["']?\s*([\w:.-]+)/i;
const XML_DECLARED = /^<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([\w:.-]+)/i;
const BYTE_ORDER_MARKS: readonly (readonly [mark: readonly number[], charset: string])[] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xfe, 0xff], "utf-16be"],
  [[0xff, 0xfe], "utf-16le"],
];
/** How far into a document it may name its charset (HTML standard, prescan of a byte stream). */
const PRESCAN_BYTES = 1024;

/**
 * The text of these bytes: by the byte order mark, else by the charset of the `Content-Type` header, else by the one that
 * the document names in its beginning, else as UTF-8. A charset that nobody knows counts as none. Bytes that do not fit
 * become U+FFFD.
 */
export function decodeText(bytes: Uint8Array, contentType: string): string {
  const head = Buffer.from(bytes.subarray(0, PRESCAN_BYTES)).toString("latin1");
  const named = [DECLARED.exec(contentType), XML_DECLARED.exec(head), DECLARED.exec(head)];
  const charsets = [markOf(bytes), ...named.map((match) => match?.[1]), "utf-8"];
  const decoder = charsets.map(decoderFor).find((one) => one !== null) ?? new TextDecoder();
  return decoder.decode(bytes);
}

/** The text of bytes of an unnamed type, or null when they are no text: neither UTF-8 nor under a byte order mark, or with a NUL. */
export function decodeUntypedText(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder(markOf(bytes) as Bun.Encoding | undefined, { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null; // not text, which is an answer and not a fault
  }
}

function decoderFor(charset: string | undefined): TextDecoder | null {
  try {
    return charset === undefined ? null : new TextDecoder(charset as Bun.Encoding);
  } catch {
    return null; // a name that is no charset
  }
}

function markOf(bytes: Uint8Array): string | undefined {
  return BYTE_ORDER_MARKS.find(([mark]) => mark.every((byte, i) => bytes[i] === byte))?.[1];
}
