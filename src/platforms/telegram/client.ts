import { Api, GrammyError, HttpError, type RawApi } from "grammy";
import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/waiting.ts";
import { PlatformError } from "../contract.ts";
import { fromAnswer, fromNetwork } from "./errors.ts";
import type { Timing } from "./timing.ts";

const TELEGRAM_ROOT = "https://api.telegram.org";

/** grammY is typed against a package that stands in for the platform's own `AbortSignal`; it takes either. */
export type GrammySignal = NonNullable<Parameters<RawApi["getMe"]>[0]>;

interface CallOptions {
  signal: AbortSignal;
  /** How long an answer may take; `Timing.callMs` without it. */
  timeoutMs?: number;
  /** Whether a call that got no answer, or a fault of the server, is made again at once. */
  retries?: boolean;
}

/** The Bot API for one bot. Every call rejects with a `PlatformError` that holds no token. */
export interface TelegramClient {
  call<T>(request: (api: RawApi, signal: GrammySignal) => Promise<T>, options: CallOptions): Promise<T>;
  /** Begins to fetch a file by the path that `getFile` has told. */
  download(path: string, signal: AbortSignal): Promise<Response>;
}

export interface ClientOptions {
  token: string;
  /** Where another server than Telegram's own speaks the Bot API. */
  apiBase: string | undefined;
  /** How often a call is made again. */
  maxRetries: number;
  timing: Timing;
}

/** Makes a client, which connects with its first call. */
export function createClient({ token, apiBase, maxRetries, timing }: ClientOptions): TelegramClient {
  const root = (apiBase ?? TELEGRAM_ROOT).replace(/\/+$/, "");
  const ask = (url: string, init: RequestInit) => answerOf(url, init, token);
  const api = new Api(token, { apiRoot: root, fetch: ask as unknown as typeof fetch });
  return {
    async call(request, { signal, timeoutMs = timing.callMs, retries = false }) {
      const attempt = () => within(signal, timeoutMs, (ended) => request(api.raw, ended as GrammySignal));
      for (let retry = 0; ; retry++)
        try {
          return await attempt();
        } catch (error) {
          const again = retries && retry < maxRetries && !signal.aborted;
          if (!again || !(error instanceof PlatformError) || error.kind !== "unavailable") throw error;
          await sleep(backoffMs(retry, timing.retry), signal);
        }
    },
    async download(path, signal) {
      const late = AbortSignal.timeout(timing.transferMs); // for the bytes too, which come later
      try {
        return await fetch(`${root}/file/bot${token}/${encodeURI(path)}`, {
          signal: AbortSignal.any([signal, late]),
          redirect: "error",
        });
      } catch (thrown) {
        throw failureOf(thrown, { stopped: signal.aborted, late: late.aborted });
      }
    },
  };
}

/**
 * Runs a request until its signal or its time ends it, and puts what it throws into words. Every message is some of them, and
 * `AbortSignal.any` and `timeout` would cost a tenth of each.
 */
async function within<T>(
  signal: AbortSignal,
  timeoutMs: number,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const stop = () => ended.abort();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, timeoutMs);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await request(ended.signal);
  } catch (thrown) {
    throw failureOf(thrown, { stopped: signal.aborted, late });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function failureOf(thrown: unknown, ended: { stopped: boolean; late: boolean }): PlatformError {
  if (thrown instanceof GrammyError) return fromAnswer(thrown);
  return fromNetwork(thrown instanceof HttpError ? thrown.error : thrown, ended);
}

/**
 * `fetch` for grammY, which takes every body for an answer of the Bot API: the page of a proxy in between becomes an answer
 * that says so. The address holds the token: no redirect leads it elsewhere, and an answer that repeats it is read without.
 */
async function answerOf(
  url: string,
  init: RequestInit,
  token: string,
): Promise<{ json(): Promise<unknown> }> {
  const response = await fetch(url, { ...init, redirect: "manual" });
  const answer = parsed((await response.text()).replaceAll(token, "[token]"));
  if (typeof answer === "object" && answer !== null && "ok" in answer) return { json: async () => answer };
  const description = response.statusText || "no answer of the Bot API";
  const code = response.ok ? 502 : response.status;
  return { json: async () => ({ ok: false, error_code: code, description }) };
}

/** The value of a JSON text; undefined for any other text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
