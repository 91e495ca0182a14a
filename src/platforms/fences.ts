/** A block of code that is begun. */
export interface Fence {
  /** The signs of the quotes that it stands in. */
  quote: string;
  /** How far in it begins: its lines lose as much. */
  indent: number;
  marker: string;
  info: string;
}

/** Longer ones are no language; they would be repeated in every part. */
const MAX_INFO_CHARS = 40;

/** Of quotes within quotes, these signs are repeated. */
export const MAX_QUOTE_CHARS = 32;

const OPENS = /^((?:[ \t]*>)*)([ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(`{3,}(?=[^`]*$)|~{3,})([^\r\n]*)/;
const QUOTE = /^(?:[ \t]*>)*/;

/** The block of code that this line begins. */
export function fenceOpenedBy(line: string): Fence | undefined {
  if (!line.includes("```") && !line.includes("~~~")) return undefined;
  const found = OPENS.exec(line.trimEnd());
  if (!found) return undefined;
  const [, quote = "", indent = "", marker = "", info = ""] = found;
  const word = info.trim();
  return {
    quote: quote.slice(0, MAX_QUOTE_CHARS),
    indent: indent.length,
    marker,
    info: word.length <= MAX_INFO_CHARS ? word : "",
  };
}

/** True when this line ends the block of code. */
export function closesFence(line: string, { quote, marker }: Fence): boolean {
  const sign = marker.charAt(0);
  const text = (quote ? line.replace(QUOTE, "") : line).trim();
  return text.length >= marker.length && text === sign.repeat(text.length);
}

/** True when the quote that holds the block ends before this line, and the block with it. */
export function leavesFence(line: string, { quote }: Fence): boolean {
  return quote !== "" && !line.trimStart().startsWith(">");
}

/** The line that begins the block again, in another part; without its end. */
export function openingOf({ quote, marker, info }: Fence): string {
  return `${quote}${quote && " "}${marker}${info}`;
}

/** The text with the end of the block of code that it leaves open. */
export function closeFence(text: string): string {
  let open: Fence | undefined;
  if (!text.includes("```") && !text.includes("~~~")) return text;
  for (const line of text.split("\n")) {
    if (open && leavesFence(line, open)) open = undefined;
    if (!open) open = fenceOpenedBy(line);
    else if (closesFence(line, open)) open = undefined;
  }
  return open ? `${text}\n${openingOf({ ...open, info: "" })}` : text;
}
