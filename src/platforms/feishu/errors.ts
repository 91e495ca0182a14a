import { parseRetryAfter } from "../../lib/backoff.ts";
import { PlatformError, type PlatformErrorKind } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import type { ApiAnswer } from "../json-api.ts";

/** What Feishu answered to a call that it did not do. */
export class FeishuError extends PlatformError {
  constructor(
    kind: PlatformErrorKind,
    message: string,
    /** Feishu's own number for it; 0 when it gave none. */
    readonly code: number,
    options: { hint?: string; retryAfterMs?: number } = {},
  ) {
    super(kind, message, options);
  }
}

/** The code that Feishu gave for a failed call; 0 when it gave none. */
export function feishuCode(error: unknown): number {
  return error instanceof FeishuError ? error.code : 0;
}

/** open.feishu.cn/document/server-docs/api-call-guide/generic-error-code */
const TOKEN_REFUSED: ReadonlySet<number> = new Set([
  99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 99991677,
]);
const LACKS_SCOPE: ReadonlySet<number> = new Set([99991672, 99991679, 230027]);
/** Of the whole app, of a chat or a person, of a message; 11232 and 11233 under general load. */
const RATE_LIMITED: ReadonlySet<number> = new Set([99991400, 230020, 11232, 11233, 11247]);
/** The same in words, with numbers that nobody has listed. */
const TOO_MUCH = /frequency limit|rate limit|too many requests?\b/i;
/** The app or its secret are not what they should be; 403 and 514 stand in answers to the endpoint call. */
const UNAUTHORIZED: ReadonlySet<number> = new Set([
  403, 514, 10003, 10012, 10013, 10014, 10015, 99991543, 99991662, 99991673,
]);
/** An address that is not on the app's list. */
const NOT_WHITELISTED = 99991401;
/** Passes: a fault of the server, or a message with the same `uuid` that is being sent at this moment. */
const UNAVAILABLE: ReadonlySet<number> = new Set([1, 1500, 230049, 1000040343, 1000040350]);

/** What a refusal means, and what can be done. */
const REFUSALS: Readonly<Record<number, readonly [message: string, hint?: string]>> = {
  230002: ["The bot is not in this group.", "Add it in the settings of the group, under Bots (群机器人)."],
  230006: [
    "The app has no bot.",
    "Add the feature Bot (机器人) in the developer console and publish a version.",
  ],
  230011: ["The message was withdrawn."],
  230013: [
    "This person may not use the app.",
    "Widen its availability (可用范围) in the developer console and publish a version.",
  ],
  230018: ["A setting of the group does not let the bot write here."],
  230025: ["The message is too long for Feishu."],
  230028: ["The administrators' data protection refuses the message."],
  230031: ["The message is older than the 14 days in which it can be changed."],
  230035: ["The bot may not write in this group.", "Let it speak in the settings of the group."],
  230099: ["Feishu cannot make a card of the message."],
  230110: ["The message was deleted."],
  231003: ["The message is gone."],
  234037: ["The file is larger than the 100 MB that Feishu hands to bots."],
};

const CREDENTIALS =
  "Compare app_id and app_secret with the developer console, Credentials & Basic Info (凭证与基础信息), check that the app is enabled, and that domain is the one the app belongs to.";
const WHITELIST =
  "Add the public address of this server in the developer console under Security Settings (安全设置), IP whitelist (IP 白名单), or switch the list off.";
const SCOPES =
  "Add it in the developer console under Permissions & Scopes (权限管理) and publish a version of the app.";

/** True for an answer that says that the access token is none, or no longer one. */
export function isTokenRefused(error: unknown): boolean {
  return TOKEN_REFUSED.has(feishuCode(error));
}

/** True when the app lacks a permission, whatever it asks. */
export function lacksScope(error: unknown): boolean {
  return LACKS_SCOPE.has(feishuCode(error));
}

/** True when the message that a call is about, or the thread that it began, is there no more. */
export function isGone(error: unknown): boolean {
  return [230011, 230019, 230110, 231003].includes(feishuCode(error));
}

/** True when the card was refused for what it holds: the same words may pass in another form. */
export function isCardFault(error: unknown): boolean {
  const code = feishuCode(error);
  return code === 230099 || (code >= 200_000 && code < 201_000) || (code >= 300_000 && code < 301_000);
}

/** The data of an answer; throws a `FeishuError` for one that says that the call was not done. `what` names the call. */
export function dataOf(answer: ApiAnswer, what: string): unknown {
  const body = fieldsOf(answer.json);
  const code = body["code"];
  if (code === 0 && answer.status < 400) return body["data"] ?? body;
  throw failureOf(answer, typeof code === "number" ? code : 0, textOf(body["msg"]), what);
}

/** A call without credentials, or with credentials that are of no use. */
export function unauthorized(message: string, code = 0, hint = CREDENTIALS): FeishuError {
  return new FeishuError("unauthorized", message, code, { hint });
}

function failureOf({ status, headers }: ApiAnswer, code: number, words: string, what: string): FeishuError {
  const told = code === 0 ? String(status) : `${code}${words === "" ? "" : ` ${shortened(words)}`}`;
  if (status === 429 || RATE_LIMITED.has(code) || TOO_MUCH.test(words))
    return new FeishuError("rate_limited", `Feishu limits the rate of ${what}.`, code, {
      retryAfterMs: retryAfterOf(headers),
    });
  if (code === NOT_WHITELISTED)
    return unauthorized("Feishu takes no calls from the address of this server.", code, WHITELIST);
  if (UNAUTHORIZED.has(code))
    return unauthorized(`Feishu does not take the app's credentials: ${told}.`, code);
  if (TOKEN_REFUSED.has(code) || UNAVAILABLE.has(code) || code === 0 || status >= 500)
    return new FeishuError("unavailable", `Feishu could not do ${what}: ${told}.`, code);
  if (LACKS_SCOPE.has(code))
    return new FeishuError("refused", `The app may not do ${what}${scopesIn(words)}.`, code, {
      hint: SCOPES,
    });
  const [message, hint] = REFUSALS[code] ?? [`Feishu refuses ${what}: ${told}.`];
  return new FeishuError("refused", message, code, hint === undefined ? {} : { hint });
}

/** open.feishu.cn/document/server-docs/api-call-guide/frequency-control: in seconds. */
function retryAfterOf(headers: Headers): number {
  return parseRetryAfter(headers.get("x-ogw-ratelimit-reset") ?? headers.get("retry-after")) ?? 1000;
}

/** Feishu names the permissions of which one would do in brackets. */
function scopesIn(words: string): string {
  const scopes = /\[([a-z][\w:.,\s]{2,300})\]/.exec(words)?.[1];
  return scopes === undefined ? "" : `: it lacks one of ${scopes.trim()}`;
}

/** Feishu's words, without what follows them: the address of a log, and ids. */
function shortened(words: string): string {
  return words
    .replace(/\s+/g, " ")
    .replace(/https?:\/\/\S+/g, "")
    .slice(0, 200)
    .trim()
    .replace(/[.,:;]$/, "");
}
