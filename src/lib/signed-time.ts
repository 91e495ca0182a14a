/** Requests that were signed earlier or later than this, by our clock, are taken for replayed ones. */
export const SIGNED_TIME_TOLERANCE_MS = 300_000;

/** True when a request that was signed at one time may be taken at the other. False for what is no number. */
export function isTimely(signedAtMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - signedAtMs) <= SIGNED_TIME_TOLERANCE_MS;
}
