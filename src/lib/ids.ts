import { hash, randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's base 32: no i, l, o, u
const RANDOM_CHARS = 28; // 140 bits: never guessable, though an id is no credential
const POOL = new Uint8Array(RANDOM_CHARS * 256); // one system call for 256 ids
let used = POOL.length;

/**
 * A new id such as `run_01k3...`: a prefix, the time in milliseconds (so that ids sort by creation) and 140 random bits.
 * Matches `^[A-Za-z0-9_-]{1,64}$`.
 */
export function newId(prefix: string, nowMs = Date.now()): string {
  if (used + RANDOM_CHARS > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  let id = `${prefix}_`;
  for (let shift = 45; shift >= 0; shift -= 5) id += ALPHABET[Math.floor(nowMs / 2 ** shift) % 32];
  for (let i = 0; i < RANDOM_CHARS; i++) id += ALPHABET[(POOL[used + i] ?? 0) & 31];
  used += RANDOM_CHARS;
  return id;
}

/** An id derived from others: the same each time, and nothing but letters, digits, `-` and `_`. */
export function derivedId(prefix: string, ...parts: string[]): string {
  return `${prefix}_${hash("sha256", JSON.stringify(parts), "base64url").slice(0, 32)}`;
}
