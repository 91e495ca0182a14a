import { valueText } from "../../lib/template.ts";
import { cutText } from "../../tools/text.ts";
import { code, fence } from "../words/markdown.ts";
import type { HookEvent } from "./event.ts";
import { assertSaid } from "./prompt.ts";
import type { HookSettings } from "./settings.ts";

/** The longest message that an event makes in a chat. */
const MAX_MESSAGE_CHARS = 20_000;
/** Room for the marks around a message that is code as a whole. */
const FENCED_CHARS = MAX_MESSAGE_CHARS - 100;

/**
 * The message that a route without a model sends. Values stand in it as code, so that they say nothing in Hermes's name. Where
 * they would not stay within their marks - between marks of the operator, in a table, at the cut of a long message - all of it
 * is code. Throws `invalid_request` where there is nothing to send.
 */
export async function messageFor({ prompt }: HookSettings, event: HookEvent): Promise<string> {
  if (prompt === null) throw new Error("a route without a model has no prompt");
  const view = { ...event };
  let hasQuotes = false;
  const quoteAs = (text: (value: string) => string) => (value: unknown) => {
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    hasQuotes = true;
    return quoted(text(valueText(value)));
  };
  const message = prompt.render(
    view,
    quoteAs((text) => text),
  );
  assertSaid(message);
  if (!hasQuotes) return cutText(message, MAX_MESSAGE_CHARS);
  // What the operator means: the same message with values that want to be nothing else.
  const meant = prompt.render(view, quoteAs(harmless));
  if (message.length <= MAX_MESSAGE_CHARS && (await haveSameForm(message, meant))) return message;
  return fence(cutText(prompt.render(view, valueText), FENCED_CHARS));
}

/** A carriage return ends a line as well. */
const LINE_END = /[\r\n]/;

function quoted(text: string): string {
  if (text === "") return "";
  return LINE_END.test(text) ? `\n${fence(text)}\n` : code(text);
}

function harmless(text: string): string {
  if (text === "") return "";
  return LINE_END.test(text) ? "x\nx" : "x";
}

/** Whether two texts of Markdown differ in what is code only, read as the platforms read it. */
async function haveSameForm(one: string, other: string): Promise<boolean> {
  const { parseMarkdown } = await import("../../platforms/markdown.ts");
  const formOf = (text: string) =>
    JSON.stringify(parseMarkdown(text), (_key, node) => (node?.type === "code" ? "code" : node));
  return formOf(one) === formOf(other);
}
