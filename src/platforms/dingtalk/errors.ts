import { parseRetryAfter } from "../../lib/backoff.ts";
import { PlatformError, type PlatformErrorKind } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import type { ApiAnswer } from "../json-api.ts";

interface DingTalkErrorOptions {
  hint?: string;
  retryAfterMs?: number;
  /** It is the access token that was refused: another one may help. */
  isTokenRefused?: boolean;
}

/** What DingTalk answered to a call that it refused. */
export class DingTalkError extends PlatformError {
  readonly isTokenRefused: boolean;

  constructor(
    kind: PlatformErrorKind,
    message: string,
    /** As DingTalk names it: a word of the newer API, or a number of the older one. */
    readonly code: string,
    { isTokenRefused = false, ...options }: DingTalkErrorOptions = {},
  ) {
    super(kind, message, options);
    this.isTokenRefused = isTokenRefused;
  }
}

const CREDENTIALS_HINT =
  "Copy Client ID and Client Secret from open-dev.dingtalk.com, your app, Credentials (凭证与基础信息), into app_key and app_secret; they work once a version of the app is published (版本管理与发布).";
const WHITELIST_HINT =
  "Add the address of this server at open-dev.dingtalk.com, your app, Security Settings (安全设置).";

const QUOTA_HINT =
  "It counts anew with each month; a larger edition of DingTalk has more. Answers within 90 minutes of a message need none of it, unless they grow in cards.";

/** Calls a second or a minute; told with 403 as well as with 429. */
const TOO_MANY = /qps|flowcontrol|throttl|toomany|ratelimit|limitfor|quota/i;
/** Calls a month, of all apps of the organization together (open.dingtalk.com/document/development/how-to-process-api-throttling-on-the-dingtalk-server). */
const QUOTA_USED_UP = /ApiCountLimitForOrg/i;
const TOKEN_REFUSED = /InvalidAuthentication|InvalidAccessToken|AccessTokenExpired/i;
const NOT_ALLOWED = /AccessDenied|Forbidden|NoPermission/i;
const NOT_WHITELISTED = /IpNotInWhiteList|whitelist/i;
/** In the older API: no valid, or an expired token. 88 wraps others of its kind. */
const OLDER_TOKEN_CODES: ReadonlySet<string> = new Set(["40001", "40014", "42001", "88"]);
/** "send too fast, exceed 20 times per minute"; who goes on is muted for minutes. */
const SENT_TOO_FAST = "130101";
/** The same as in the newer API, where they have names. */
const OLDER_QUOTA_USED_UP = "90020";
const OLDER_TOO_MANY: ReadonlySet<string> = new Set(["90002", "90018"]);
/** "message too long" of the webhooks. */
const TOO_LONG: ReadonlySet<string> = new Set(["460101", "101002"]);
const BUSY = "-1";

const AFTER_TOO_MANY_MS = 2000;
const AFTER_TOO_FAST_MS = 60_000;
/** Between looks whether the quota has grown, where nothing can go on without it. */
const AFTER_QUOTA_MS = 600_000;

/** What the newer API said besides success, in the gateway's words. `what` says what was asked for: "the message". */
export function refusalOf({ status, headers, json }: ApiAnswer, what: string): DingTalkError {
  const { code: named, accessdenieddetail } = fieldsOf(json);
  const code = asCode(named);
  const make = (kind: PlatformErrorKind, message: string, options: DingTalkErrorOptions = {}) =>
    new DingTalkError(kind, message, code, options);
  if (QUOTA_USED_UP.test(code)) return quotaUsedUp(code);
  if (status === 429 || TOO_MANY.test(code)) {
    const retryAfterMs = parseRetryAfter(headers.get("retry-after")) ?? AFTER_TOO_MANY_MS;
    return make("rate_limited", `DingTalk limits the rate of calls (${code || status}).`, { retryAfterMs });
  }
  if (status >= 500 || code === "")
    return make("unavailable", `DingTalk answered ${what} with ${status}${code && ` ${code}`}.`);
  if (NOT_WHITELISTED.test(code))
    return make("unauthorized", "DingTalk takes no calls from this server.", { hint: WHITELIST_HINT });
  if (status === 401 || TOKEN_REFUSED.test(code))
    return make("unauthorized", `DingTalk does not accept the app's access token: ${code}.`, {
      hint: CREDENTIALS_HINT,
      isTokenRefused: true,
    });
  if (NOT_ALLOWED.test(code))
    return make("unauthorized", `The app lacks a permission for ${what}: ${code}.`, {
      hint: permissionHint(fieldsOf(accessdenieddetail)["requiredScopes"]),
    });
  return make("refused", `DingTalk refused ${what}: ${code}.`);
}

/** The same for a call that is made with the app's key and secret, which DingTalk refuses in many words. */
export function credentialRefusalOf(answer: ApiAnswer): DingTalkError {
  const error = refusalOf(answer, "the app's key and secret");
  if (isQuotaUsedUp(error))
    return new DingTalkError("rate_limited", error.message, error.code, {
      hint: QUOTA_HINT,
      retryAfterMs: AFTER_QUOTA_MS,
    });
  if (error.kind !== "refused" && error.kind !== "unauthorized") return error;
  if (error.hint === WHITELIST_HINT) return error;
  return new DingTalkError(
    "unauthorized",
    `DingTalk does not accept the app key and the app secret: ${error.code}.`,
    error.code,
    { hint: CREDENTIALS_HINT },
  );
}

/** What the older API and the webhooks of conversations said besides success: they answer 200 with an `errcode`. */
export function olderRefusalOf(answer: ApiAnswer, what: string): DingTalkError {
  const code = asCode(fieldsOf(answer.json)["errcode"]);
  if (answer.status !== 200 || code === "") return refusalOf(answer, what);
  if (code === SENT_TOO_FAST)
    return new DingTalkError("rate_limited", "DingTalk takes 20 messages a minute in a conversation.", code, {
      retryAfterMs: AFTER_TOO_FAST_MS,
    });
  if (code === OLDER_QUOTA_USED_UP) return quotaUsedUp(code);
  if (OLDER_TOO_MANY.has(code))
    return new DingTalkError("rate_limited", `DingTalk limits the rate of calls (${code}).`, code, {
      retryAfterMs: AFTER_TOO_MANY_MS,
    });
  if (code === BUSY) return new DingTalkError("unavailable", `DingTalk is too busy for ${what}.`, code);
  if (OLDER_TOKEN_CODES.has(code))
    return new DingTalkError("unauthorized", `DingTalk does not accept the access token: ${code}.`, code, {
      hint: CREDENTIALS_HINT,
      isTokenRefused: true,
    });
  const why = TOO_LONG.has(code) ? "it is too long" : code;
  return new DingTalkError("refused", `DingTalk refused ${what}: ${why}.`, code);
}

/** True for a call that a new access token may help. */
export function isTokenRefused(error: unknown): boolean {
  return error instanceof DingTalkError && error.isTokenRefused;
}

/** True when the webhook of a conversation is of no use any more, and the message itself may still be taken elsewhere. */
export function isWebhookOver(error: unknown): boolean {
  if (!(error instanceof DingTalkError) || isQuotaUsedUp(error)) return false;
  return (error.kind === "refused" || error.kind === "unauthorized") && !TOO_LONG.has(error.code);
}

function quotaUsedUp(code: string): DingTalkError {
  return new DingTalkError(
    "refused",
    `The organization has used up its calls of DingTalk's API for this month (${code}).`,
    code,
    { hint: QUOTA_HINT },
  );
}

function isQuotaUsedUp({ code }: DingTalkError): boolean {
  return QUOTA_USED_UP.test(code) || code === OLDER_QUOTA_USED_UP;
}

function permissionHint(scopes: unknown): string {
  const named = Array.isArray(scopes) ? scopes.filter((scope) => /^[\w.]{1,80}$/.test(String(scope))) : [];
  const which = named.length === 0 ? "the permission" : named.join(", ");
  return `Apply for ${which} at open-dev.dingtalk.com, your app, Permissions (权限管理), and publish a version.`;
}

/** DingTalk's name of an error; of anything else, the empty text. */
function asCode(value: unknown): string {
  const code = typeof value === "number" ? String(value) : textOf(value);
  return /^[\w.-]{1,120}$/.test(code) ? code : "";
}
