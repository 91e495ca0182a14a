import type { JWTVerifyGetKey } from "jose";
import { isLoopback } from "../../config/check-listeners.ts";
import { AppError } from "../../lib/errors.ts";
import type { SafeFetch } from "../../lib/safe-fetch.ts";

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;
/** An unknown key id, or a failure, makes the server be asked again at most this often, however many tokens come. */
const COOLDOWN_MS = 5_000;
/** A key that the server has taken back counts no longer than this. */
const MAX_AGE_MS = 600_000;
const RETRY_AFTER_MS = 5_000;

export interface KeySourceParts {
  issuer: string;
  /** Where the keys are; asked of the issuer when absent. */
  jwksUrl: string | undefined;
  fetch: SafeFetch;
}

/**
 * The signing keys of the authorization server, fetched when a token first needs them and again when one names a key that is
 * not among them. Rejects with `not_ready` when the server cannot be asked.
 *
 * The addresses that the operator wrote are fetched as they stand: an authorization server of one's own is often at a private
 * address. Any other origin, to which metadata may lead, is fetched as if a stranger had named it.
 */
export function createKeySource({ issuer, jwksUrl, fetch: safeFetch }: KeySourceParts): JWTVerifyGetKey {
  const trusted = new Set(
    [issuer, ...(jwksUrl === undefined ? [] : [jwksUrl])].map((url) => new URL(url).origin),
  );
  const fetchBytes = async (url: string): Promise<Uint8Array<ArrayBuffer>> => {
    const target = new URL(url);
    if (target.protocol !== "https:" && !isLoopback(target.hostname)) throw new Error(`${url} is not HTTPS`);
    if (trusted.has(target.origin)) return fetchTrusted(url);
    const answer = await safeFetch(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, redirects: "return" });
    if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
    return new Uint8Array(answer.bytes);
  };

  const open = once(async () => jwksUrl ?? (await discoverKeys(issuer, fetchBytes)));
  const make = once(async (): Promise<JWTVerifyGetKey> => {
    const { createRemoteJWKSet, customFetch } = await import("jose");
    return createRemoteJWKSet(new URL(await open()), {
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: MAX_AGE_MS,
      timeoutDuration: TIMEOUT_MS,
      [customFetch]: cooled(async (url: string) => {
        const bytes = await fetchBytes(url);
        const { keys } = JSON.parse(Buffer.from(bytes).toString()) as { keys?: unknown };
        if (!Array.isArray(keys)) throw new Error(`${url} is no set of keys`);
        return new Response(bytes);
      }),
    });
  });
  const ready = cooled(make);
  return async (header, token) => (await ready())(header, token);
}

/** Where the keys are by the issuer's metadata (RFC 8414 §3, then OpenID Connect Discovery §4). */
async function discoverKeys(
  issuer: string,
  fetchBytes: (url: string) => Promise<Uint8Array>,
): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const failures: unknown[] = [];
  for (const url of [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ])
    try {
      const metadata: unknown = JSON.parse(Buffer.from(await fetchBytes(url)).toString());
      const { issuer: named, jwks_uri: keys } = metadata as Record<string, unknown>;
      if (named !== issuer) throw new Error(`${url} is about another issuer`);
      if (typeof keys !== "string") throw new Error(`${url} has no jwks_uri`);
      return keys;
    } catch (error) {
      failures.push(error);
    }
  throw new AggregateError(failures, `${issuer} has no metadata`);
}

async function fetchTrusted(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(url, {
    redirect: "manual", // to follow one would lead to an origin that nobody has checked
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: { accept: "application/json" },
  });
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_BYTES) throw new Error(`${url} is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Makes the value once; a failure is forgotten, so that the next call tries again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** Does a task at most once in a while after it has failed; in between the failure is told again. */
function cooled<Arguments extends unknown[], T>(
  task: (...given: Arguments) => Promise<T>,
): (...given: Arguments) => Promise<T> {
  let failed: { error: AppError; atMs: number } | null = null;
  return async (...given) => {
    if (failed !== null && Date.now() - failed.atMs < COOLDOWN_MS) throw failed.error;
    try {
      const result = await task(...given);
      failed = null;
      return result;
    } catch (cause) {
      const error = unreachable(cause);
      failed = { error, atMs: Date.now() };
      throw error;
    }
  };
}

function unreachable(cause: unknown): AppError {
  if (cause instanceof AppError && cause.code === "not_ready") return cause;
  return new AppError("not_ready", "The authorization server could not be asked for its keys.", {
    hint: "Try again later. The log of Hermes tells its operator more.",
    retryAfterMs: RETRY_AFTER_MS,
    cause,
  });
}
