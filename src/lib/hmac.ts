export const HMAC_ALGORITHMS = ["sha1", "sha256", "sha512"] as const;

export type HmacAlgorithm = (typeof HMAC_ALGORITHMS)[number];

/** How its bytes are written: hexadecimal digits in lower case, or Base64 with padding (RFC 4648 §4). */
export type HmacEncoding = "hex" | "base64";

/** The HMAC (RFC 2104) of the parts, one after the other. Text counts as UTF-8. */
export function hmac(
  algorithm: HmacAlgorithm,
  key: string | Uint8Array,
  encoding: HmacEncoding,
  ...parts: readonly (string | Uint8Array)[]
): string {
  const hasher = new Bun.CryptoHasher(algorithm, key);
  for (const part of parts) hasher.update(part);
  return hasher.digest(encoding);
}
