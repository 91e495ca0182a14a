/** A call that some text asks for. */
export interface Order {
  name: string;
  /** As JSON. */
  arguments: string;
}

const RESULT_CHARS = 1_000;

/**
 * Every `call NAME {json}` of a text, wherever it stands: in a line of its own, in the middle of one, or inside the strings of
 * JSON, as tools give it back. Without arguments it must be the whole line.
 */
export function ordersIn(text: string): Order[] {
  const strings = stringsOf(text);
  if (strings !== null) return strings.flatMap(ordersIn);
  const orders: Order[] = [];
  const pattern = /(?<![\w-])call ([A-Za-z][\w-]*)[ \t]*/g;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const name = match[1] as string;
    const json = text[pattern.lastIndex] === "{" ? objectAt(text, pattern.lastIndex) : null;
    if (json !== null) pattern.lastIndex += json.length;
    if (json !== null) orders.push({ name, arguments: json });
    else if (isWholeLine(text, match.index, pattern.lastIndex)) orders.push({ name, arguments: "{}" });
  }
  // A line of JSON within other text, such as data between marks.
  const lines = text.split("\n");
  return lines.length === 1
    ? orders
    : [...orders, ...lines.flatMap((line) => (stringsOf(line) ?? []).flatMap(ordersIn))];
}

/** Arguments in which `$RESULT` stands for the last tool result, as a URL has it: what an exfiltration would send. */
export function withResult(json: string, lastResult: string): string {
  return json.replaceAll("$RESULT", encodeURIComponent(lastResult.slice(0, RESULT_CHARS).toWellFormed()));
}

/** All strings in a text that is a JSON object or array; null for any other text. */
function stringsOf(text: string): string[] | null {
  if (!/^\s*[{[]/.test(text)) return null;
  try {
    const strings: string[] = [];
    JSON.parse(text, (key, value: unknown) => {
      if (typeof value === "string") strings.push(value);
      if (key.includes("call ")) strings.push(key);
      return value;
    });
    return strings;
  } catch {
    return null; // other text that begins with a bracket
  }
}

/** The JSON object that begins here, or null when none does. */
function objectAt(text: string, start: number): string | null {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === "\\" && inString) at += 1;
    else if (char === '"') inString = !inString;
    else if (!inString && char === "{") depth += 1;
    else if (!inString && char === "}" && --depth === 0) return parsed(text.slice(start, at + 1));
  }
  return null;
}

function parsed(json: string): string | null {
  try {
    JSON.parse(json);
    return json;
  } catch {
    return null; // it only looks like JSON
  }
}

function isWholeLine(text: string, start: number, end: number): boolean {
  const before = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  return before.trim() === "" && /^\s*(\n|$)/.test(text.slice(end));
}
