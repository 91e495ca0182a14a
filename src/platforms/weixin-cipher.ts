import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";
import { sameSecret } from "../lib/secrets.ts";

/** Padding fills up to a multiple of this, though the blocks of AES are half as long. */
const PADDED_BYTES = 32;
const IV_BYTES = 16;
const RANDOM_BYTES = 16;
const HEAD_BYTES = RANDOM_BYTES + 4;
/**
 * Older and newer calls are taken for replayed ones. WeCom and WeChat call within seconds and try again within fifteen; the rest
 * is for clocks that are not exact.
 */
const MAX_AGE_S = 300;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What the callbacks of an account are encrypted with. */
export interface CallbackCipher {
  /** 43 characters, as the console shows it. */
  encodingAesKey: string;
  /** Whom its messages are for: the id of the corporation or of the account. */
  receiverId: string;
}

/** The signature of a callback: SHA-1, in hexadecimal, over its parts in their order as text. One of the parts is the token. */
export function signatureOf(parts: readonly string[]): string {
  return hash("sha1", [...parts].sort().join(""), "hex");
}

/** A random number or the like. Blocks of an encrypted text are longer. */
const NONCE = /^[\w-]{1,64}$/;

/**
 * True for the signature of these parts, of which the second is the random one. Without a token nothing is signed. What is signed
 * has no seams: without a limit, whoever has one right call could move the first blocks of its text into that part, and be taken
 * for the author of what is left.
 */
export function isSigned(
  signature: string | undefined,
  token: string | undefined,
  parts: readonly [timestamp: string, nonce: string, encrypted?: string],
): boolean {
  if (!signature || !token?.trim() || !NONCE.test(parts[1])) return false;
  return sameSecret(signature, signatureOf([token, ...parts.filter((part) => part !== undefined)]));
}

/** True for a callback of this time (in seconds, as it says itself) that came just now. */
export function isFresh(timestamp: string, receivedAtMs: number): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(receivedAtMs / 1000 - Number(timestamp)) <= MAX_AGE_S;
}

/** True for a key as the consoles make it. */
export function isAesKey(encodingAesKey: string | undefined): encodingAesKey is string {
  return /^[A-Za-z0-9+/]{43}$/.test(encodingAesKey ?? "");
}

/**
 * The text of an encrypted callback; null when it is broken, made with another key, or for somebody else
 * (https://developer.work.weixin.qq.com/document/path/90968). To be asked only after the signature, so that nobody learns from
 * the answers why a text could not be read.
 */
export function decryptCallback(
  encrypted: string,
  { encodingAesKey, receiverId }: CallbackCipher,
): string | null {
  if (!isAesKey(encodingAesKey) || receiverId === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(encrypted))
    return null;
  const plain = decryptBytes(Buffer.from(encrypted, "base64"), keyOf(encodingAesKey));
  if (plain === null || plain.length < HEAD_BYTES) return null;
  const end = HEAD_BYTES + plain.readUInt32BE(RANDOM_BYTES);
  if (end > plain.length || !plain.subarray(end).equals(Buffer.from(receiverId))) return null;
  try {
    return strictUtf8.decode(plain.subarray(HEAD_BYTES, end));
  } catch {
    return null; // no UTF-8
  }
}

/** Encrypts a text that answers a callback. */
export function encryptCallback(text: string, { encodingAesKey, receiverId }: CallbackCipher): string {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  const plain = Buffer.concat([randomBytes(RANDOM_BYTES), length, bytes, Buffer.from(receiverId)]);
  const pad = PADDED_BYTES - (plain.length % PADDED_BYTES);
  const key = keyOf(encodingAesKey);
  const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, IV_BYTES)).setAutoPadding(false);
  return Buffer.concat([
    cipher.update(plain),
    cipher.update(Buffer.alloc(pad, pad)),
    cipher.final(),
  ]).toString("base64");
}

/** AES-256-CBC with PKCS#7 up to 32 bytes, where the key begins with the vector. Null when the padding is wrong. */
export function decryptBytes(encrypted: Uint8Array, key: Uint8Array): Buffer | null {
  if (encrypted.length === 0 || encrypted.length % PADDED_BYTES !== 0) return null;
  const decipher = createDecipheriv("aes-256-cbc", key, key.subarray(0, IV_BYTES)).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(encrypted), decipher.final()]);
  const pad = padded.at(-1) ?? 0;
  if (pad < 1 || pad > PADDED_BYTES || !padded.subarray(-pad).every((byte) => byte === pad)) return null;
  return padded.subarray(0, -pad);
}

function keyOf(encodingAesKey: string): Buffer {
  return Buffer.from(`${encodingAesKey}=`, "base64");
}
