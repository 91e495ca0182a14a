import { clamp } from "../../lib/backoff.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * How long to wait before each try, the first one being made at once (Standard Webhooks 1.0, "Deliverability and
 * reliability"): ten tries in three days.
 */
export const RETRY_DELAYS_MS = [
  0,
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
] as const;

/** Each wait is up to this part of itself shorter or longer, so that what failed together does not come back together. */
export const JITTER = 0.2;
/** Nothing waits longer for its next try: what seems to was put off by a clock that has been set back since. */
export const LONGEST_WAIT_MS = 24 * HOUR_MS * (1 + JITTER);
/** An endpoint that asks for more patience gets no more than this. */
export const MAX_RETRY_AFTER_MS = 24 * HOUR_MS;

/**
 * How long to wait after so many tries, or null when there was the last one. `retryAfterMs`: what the endpoint asked for, which
 * only makes the wait longer. `random`: from 0 up to 1.
 */
export function retryDelayMs(
  tries: number,
  { retryAfterMs = 0, random }: { retryAfterMs?: number | undefined; random: () => number },
): number | null {
  const planned = RETRY_DELAYS_MS[tries];
  if (planned === undefined) return null;
  const spread = planned * (1 - JITTER + 2 * JITTER * random());
  return Math.round(Math.max(spread, clamp(retryAfterMs, 0, MAX_RETRY_AFTER_MS)));
}
