import { orAborted } from "../lib/waiting.ts";

/** A token is replaced so long before it expires; of a short one, when a tenth of its life is left. */
const MAX_EARLY_MS = 300_000;

/** A token as the platform gave it. */
export interface AccessToken {
  token: string;
  /** How long it may be used from now on. */
  lifetimeMs: number;
}

/** The token that calls of one account are made with. */
export interface TokenCache {
  /** The token, a new one when there is none or it expires soon. Rejects as the request for it does, or with the signal's reason. */
  get(signal: AbortSignal): Promise<string>;
  /** Forgets a token that the platform no longer takes, unless there is a newer one already. */
  drop(token: string): void;
}

/**
 * Asks for a token by `request` and keeps it until shortly before it expires. However many calls need one, only one request is
 * on its way; it has to bring its own time limit, for it is nobody's alone. `now` gives milliseconds that only rise.
 */
export function createTokenCache(
  request: () => Promise<AccessToken>,
  now: () => number = () => performance.now(),
): TokenCache {
  let kept: { token: string; untilMs: number } | null = null;
  let asking: Promise<string> | null = null;

  const ask = async (): Promise<string> => {
    const { token, lifetimeMs } = await request();
    kept = { token, untilMs: now() + lifetimeMs - Math.min(MAX_EARLY_MS, lifetimeMs / 10) };
    return token;
  };
  return {
    async get(signal) {
      signal.throwIfAborted();
      if (kept !== null && now() < kept.untilMs) return kept.token;
      asking ??= ask().finally(() => {
        asking = null;
      });
      return orAborted(asking, signal);
    },
    drop(token) {
      if (kept?.token === token) kept = null;
    },
  };
}

/**
 * Makes a call with the token of the cache; one that `isTokenRefused` knows as a refused token is made once more with a new one.
 */
export async function withToken<T>(
  tokens: TokenCache,
  call: (token: string) => Promise<T>,
  isTokenRefused: (error: unknown) => boolean,
  signal: AbortSignal,
): Promise<T> {
  const token = await tokens.get(signal);
  try {
    return await call(token);
  } catch (error) {
    if (!isTokenRefused(error)) throw error;
    tokens.drop(token);
    return call(await tokens.get(signal));
  }
}
