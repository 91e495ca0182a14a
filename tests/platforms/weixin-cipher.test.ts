import { describe, expect, test } from "bun:test";
import { decrypt, encrypt, getSignature } from "@wecom/crypto";
import fc from "fast-check";
import {
  decryptBytes,
  decryptCallback,
  encryptCallback,
  isAesKey,
  isFresh,
  isSigned,
  signatureOf,
} from "../../src/platforms/weixin-cipher.ts";
import vectors from "./weixin-vectors.json";

const { token, encodingAesKey, receiverId, timestamp, nonce } = vectors;
const cipher = { encodingAesKey, receiverId };

describe("a callback that another implementation has encrypted", () => {
  test("is there with every length of padding", () => {
    expect(vectors.right.map(({ pad }) => pad)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
  });

  test.each(vectors.right)("is read with a padding of $pad", ({ encrypted, signature, text }) => {
    expect(isSigned(signature, token, [timestamp, nonce, encrypted])).toBe(true);
    expect(decryptCallback(encrypted, cipher)).toBe(text);
  });

  test.each(vectors.wrong)("is not read with $what, though it is signed", ({ encrypted, signature }) => {
    expect(isSigned(signature, token, [timestamp, nonce, encrypted])).toBe(true);
    expect(decryptCallback(encrypted, cipher)).toBeNull();
  });

  test("is not read when a byte was changed, or with another key", () => {
    const { encrypted } = vectors.right[7] ?? { encrypted: "" };
    const bytes = Buffer.from(encrypted, "base64");
    const last = bytes.length - 1;
    for (const place of [last, last - 16, last - 32]) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 1;
      expect(decryptCallback(changed.toString("base64"), cipher)).toBeNull();
    }
    const other = { ...cipher, encodingAesKey: `${encodingAesKey.slice(1)}A` };
    expect(decryptCallback(encrypted, other)).toBeNull();
  });

  test.each(["", "=", "AAAA", "no base64!", "Ā".repeat(44), `${vectors.right[0]?.encrypted}AAAA`])(
    "is not read from %p",
    (encrypted) => {
      expect(decryptCallback(encrypted, cipher)).toBeNull();
    },
  );

  test("is read with no empty key and for no empty receiver", () => {
    const { encrypted } = vectors.right[0] ?? { encrypted: "" };
    expect(decryptCallback(encrypted, { ...cipher, encodingAesKey: "" })).toBeNull();
    const forNobody = encrypt(encodingAesKey, "hello", "");
    expect(decryptCallback(forNobody, { ...cipher, receiverId: "" })).toBeNull();
  });
});

describe("WeCom's own package", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 300 });

  test("reads what is encrypted here, and the other way round", () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(decrypt(encodingAesKey, encryptCallback(given, cipher))).toMatchObject({
          message: given,
          id: receiverId,
        });
        expect(decryptCallback(encrypt(encodingAesKey, given, receiverId), cipher)).toBe(given);
      }),
    );
  });

  test("signs as it is signed here", () => {
    const part = fc.string({ unit: "grapheme-ascii" });
    fc.assert(
      fc.property(part, fc.stringMatching(/^[\w-]{1,64}$/), part, (time, random, encrypted) => {
        const signature = getSignature(token, time, random, encrypted);
        expect(signatureOf([token, time, random, encrypted])).toBe(signature);
        expect(isSigned(signature, token, [time, random, encrypted])).toBe(true);
        expect(isSigned(signature, `${token}x`, [time, random, encrypted])).toBe(false);
      }),
    );
  });
});

describe("a signature", () => {
  const parts = [timestamp, nonce] as const;
  const right = signatureOf([token, ...parts]);

  test.each([undefined, "", right.slice(1), `${right} `, right.toUpperCase()])("is not %p", (signature) => {
    expect(isSigned(signature, token, parts)).toBe(false);
  });

  test.each([undefined, "", " "])("means nothing with the token %p", (none) => {
    expect(isSigned(signatureOf([none ?? "", ...parts]), none, parts)).toBe(false);
  });

  test("is not that of a call whose first blocks were moved into its random part, though it is the same", () => {
    const text = "z".repeat(300);
    const signature = signatureOf([token, timestamp, "y", text]);
    expect(isSigned(signature, token, [timestamp, "y", text])).toBe(true);
    const moved = [timestamp, `y${text.slice(0, 128)}`, text.slice(128)] as const;
    expect(signatureOf([token, ...moved])).toBe(signature);
    expect(isSigned(signature, token, moved)).toBe(false);
  });

  test.each(["", " ", "a b", "a+b", "a/b", "n".repeat(65)])("has no random part like %p", (random) => {
    expect(isSigned(signatureOf([token, timestamp, random]), token, [timestamp, random])).toBe(false);
  });
});

test("a callback is fresh for five minutes, before and after", () => {
  const atMs = 1_700_000_000_000;
  const fresh = (timestamp: string) => isFresh(timestamp, atMs);
  expect([1_699_999_700, 1_700_000_000, 1_700_000_300].map(String).map(fresh)).toEqual([true, true, true]);
  expect([1_699_999_699, 1_700_000_301, atMs].map(String).map(fresh)).toEqual([false, false, false]);
  expect(["", "now", "-1700000000", "1.7e9", " 1700000000", "0x6553f100"].map(fresh)).not.toContain(true);
});

test("a key has 43 characters of base64", () => {
  expect(isAesKey(encodingAesKey)).toBe(true);
  for (const key of [
    undefined,
    "",
    `${encodingAesKey}=`,
    encodingAesKey.slice(1),
    `-${encodingAesKey.slice(1)}`,
  ])
    expect(isAesKey(key)).toBe(false);
});

test("the padding of bytes is looked at as a whole", () => {
  const key = Buffer.from(`${encodingAesKey}=`, "base64");
  for (const { encrypted } of vectors.wrong.filter(({ what }) => what.startsWith("padding")))
    expect(decryptBytes(Buffer.from(encrypted, "base64"), key)).toBeNull();
  expect(decryptBytes(new Uint8Array(), key)).toBeNull();
  expect(decryptBytes(new Uint8Array(31), key)).toBeNull();
});
