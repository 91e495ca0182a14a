import { PlatformError, type PlatformErrorKind } from "../contract.ts";

/** What the SDK's errors carry besides their text (`@slack/web-api`, errors). */
interface SdkError {
  code?: unknown;
  /** The body of an answer with `ok: false`. */
  data?: { error?: unknown; needed?: unknown; response_metadata?: { retryAfter?: unknown } };
  /** In seconds. */
  retryAfter?: unknown;
  statusCode?: unknown;
}

/** The tokens that Slack gives to an app, and where to find them. */
const TOKENS = {
  bot: {
    name: "bot token",
    hint: "Copy the Bot User OAuth Token (xoxb-...) from api.slack.com/apps, your app, OAuth & Permissions, into bot_token; install the app again if it was removed.",
  },
  app: {
    name: "app-level token",
    hint: "Make an App-Level Token (xapp-...) with the scope connections:write at api.slack.com/apps, your app, Basic Information, switch Socket Mode on, and put the token into app_token.",
  },
} as const;

/** Errors after which a token is of no use until somebody acts (docs.slack.dev/reference/methods/auth.test, errors). */
const UNAUTHORIZED: ReadonlySet<string> = new Set([
  "not_authed",
  "invalid_auth",
  "account_inactive",
  "token_revoked",
  "token_expired",
  "not_allowed_token_type",
  "user_removed_from_team",
  "team_disabled",
  "two_factor_setup_required",
]);

/** Errors that pass by themselves. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  "internal_error",
  "fatal_error",
  "service_unavailable",
  "request_timeout",
  "team_added_to_org",
  "org_login_required",
  "update_failed",
  "messaging_processing_failed",
  "external_channel_migrating",
  // A message with this `client_msg_id` was taken a moment ago; asked again, Slack tells its id.
  "duplicate_message",
]);

const RATE_LIMITED: ReadonlySet<string> = new Set(["ratelimited", "rate_limited"]);

/** What a refusal means, and what can be done. */
const REFUSALS: Readonly<Record<string, readonly [message: string, hint?: string]>> = {
  channel_not_found: ["Slack knows no such conversation, or the app is not in it.", "Invite the app to it."],
  not_in_channel: ["The app is not in this channel.", "Invite it with /invite in the channel."],
  is_archived: ["The channel is archived."],
  is_inactive: ["The channel is frozen or archived."],
  msg_too_long: ["The message is too long for Slack."],
  msg_blocks_too_long: ["The message is too long for Slack."],
  no_text: ["The message is empty."],
  restricted_action: ["A setting of the workspace does not let the app write here."],
  restricted_action_read_only_channel: ["The channel is read-only."],
  restricted_action_thread_only_channel: ["The channel takes only replies in threads."],
  restricted_action_non_threadable_channel: ["The channel takes no replies in threads."],
  restricted_action_thread_locked: ["The thread is locked."],
  messages_tab_disabled: [
    "The app takes no direct messages.",
    "Switch the Messages Tab on at api.slack.com/apps, your app, App Home.",
  ],
  ekm_access_denied: ["The administrators of the workspace have suspended posting."],
  message_limit_exceeded: ["The workspace has reached the limit of its messages."],
  message_not_found: ["The message is gone."],
  cant_update_message: ["Slack does not let the app change this message."],
  edit_window_closed: ["The workspace does not let messages be changed any more after a while."],
  cant_delete_message: ["Slack does not let the app delete this message."],
  duplicate_message_not_found: ["The message was sent before, and somebody has deleted it."],
  file_not_found: ["The file is gone."],
  file_deleted: ["The file is deleted."],
};

/** The code that Slack gave for a failed call, such as `channel_not_found`; empty when it gave none. */
export function slackCode(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return error instanceof PlatformError ? codeOf(cause as SdkError | undefined) : "";
}

/** What a call of the Web API threw, in the gateway's words. `token` is the one that the call was made with. */
export function toPlatformError(
  thrown: unknown,
  method: string,
  token: keyof typeof TOKENS = "bot",
): PlatformError {
  if (thrown instanceof PlatformError) return thrown;
  const error = thrown as SdkError;
  const code = codeOf(error);
  if (isRateLimit(error, code)) return rateLimited(error, method);
  if (code === "") return unavailable(error, method);
  if (UNAUTHORIZED.has(code)) return unauthorized(code, token, thrown);
  if (UNAVAILABLE.has(code)) return failure("unavailable", `Slack could not do ${method}: ${code}.`, thrown);
  if (code === "missing_scope" || code === "no_permission") return lacksScope(error, method);
  const [message, hint] = REFUSALS[code] ?? [`Slack refused ${method}: ${code}.`];
  return failure("refused", message, thrown, hint);
}

/** The account lacks a key without which it cannot work. */
export function lacks(key: "bot_token" | "app_token" | "signing_secret", what: string): PlatformError {
  const hint =
    key === "signing_secret"
      ? "Copy the Signing Secret from api.slack.com/apps, your app, Basic Information, into signing_secret."
      : TOKENS[key === "bot_token" ? "bot" : "app"].hint;
  return new PlatformError("unauthorized", what, { hint });
}

function codeOf(error: SdkError | undefined): string {
  const code = error?.data?.error;
  // What is no code is the body of an answer that was no JSON: a proxy's page.
  return typeof code === "string" && /^[a-z0-9_.]{1,80}$/i.test(code) ? code : "";
}

function isRateLimit(error: SdkError, code: string): boolean {
  if (error.code === "slack_webapi_rate_limited_error" || RATE_LIMITED.has(code)) return true;
  // What the SDK throws for a 429 that does not tell when to come again.
  return error instanceof Error && error.message.startsWith("Retry header did not contain");
}

function rateLimited(error: SdkError, method: string): PlatformError {
  const seconds = error.retryAfter ?? error.data?.response_metadata?.retryAfter;
  return new PlatformError("rate_limited", `Slack limits the rate of ${method}.`, {
    cause: error,
    ...(typeof seconds === "number" ? { retryAfterMs: seconds * 1000 } : {}),
  });
}

function unavailable(error: SdkError, method: string): PlatformError {
  if (typeof error.statusCode === "number")
    return failure("unavailable", `Slack answered ${method} with ${error.statusCode}.`, error);
  if (error.data !== undefined)
    return failure(
      "unavailable",
      `Slack answered ${method} with something that is no JSON.`,
      error,
      "Check api_base, and that no proxy stands in between.",
    );
  return failure("unavailable", `Slack did not answer ${method}.`, error, "Check the network and api_base.");
}

function unauthorized(code: string, token: keyof typeof TOKENS, cause: unknown): PlatformError {
  const { name, hint } = TOKENS[token];
  return failure("unauthorized", `Slack does not accept the ${name}: ${code}.`, cause, hint);
}

function lacksScope(error: SdkError, method: string): PlatformError {
  const needed = error.data?.needed;
  const scope = typeof needed === "string" && /^[a-z:,._]{1,200}$/i.test(needed) ? needed : "";
  return failure(
    "refused",
    scope === "" ? `The app may not do ${method}.` : `The app may not do ${method}: it lacks ${scope}.`,
    error,
    "Add the scope at api.slack.com/apps, your app, OAuth & Permissions, and install the app again.",
  );
}

function failure(kind: PlatformErrorKind, message: string, cause: unknown, hint?: string): PlatformError {
  return new PlatformError(kind, message, { cause, ...(hint === undefined ? {} : { hint }) });
}
