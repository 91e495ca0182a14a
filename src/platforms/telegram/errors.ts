import type { GrammyError } from "grammy";
import { PlatformError, type PlatformErrorKind } from "../contract.ts";

/** What Telegram answered to a call that it refused. */
export class TelegramError extends PlatformError {
  constructor(
    kind: PlatformErrorKind,
    message: string,
    /** In Telegram's words, without "Bad Request: " and the like. */
    readonly description: string,
    options: { hint?: string; retryAfterMs?: number; movedTo?: string } = {},
  ) {
    super(kind, message, options);
  }
}

/** True for an error in which Telegram used these words. */
export function answered(error: unknown, words: RegExp): boolean {
  return error instanceof TelegramError && words.test(error.description);
}

/** The topic is closed or gone; the chat itself may still take messages. */
export const TOPIC_GONE = /message thread not found|TOPIC_(CLOSED|DELETED)/i;
/** Telegram cannot read the marks of a text. */
export const BAD_MARKUP = /can't parse entities/i;
/** An edit that changes nothing. */
export const NOT_MODIFIED = /message is not modified/i;
/** What is to be deleted is not there. */
export const NOTHING_TO_DELETE = /message to delete not found/i;
const WEBHOOK_ACTIVE = /webhook/i;

const NEW_TOKEN =
  "Compare platforms.telegram.bot_token with what @BotFather shows; /token there makes a new one.";
const OTHER_PROGRAM =
  "Stop the other program, or give this one a bot of its own; /revoke at @BotFather shuts out whoever has the token.";

/** An answer of the Bot API that is no success, as the gateway knows it. Telegram's words never hold the token. */
export function fromAnswer({
  method,
  error_code: code,
  description,
  parameters,
}: GrammyError): TelegramError {
  const words = description.replace(/^(Bad Request|Forbidden|Not Found|Unauthorized|Conflict): /, "");
  const make = (
    kind: PlatformErrorKind,
    message: string,
    options: ConstructorParameters<typeof TelegramError>[3] = {},
  ) => new TelegramError(kind, message, words, options);
  const { retry_after: retryAfter, migrate_to_chat_id: movedTo } = parameters;
  if (movedTo !== undefined)
    return make("moved", "The group has become a supergroup.", { movedTo: String(movedTo) });
  if (code === 429)
    return make("rate_limited", "Telegram asks to wait.", { retryAfterMs: (retryAfter ?? 1) * 1000 });
  if (code === 401 || (code === 404 && method === "getMe"))
    return make("unauthorized", "Telegram does not know this bot token.", { hint: NEW_TOKEN });
  if (code === 409) return conflict(words, make);
  if (code >= 500) return make("unavailable", `Telegram fails: ${code} ${words}`);
  return make("refused", `Telegram refuses ${method}: ${words}`);
}

function conflict(
  words: string,
  make: (kind: PlatformErrorKind, message: string, options: { hint: string }) => TelegramError,
): TelegramError {
  const message = WEBHOOK_ACTIVE.test(words)
    ? "Another program has set a webhook for this bot, so that its messages go there."
    : "Another program fetches the messages of this bot.";
  return make("conflict", message, { hint: OTHER_PROGRAM });
}

/** True for a conflict that `deleteWebhook` ends. */
export function isWebhookConflict(error: unknown): boolean {
  return (
    error instanceof TelegramError && error.kind === "conflict" && WEBHOOK_ACTIVE.test(error.description)
  );
}

/**
 * A request that got no answer. Only the code of the fault is told: its message and its fields may hold the address, and the
 * address holds the token.
 */
export function fromNetwork(
  fault: unknown,
  { stopped, late }: { stopped: boolean; late: boolean },
): PlatformError {
  if (stopped) return new PlatformError("unavailable", "The call was given up.");
  if (late) return new PlatformError("unavailable", "Telegram does not answer in time.");
  const code = fault instanceof Error && "code" in fault ? fault.code : undefined;
  const why = typeof code === "string" && /^\w{1,60}$/.test(code) ? ` (${code})` : "";
  return new PlatformError("unavailable", `Telegram cannot be reached${why}.`, {
    hint: "Check the network, and platforms.telegram.api_base where one is set.",
  });
}
