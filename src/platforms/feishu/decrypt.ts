import { createDecipheriv, hash } from "node:crypto";

const IV_BYTES = 16;

/**
 * The bytes of an encrypted event: AES-256-CBC with the SHA-256 of the key, the first block being the initialization vector. Null
 * for what was not encrypted with this key.
 */
export function decrypt(encrypted: string, encryptKey: string): Uint8Array | null {
  const bytes = Buffer.from(encrypted, "base64");
  if (bytes.length < 2 * IV_BYTES || bytes.length % IV_BYTES !== 0) return null;
  const key = hash("sha256", encryptKey, "buffer");
  const decipher = createDecipheriv("aes-256-cbc", key, bytes.subarray(0, IV_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES)), decipher.final()]);
  } catch {
    return null; // the padding is none: another key, or no ciphertext at all
  }
}
