import { hash, timingSafeEqual } from "node:crypto";

/** SHA-256 of a secret, the only form in which secrets are kept for comparison. */
export function digest(secret: string | Uint8Array): Uint8Array {
  return hash("sha256", secret, "buffer");
}

/** True when the two secrets are equal. Takes the same time wherever they differ, whatever their lengths. */
export function sameSecret(given: string | Uint8Array, expected: string | Uint8Array): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

/** The same for digests made earlier by `digest`, for hot paths. */
export function sameDigest(given: Uint8Array, expected: Uint8Array): boolean {
  return timingSafeEqual(given, expected);
}
