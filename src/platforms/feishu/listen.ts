import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/waiting.ts";
import { type AccountSettings, type ConnectionHooks, PlatformError } from "../contract.ts";
import type { FeishuApi } from "./api.ts";
import { askEndpoint, type ConnectionRules } from "./endpoint.ts";
import { FeishuError, unauthorized } from "./errors.ts";
import type { Identify, Identity } from "./identity.ts";
import type { TakeEvent } from "./intake.ts";
import { receiveBySocket } from "./socket.ts";
import type { Timing } from "./timing.ts";
import { keysIn } from "./webhook.ts";

/** What listening works with. */
export interface ListenParts {
  account: AccountSettings<"feishu">;
  api: FeishuApi;
  identify: Identify;
  take: TakeEvent;
  timing: Timing;
}

/** How the connections of an account go. */
interface Course {
  /** As Feishu told them; null before. */
  rules: ConnectionRules | null;
  /** Tries since the last good connection. */
  failures: number;
  /** How far the last try came: Feishu answered, and the connection was open since then. */
  hasAnswered: boolean;
  openedAtMs: number | null;
}

/**
 * Receives over the long connection; with callbacks, watches that the credentials are taken. Never holds more than one
 * connection. Rejects when no retry can help, or when Feishu's rules allow no more.
 */
export async function listen(parts: ListenParts, hooks: ConnectionHooks, signal: AbortSignal): Promise<void> {
  const byCallback = parts.account.mode === "webhook";
  if (byCallback) requireKeys(parts.account);
  const course: Course = { rules: null, failures: 0, hasAnswered: false, openedAtMs: null };
  while (!signal.aborted)
    try {
      Object.assign(course, { hasAnswered: false, openedAtMs: null });
      if (byCallback) await stayReachable(parts, course, hooks, signal);
      else await connect(parts, course, hooks, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PlatformError) || error.kind === "unauthorized") throw error;
      hooks.reconnecting(error.message, error.hint);
      await sleep(waitAfter(error, course, parts.timing), signal);
    }
}

/** Without either, nobody can tell Feishu's calls from anybody else's. */
function requireKeys(account: AccountSettings<"feishu">): void {
  const { encryptKey, token } = keysIn(account);
  if (encryptKey !== null || token !== null) return;
  throw unauthorized(
    "Callbacks need an encrypt_key or a verification_token.",
    0,
    "Copy them from the developer console, Events & Callbacks (事件与回调), Encryption Strategy (加密策略).",
  );
}

/** The connection comes first: only while there is one, the developer console lets events arrive by it. */
async function connect(
  parts: ListenParts,
  course: Course,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  const { api, take, timing } = parts;
  const endpoint = await askEndpoint(api, signal).catch((error: unknown) => {
    course.hasAnswered = error instanceof FeishuError;
    throw error;
  });
  Object.assign(course, { rules: endpoint.rules, hasAnswered: true });
  const over = new AbortController();
  const failed = Promise.withResolvers<never>();
  const opened = () => {
    course.openedAtMs = performance.now();
    introduce(parts, hooks, AbortSignal.any([signal, over.signal])).catch(failed.reject);
  };
  const ruled = (rules: ConnectionRules) => {
    course.rules = rules;
  };
  const socket = { endpoint, take, timing, opened, ruled };
  try {
    await Promise.race([
      receiveBySocket(socket, hooks, AbortSignal.any([signal, over.signal])),
      failed.promise,
    ]);
  } finally {
    over.abort();
  }
}

/** Says who the bot is as soon as Feishu tells, and until then why it does not. */
async function introduce(
  { identify, timing }: ListenParts,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1)
    try {
      const identity = await identify(signal);
      if (!signal.aborted) hooks.connected(botOf(identity));
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PlatformError)) throw error;
      hooks.reconnecting(error.message, error.hint);
      await sleep(error.retryAfterMs ?? backoffMs(failures, timing.retry), signal);
    }
}

/** While Feishu cannot be reached, our own back-off; once it can be, its rules. Throws the error when these allow no more. */
function waitAfter(error: PlatformError, course: Course, { retry, stableMs }: Timing): number {
  const { rules, openedAtMs, hasAnswered } = course;
  const wasGood = openedAtMs !== null && performance.now() - openedAtMs >= stableMs;
  course.failures = wasGood ? 0 : course.failures + 1;
  if (error.retryAfterMs !== undefined) return error.retryAfterMs;
  const ownMs = wasGood ? 0 : backoffMs(course.failures - 1, retry);
  if (rules === null) return ownMs;
  if (rules.maxRetries >= 0 && course.failures > rules.maxRetries) throw error;
  if (openedAtMs !== null) return Math.max(Math.random() * rules.spreadMs, ownMs);
  return hasAnswered ? rules.retryEveryMs : Math.min(ownMs, rules.retryEveryMs);
}

/** Ends only by the signal or by a failed try of the credentials. */
async function stayReachable(
  { api, identify, timing }: ListenParts,
  course: Course,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  hooks.connected(botOf(await identify(signal, { fresh: true })));
  course.openedAtMs = performance.now();
  for (;;) {
    // At once when a call makes it doubtful.
    await Promise.race([sleep(timing.checkMs, signal), api.doubted()]);
    if (signal.aborted) return;
    await identify(signal, { fresh: true });
    hooks.alive();
  }
}

function botOf({ openId, name }: Identity): { id: string; name: string } {
  return { id: openId, name };
}
