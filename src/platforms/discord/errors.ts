import { DiscordAPIError, HTTPError, RateLimitError } from "@discordjs/rest";
import { PlatformError } from "../contract.ts";

/** What Discord answered to a call that it refused. */
class DiscordError extends PlatformError {
  constructor(
    message: string,
    readonly code: number,
    options: { hint?: string } = {},
  ) {
    super("refused", message, options);
  }
}

/** True for a refusal with this code. */
export function hasCode(error: unknown, code: number): boolean {
  return error instanceof DiscordError && error.code === code;
}

export const UNKNOWN_MESSAGE = 10008;
export const UNKNOWN_EMOJI = 10014;

const NEW_TOKEN =
  "Compare platforms.discord.bot_token with the developer portal: your application, Bot, Reset Token makes a new one.";
const PERMISSIONS =
  "It needs View Channels, Send Messages, Send Messages in Threads, Read Message History, Attach Files and Add Reactions.";

/** What people can do something about, by the code of the error (https://discord.com/developers/docs/topics/opcodes-and-status-codes#json). */
const REFUSALS: Readonly<Record<number, { message: string; hint?: string }>> = {
  10003: { message: "The channel does not exist, or the bot is not in its server." },
  [UNKNOWN_MESSAGE]: { message: "The message does not exist any more." },
  40005: { message: "The file is larger than Discord takes." },
  50001: { message: "The bot may not see this channel.", hint: PERMISSIONS },
  50007: { message: "This person takes no direct messages from the bot." },
  50013: { message: "The bot lacks a permission in this channel.", hint: PERMISSIONS },
  50083: { message: "The thread is closed." },
};
const MAX_WORDS_CHARS = 300;

/** The error as the gateway knows it. Addresses stay out: those of interactions hold a token. */
export function toPlatformError(error: unknown, isGivenUp: boolean): PlatformError {
  if (error instanceof PlatformError) return error;
  if (isGivenUp) return new PlatformError("unavailable", "The call was given up.");
  if (error instanceof RateLimitError) {
    const retryAfterMs = Math.ceil(Math.max(error.retryAfter, error.timeToReset));
    return new PlatformError("rate_limited", "Discord asks to wait.", { retryAfterMs });
  }
  if (error instanceof DiscordAPIError) return fromAnswer(error);
  if (error instanceof HTTPError) return new PlatformError("unavailable", `Discord fails: ${error.status}.`);
  if (error instanceof Error && error.name === "AbortError")
    return new PlatformError("unavailable", "Discord does not answer in time.");
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const why = typeof code === "string" && /^\w{1,60}$/.test(code) ? ` (${code})` : "";
  return new PlatformError("unavailable", `Discord cannot be reached${why}.`, {
    hint: "Check the network, and platforms.discord.api_base where one is set.",
  });
}

function fromAnswer({ status, code, message }: DiscordAPIError): PlatformError {
  if (status === 401) return invalidToken();
  if (typeof code !== "number")
    return new PlatformError("unavailable", `What answers is not Discord's API: ${status}.`, {
      hint: "Check platforms.discord.api_base, and whether a proxy stands in between.",
    });
  const known = REFUSALS[code];
  if (known !== undefined) return new DiscordError(known.message, code, known);
  const words = message.replaceAll("\n", "; ").slice(0, MAX_WORDS_CHARS);
  return new DiscordError(`Discord refuses it: ${words} (${code}).`, code);
}

/** The token is wrong, or was reset. */
export function invalidToken(): PlatformError {
  return new PlatformError("unauthorized", "Discord does not know this bot token.", { hint: NEW_TOKEN });
}

/** The codes with which Discord closes a connection for good. https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes */
const FATAL_CLOSES: Readonly<Record<number, () => PlatformError>> = {
  4004: invalidToken,
  4010: () => outdated("the shard (4010)"),
  4011: () =>
    new PlatformError("unauthorized", "The bot is in more servers than one connection may serve (4011).", {
      hint: "Discord asks bots in over 2,500 servers to use sharding, which Hermes does not.",
    }),
  4012: () => outdated("the version of its API (4012)"),
  4013: () => outdated("the intents (4013)"),
  4014: () =>
    new PlatformError("unauthorized", "Discord does not let the bot read messages (4014).", {
      hint: 'Switch on "Message Content Intent" in the developer portal: your application, Bot, Privileged Gateway Intents.',
    }),
};

/** The error of a close code after which Discord takes no other connection like this one; null for all others. */
export function fatalClose(code: number): PlatformError | null {
  return FATAL_CLOSES[code]?.() ?? null;
}

function outdated(what: string): PlatformError {
  return new PlatformError("unauthorized", `Discord does not accept ${what} of this connection any more.`, {
    hint: "Update Hermes.",
  });
}

/** True for an error that lies in what was asked for, so that asking again is of no use. */
export function isRefusal(error: unknown): boolean {
  return error instanceof PlatformError && error.kind === "refused";
}
