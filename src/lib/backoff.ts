export interface BackoffOptions {
  /** The longest wait before the first retry. It doubles with every further one. */
  baseMs: number;
  /** No wait is longer than this. */
  maxMs: number;
  /** A number from 0 up to 1; `Math.random` unless a test says otherwise. */
  random?: () => number;
}

/**
 * How long to wait before retry number `retry`, the first one being 0: exponential, and spread over the upper half of the
 * time so that callers that failed together do not come back together.
 */
export function backoffMs(retry: number, { baseMs, maxMs, random = Math.random }: BackoffOptions): number {
  const longest = clamp(baseMs * 2 ** retry, 0, maxMs);
  return Math.round(longest / 2 + (longest / 2) * random());
}

/**
 * The value of a `Retry-After` header in milliseconds: seconds or an HTTP date (RFC 9110 §10.2.3). Decimal seconds are taken
 * as well, because providers send them. A date in the past is 0; anything else is undefined.
 */
export function parseRetryAfter(value: string | null | undefined, nowMs = Date.now()): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d{1,12}(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  if (!/^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined;
  const atMs = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** The value, or the bound that it lies beyond. */
export function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(highest, Math.max(lowest, value));
}
