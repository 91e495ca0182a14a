import { createCipheriv, randomBytes } from "node:crypto";

/** Files that people send to a bot. */
export interface BotFiles {
  /** Keeps a file; `isBroken`: so that it cannot be decrypted. */
  add(bytes: Uint8Array, name: string, isBroken: boolean): { path: string; aeskey: string };
  /** The answer to who fetches one; null where there is none. */
  answer(path: string): Response | null;
}

export function createBotFiles(): BotFiles {
  const stored = new Map<string, { bytes: Uint8Array; name: string }>();
  return {
    add(bytes, name, isBroken) {
      const path = `/files/${crypto.randomUUID()}`;
      const { encrypted, aeskey } = encryptFile(bytes);
      if (isBroken) encrypted[encrypted.length - 1] = (encrypted.at(-1) ?? 0) ^ 1;
      stored.set(path, { bytes: encrypted, name });
      return { path, aeskey };
    },
    answer(path) {
      const file = stored.get(path);
      if (file === undefined) return null;
      const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`;
      return new Response(file.bytes as Uint8Array<ArrayBuffer>, {
        headers: { "content-type": "application/octet-stream", "content-disposition": disposition },
      });
    },
  };
}

/** AES-256-CBC with a key of its own and PKCS#7 up to 32 bytes. */
function encryptFile(bytes: Uint8Array): { encrypted: Uint8Array; aeskey: string } {
  const key = randomBytes(32);
  const pad = 32 - (bytes.length % 32);
  const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, 16)).setAutoPadding(false);
  const encrypted = Buffer.concat([
    cipher.update(bytes),
    cipher.update(Buffer.alloc(pad, pad)),
    cipher.final(),
  ]);
  return { encrypted, aeskey: key.toString("base64") };
}
