import { AppError } from "./errors.ts";

/** Deeper nesting than this is refused before the text is parsed: parsers recurse. */
export const MAX_JSON_DEPTH = 64;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads one JSON text (RFC 8259) from bytes: strict UTF-8, no byte order mark, nesting up to `maxDepth`. Throws
 * `malformed_json`, whose message never repeats the text.
 */
export function parseJson(bytes: Uint8Array, maxDepth = MAX_JSON_DEPTH): unknown {
  if (bytes.length === 0) throw malformed("The body is empty.", "Send a JSON object.");
  checkDepth(bytes, maxDepth);
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch (cause) {
    throw malformed("The body is not valid UTF-8.", "Encode the text as UTF-8.", cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed("The body is not valid JSON.", "Check quotes, commas and brackets.", cause);
  }
}

/** Counts brackets outside of strings; UTF-8 never hides an ASCII byte inside another character. */
function checkDepth(bytes: Uint8Array, maxDepth: number): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > maxDepth)
        throw malformed(`The body is nested deeper than ${maxDepth} levels.`, "Send a flatter structure.");
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
}

function malformed(message: string, hint: string, cause?: unknown): AppError {
  return new AppError("malformed_json", message, { hint, cause });
}

/** The JSON text of a value with the keys of every object sorted: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
