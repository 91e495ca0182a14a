/** Longest value that came from a request header. */
const MAX_HEADER_CHARS = 200;
/** Longest other text: enough for any message, too little to flood the log. */
const MAX_TEXT_CHARS = 2000;
const MAX_ITEMS = 50;
const MAX_DEPTH = 6;

/** Names of fields that hold what a client wrote into a header. */
const HEADER_NAME = /header|agent|origin|host|referr?er|forwarded|accept|content.?type/i;
/** Names whose values are credentials, also when they are wrong ones. */
const CREDENTIAL_NAME = /^(proxy-)?authorization$|^(set-)?cookie$|^x-api-key$|signature$/i;
/** C0, DEL, C1, line separators and the marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** What a logged value is made of. */
export type LoggedValue = string | number | boolean | null | LoggedValue[] | { [name: string]: LoggedValue };

export interface LoggedOptions {
  /** Takes secrets out of a text before it is cut, for half a secret is not recognised any more. */
  redact: (text: string) => string;
  /** Show the stacks of errors. */
  stacks: boolean;
}

/** A value as it may be logged: errors unfolded, texts cut, credentials hidden, cycles and depths ended. */
export function toLogged(name: string, value: unknown, options: LoggedOptions): LoggedValue | undefined {
  const ancestors: object[] = [];

  const text = (key: string, content: string, isHeader: boolean): string => {
    if (CREDENTIAL_NAME.test(key)) return "[hidden]";
    const max = isHeader || HEADER_NAME.test(key) ? MAX_HEADER_CHARS : MAX_TEXT_CHARS;
    const redacted = options.redact(content);
    return redacted.length > max ? `${redacted.slice(0, max)}… (${redacted.length} characters)` : redacted;
  };

  const object = (key: string, content: object, isHeader: boolean): LoggedValue => {
    if (content instanceof Date)
      return Number.isNaN(content.getTime()) ? "invalid date" : content.toISOString();
    if (ArrayBuffer.isView(content)) return `[${content.byteLength} bytes]`;
    if (ancestors.includes(content)) return "[circular]";
    if (ancestors.length >= MAX_DEPTH) return "[deeper]";
    ancestors.push(content);
    try {
      if (Array.isArray(content) || content instanceof Set)
        return [...content].slice(0, MAX_ITEMS).map((item) => any(key, item, isHeader) ?? null);
      const pairs = [...entriesOf(content, options.stacks)].slice(0, MAX_ITEMS);
      return Object.fromEntries(
        pairs.flatMap(([entry, item]) => {
          const logged = any(entry, item, isHeader || content instanceof Headers || HEADER_NAME.test(key));
          return logged === undefined ? [] : [[entry, logged] as const];
        }),
      );
    } finally {
      ancestors.pop();
    }
  };

  const any = (key: string, content: unknown, isHeader: boolean): LoggedValue | undefined => {
    if (typeof content === "string") return text(key, content, isHeader);
    if (content === null || typeof content === "boolean") return content;
    if (typeof content === "number") return Number.isFinite(content) ? content : String(content);
    if (content === undefined || typeof content === "function") return undefined;
    return typeof content === "object" ? object(key, content, isHeader) : String(content);
  };

  return any(name, value, false);
}

function entriesOf(content: object, stacks: boolean): Iterable<readonly [string, unknown]> {
  if (content instanceof Headers) return content.entries();
  if (content instanceof Map) return [...content].map(([key, item]) => [String(key), item] as const);
  if (!(content instanceof Error)) return Object.entries(content);
  const { name, message, cause, stack } = content;
  const own = Object.entries(content).filter(([key]) => !["name", "message", "cause", "stack"].includes(key));
  return Object.entries({
    name,
    message,
    ...Object.fromEntries(own),
    cause,
    stack: stacks ? stack : undefined,
  });
}

/** Control characters as `\uXXXX`, which JSON reads back as it was, so that one call is one line on any terminal. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
