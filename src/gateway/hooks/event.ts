import { AppError } from "../../lib/errors.ts";
import { formFields, MAX_FORM_FIELDS } from "../../lib/form.ts";
import { derivedId } from "../../lib/ids.ts";
import { parseJson } from "../../lib/json.ts";
import { digest } from "../../lib/secrets.ts";
import { valueText } from "../../lib/template.ts";
import type { Delivery } from "../../store/records.ts";
import type { SignedHeaders } from "../../webhooks/contract.ts";
import type { HookCall } from "./contract.ts";
import { SIGNATURE_HEADERS } from "./proof.ts";
import type { HookSettings } from "./settings.ts";

/** An event that was proven, as templates and filters see it. */
export interface HookEvent {
  payload: unknown;
  /** The payload as it came, for a model. */
  text: string;
  headers: SignedHeaders;
  route: string;
  event_id: string;
}

/** Which delivery an event is, and its name to others. */
export interface EventIdentity {
  delivery: Delivery;
  eventId: string;
}

const FORM = /^application\/x-www-form-urlencoded\b/i;
const TEXT = /^text\/plain\b/i;
/** Up to 15 digits and an exponent of two are held by every number. */
const MAYBE_INEXACT = /[\d.]{16}|\d[eE][+-]?\d{3}/;
/** Headers that are no business of a prompt, besides those with signatures. */
const HIDDEN_HEADERS: ReadonlySet<string> = new Set([
  ...SIGNATURE_HEADERS,
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-api-key",
]);

/**
 * Names an event by what its sender signed as its id, and otherwise by its body. Where a request may choose its scheme, the body
 * is a second name: whoever saw it could send it again by a scheme that signs no id.
 */
export function identify(
  { source, scheme }: HookSettings,
  deliveryId: string | null,
  body: Uint8Array,
): EventIdentity {
  const byBody = `body:${Buffer.from(digest(body)).toString("base64url")}`;
  const id = deliveryId === null ? byBody : `id:${deliveryId}`;
  const aliases = deliveryId === null || scheme !== null ? [] : [byBody];
  return {
    delivery: { source: `hook:${source}`, id, fingerprint: "", retriesFailed: true, aliases },
    eventId: derivedId("evt", source, id),
  };
}

/** Reads the body of an event. Throws `malformed_json`, and `invalid_request` for a form of too many fields. */
export function readEvent(
  { name, scheme, source }: HookSettings,
  { headers, body }: HookCall,
  eventId: string,
): HookEvent {
  const { payload, text } = readPayload(headers["content-type"] ?? "", body);
  const shown = Object.entries(headers).filter(
    ([header]) => !HIDDEN_HEADERS.has(header) && !scheme?.headers.includes(header),
  );
  return { payload, text, headers: Object.fromEntries(shown), route: name ?? source, event_id: eventId };
}

function readPayload(type: string, body: Uint8Array): { payload: unknown; text: string } {
  const text = Buffer.from(body).toString("utf8");
  if (TEXT.test(type)) return { payload: text, text };
  if (!FORM.test(type)) return { payload: exactJson(body, text), text };
  const payload = formPayload(text);
  return { payload, text: valueText(payload) };
}

/** A form by its fields. GitHub, for one, puts JSON into a single field `payload`. */
function formPayload(text: string): unknown {
  const fields = formFields(text);
  if (fields === null)
    throw new AppError("invalid_request", `The form has more than ${MAX_FORM_FIELDS} fields.`, {
      hint: "Send JSON, or fewer fields.",
    });
  const [only = "", ...more] = fields.size === 1 ? (fields.get("payload") ?? []) : [];
  if (more.length === 0 && /^\s*[[{]/.test(only)) return exactJson(Buffer.from(only), only);
  const named = [...fields].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  return Object.fromEntries(named);
}

/** Numbers that cannot be held exactly, such as long ids and amounts, become the text that they were written as. */
function exactJson(body: Uint8Array, text: string): unknown {
  const value = parseJson(body);
  if (!MAYBE_INEXACT.test(text)) return value;
  return JSON.parse(text, (_key, part: unknown, { source }: { source?: string } = {}) =>
    typeof part === "number" && source !== undefined && !isExact(part, source) ? source : part,
  );
}

function isExact(value: number, source: string): boolean {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return false;
  return digitsOf(String(value)) === digitsOf(source);
}

/** The digits of a number that count, without the place of its point. */
function digitsOf(number: string): string {
  const [digits = ""] = number.split(/e/i, 1);
  return digits.replace(/[-.]/g, "").replace(/^0+|0+$/g, "");
}
