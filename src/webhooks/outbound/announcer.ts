import { derived, type LiveConfig } from "../../config/live.ts";
import { wantsEvent, webhookEndpoints } from "../../config/webhook-endpoints.ts";
import type { WebhookEventType } from "../../config/webhook-events.ts";
import { newId } from "../../lib/ids.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { NewWebhookEvent } from "../../store/records.ts";
import { PAYLOAD_VERSION, type WebhookEventFacts } from "./events.ts";

/** What all texts of a payload take together, as JSON; with the rest a body stays below 64 KiB. */
const MAX_TEXT_BYTES = 56 * 1024;
/** Fields that hold what people, models and tools write. */
const FREE_TEXT = ["text", "question", "response", "message", "hint"];

/** Makes the events that others are told. */
export interface Announcer {
  /**
   * The event, to be stored in the transaction of what it tells of; undefined when no endpoint asks for it. `facts` is asked
   * only then. Texts are cut to what a payload carries, and hold no secret of the configuration.
   */
  tell<Type extends WebhookEventType>(
    type: Type,
    facts: () => WebhookEventFacts[Type],
  ): NewWebhookEvent | undefined;
  /** An event is on disk, so that it can leave at once. */
  stored(): void;
}

export interface AnnouncerParts {
  config: LiveConfig;
  /** Takes the secrets of the configuration out of a text. */
  redact: (text: string) => string;
  /** Called when an event is on disk. */
  onStored: () => void;
  /** Milliseconds since the epoch; the real time when absent. */
  now?: () => number;
}

/** Tells the endpoints that the configuration has at that moment. */
export function createAnnouncer({ config, redact, onStored, now = Date.now }: AnnouncerParts): Announcer {
  const endpoints = derived(config, webhookEndpoints);
  return {
    tell(type, facts) {
      const asking = endpoints().filter((endpoint) => wantsEvent(endpoint, type));
      if (asking.length === 0) return undefined;
      const time = now();
      const id = newId("evt", time);
      const head = { id, type, event: type, version: PAYLOAD_VERSION, timestamp: timestamp(time) };
      const body = JSON.stringify({ ...head, data: dataOf(facts(), redact) });
      return { id, type, body, endpoints: asking.map(({ name }) => name) };
    },
    stored: onStored,
  };
}

/** Tells nobody anything. */
export const SILENT_ANNOUNCER: Announcer = { tell: () => undefined, stored: () => undefined };

/** The facts as a payload carries them. */
function dataOf(facts: object, redact: (text: string) => string): object {
  let roomBytes = MAX_TEXT_BYTES;
  let truncated = false;
  let hasText = false;
  const data: object = JSON.parse(JSON.stringify(facts), (name, value: unknown) => {
    if (typeof value !== "string" || !FREE_TEXT.includes(name)) return value;
    const clean = redact(value);
    const cut = cutToJsonBytes(clean, roomBytes);
    roomBytes -= jsonBytes(cut);
    truncated ||= cut.length < clean.length;
    hasText = true;
    return cut;
  });
  return hasText ? { ...data, truncated } : data;
}

/** The beginning of a text that takes at most so many bytes in JSON. */
function cutToJsonBytes(text: string, maxBytes: number): string {
  let cut = text.slice(0, maxBytes); // no character takes less than a byte
  for (let bytes = jsonBytes(cut); bytes > maxBytes; bytes = jsonBytes(cut))
    cut = cut.slice(0, Math.floor((cut.length * maxBytes) / bytes));
  return cut.length === text.length ? text : cut.replace(/[\uD800-\uDBFF]$/, ""); // no half of a character
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
