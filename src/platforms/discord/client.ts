import { API } from "@discordjs/core/http-only";
import { REST } from "@discordjs/rest";
import { orAborted } from "../../lib/waiting.ts";
import { toPlatformError } from "./errors.ts";
import type { Timing } from "./timing.ts";

const API_BASE = "https://discord.com/api";
/** A failed try is repeated at once; for more patience there is the gateway. */
const RETRIES = 1;
/** How often it is forgotten which channels have nothing under way: a kilobyte each, and by default kept for an hour. */
const FORGET_EVERY_MS = 60_000;
/** What stands for an answer that is none of Discord's. */
const NO_ANSWER = 502;

/** Calls Discord's API. */
export interface DiscordClient {
  readonly token: string;
  /** Where the API is, without its version. */
  readonly apiBase: string;
  /** Rejects with a `PlatformError`. `ended` aborts with the signal. */
  call<T>(what: (api: API, ended: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T>;
}

export interface ClientOptions {
  token: string;
  apiBase: string | undefined;
  timing: Timing;
}

/**
 * A client that keeps to the rate limits of every route, as @discordjs/rest reads them from the answers: calls wait in order
 * for up to `longestWaitMs`, and reject with `rate_limited` when it would be longer.
 */
export function createClient({ token, apiBase = API_BASE, timing }: ClientOptions): DiscordClient {
  const base = apiBase.replace(/\/+$/, "");
  const rest = new REST({
    api: base,
    timeout: timing.callMs,
    retries: RETRIES,
    handlerSweepInterval: FORGET_EVERY_MS,
    userAgentAppendix: "Hermes",
    // The library's types are those of undici, whose requests and answers the platform's own are like.
    makeRequest: ((url: string, init: RequestInit) =>
      answerOf(url, init, token)) as unknown as typeof REST.prototype.options.makeRequest,
    rejectOnRateLimit: ({ retryAfter, timeToReset }) =>
      Math.max(retryAfter, timeToReset) > timing.longestWaitMs,
  }).setToken(token);
  const api = new API(rest);
  return {
    token,
    apiBase: base,
    async call(what, signal) {
      // One of its own: the library never takes its listeners off a signal.
      const ended = new AbortController();
      const end = () => ended.abort();
      signal.addEventListener("abort", end, { once: true });
      try {
        signal.throwIfAborted();
        return await orAborted(what(api, ended.signal), signal);
      } catch (error) {
        rest.setToken(token); // the library forgets it after one 401
        throw toPlatformError(error, signal.aborted);
      } finally {
        signal.removeEventListener("abort", end);
      }
    },
  };
}

/**
 * `fetch` for the library, which takes any body for an answer of Discord's: the page of a proxy in between becomes a failure of
 * the server. No redirect is followed, and what repeats the token is read without.
 */
async function answerOf(url: string, init: RequestInit, token: string): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: "manual" });
  const { status, headers } = response;
  if (status === 204) return response;
  const body = (await response.text()).replaceAll(token, "[token]");
  const isAnswer = status >= 400 || (response.ok && isObject(body));
  return new Response(body, { status: isAnswer ? status : NO_ANSWER, headers });
}

/** A JSON text of an object or a list, as every call is answered with that is answered at all. */
function isObject(body: string): boolean {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}
