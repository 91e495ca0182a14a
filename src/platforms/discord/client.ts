import { API } from "@discordjs/core/http-only";
import { REST } from "@discordjs/rest";
import { orAborted } from "../../lib/waiting.ts";
import { toPlatformError } from "./errors.ts";
import type { Timing } from "./timing.ts";

const API_BASE = "https://discord.com/api";
/** A failed try is repeated at once; for more patience there is the gateway. */
const RETRIES = 1;

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
    userAgentAppendix: "Hermes",
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
