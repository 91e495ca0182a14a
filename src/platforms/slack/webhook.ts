import { AppError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/json.ts";
import type {
  AccountSettings,
  ConnectionHooks,
  InboundMessage,
  WebhookAnswer,
  WebhookRequest,
} from "../contract.ts";
import { type Fields, fieldsOf, textOf } from "../fields.ts";
import { botUserIdIn, parseEvent, parseInteraction, parseSlashCommand, type Reading } from "./parse.ts";
import { isFromSlack } from "./signature.ts";

/** What the webhook works with. */
export interface WebhookParts {
  account: AccountSettings<"slack">;
  /** The id of the bot as a user, when Slack has told it; else the empty text. */
  botUserId(): string;
  readonly commands: ReadonlySet<string>;
}

/** An answer at once, or a message that has to be taken first. */
type Call = { answer: WebhookAnswer } | { message: InboundMessage | null };

const TAKEN: WebhookAnswer = { status: 200 };
const FORGED: WebhookAnswer = { status: 401 };
const UNREADABLE: WebhookAnswer = { status: 400 };
/** Slack delivers the event again: at once, after a minute and after five. */
const LATER: WebhookAnswer = { status: 503 };

/**
 * Takes the requests that Slack sends to one address: events (JSON), slash commands and presses of buttons (forms). Answers
 * 200 only for what is on disk; Slack waits three seconds.
 */
export function createWebhook(parts: WebhookParts) {
  return async (request: WebhookRequest, hooks: ConnectionHooks): Promise<WebhookAnswer> => {
    if (!isFromSlack(request, parts.account.signing_secret)) {
      hooks.log("debug", "a request without a valid signature of Slack was refused");
      return FORGED;
    }
    hooks.alive();
    const call = read(request, parts, hooks);
    if ("answer" in call) return call.answer;
    if (call.message === null) return TAKEN;
    try {
      await hooks.emit(call.message);
      return TAKEN;
    } catch (error) {
      hooks.log("warn", "a message could not be taken; Slack delivers it again", {
        id: call.message.id,
        reason: error instanceof Error ? error.message : String(error),
      });
      return LATER;
    }
  };
}

function read(request: WebhookRequest, parts: WebhookParts, hooks: ConnectionHooks): Call {
  try {
    const isForm = (request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded");
    return isForm ? readForm(request.body, parts) : readEvent(parseJson(request.body), parts, hooks);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    hooks.log("warn", "a request of Slack could not be read", { reason: error.message });
    return { answer: UNREADABLE };
  }
}

function readEvent(body: unknown, parts: WebhookParts, hooks: ConnectionHooks): Call {
  const fields = fieldsOf(body);
  const type = textOf(fields["type"]);
  if (type === "url_verification") return { answer: challenge(textOf(fields["challenge"])) };
  if (type === "app_rate_limited") {
    hooks.log("warn", "Slack holds events back: the workspace sends too many of them", {
      minute: fields["minute_rate_limited"],
    });
    return { answer: TAKEN };
  }
  if (type !== "event_callback") return { message: null };
  const reading = readingOf(parts, body);
  // Without the bot's id nobody can tell what is meant for it.
  return reading.botUserId === "" ? { answer: LATER } : { message: parseEvent(body, reading) };
}

function readForm(body: Uint8Array, parts: WebhookParts): Call {
  const form: Fields = Object.fromEntries(new URLSearchParams(new TextDecoder().decode(body)));
  if (form["ssl_check"] === "1") return { answer: TAKEN };
  const payload = textOf(form["payload"]);
  if (payload !== "") return { message: parseInteraction(parseJson(new TextEncoder().encode(payload))) };
  return { message: parseSlashCommand(form, readingOf(parts, form)) };
}

function readingOf({ botUserId, commands }: WebhookParts, body: unknown): Reading {
  return { botUserId: botUserId() || botUserIdIn(body), commands };
}

function challenge(value: string): WebhookAnswer {
  return { status: 200, contentType: "application/json", body: JSON.stringify({ challenge: value }) };
}
