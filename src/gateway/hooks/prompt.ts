import { AppError } from "../../lib/errors.ts";
import { derivedId } from "../../lib/ids.ts";
import { valueText } from "../../lib/template.ts";
import { ID_PATTERN } from "../../tools/contract.ts";
import { cutText } from "../../tools/text.ts";
import { cleanUntrusted, wrapUntrusted } from "../../tools/untrusted.ts";
import type { HookEvent } from "./event.ts";
import type { HookSettings } from "./settings.ts";

/** The longest part of an event that a model is shown. */
const MAX_EVENT_CHARS = 100_000;
const SESSION_ID = new RegExp(ID_PATTERN);
/** How ids begin that stand for what cannot be one; nothing else may begin so. */
const DERIVED = "hook";

/**
 * What the agent is told of an event. Only the operator's words stand outside of the one marked block: in them, each value is a
 * number, and the block says what it stands for. As JSON, so that no value can pretend to be another. Throws `invalid_request`
 * where there is nothing to tell.
 */
export function promptFor({ prompt, name }: HookSettings, event: HookEvent): string {
  const source = name === null ? "webhook" : `webhook ${name}`;
  const block = (text: string) => wrapUntrusted(cutText(cleanUntrusted(text), MAX_EVENT_CHARS), source);
  if (prompt === null) return `An event has come to the ${source}:\n\n${block(event.text)}`;
  const values: string[] = [];
  let roomChars = MAX_EVENT_CHARS; // what does not fit is not even written: a list could name a long value a thousand times
  const told = prompt.render({ ...event }, (value, field) => {
    const line = `[value ${values.length + 1}] ${field}: ${roomChars > 0 ? JSON.stringify(value) : "[cut here]"}`;
    values.push(line);
    roomChars -= line.length;
    return `[value ${values.length}]`;
  });
  assertSaid(told);
  if (prompt.isFixed) return `${told}\n\n${block(event.text)}`;
  return values.length === 0 ? told : `${told}\n\n${block(values.join("\n"))}`;
}

/** Throws `invalid_request` for what a template has made of an event without the fields that it names. */
export function assertSaid(text: string): void {
  if (text.trim() === "")
    throw new AppError("invalid_request", "Of this event the prompt of its route makes nothing.", {
      hint: "Send the fields that the prompt names.",
    });
}

/** What stands in the system prompt of such a turn. */
export function instructionsFor({ name, waitMs }: HookSettings): string {
  const where = name === null ? "the webhook" : `the webhook route ${name}`;
  const reader = waitMs === null ? "" : " Your answer goes back to it as it is.";
  return `A program has sent an event to ${where}. Nobody reads along who could be asked something.${reader}`;
}

/** The session of an event, by its id within the route's own. */
export function sessionFor({ session }: HookSettings, event: HookEvent): string {
  const id = session.render({ ...event }, valueText);
  return SESSION_ID.test(id) && !id.startsWith(`${DERIVED}_`) ? id : derivedId(DERIVED, id);
}
