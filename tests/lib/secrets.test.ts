import { expect, test } from "bun:test";
import fc from "fast-check";
import { digest, sameDigest, sameSecret } from "../../src/lib/secrets.ts";

test("only the secret itself is the same secret", () => {
  const secret = "hms_Abc123";
  const others = [
    "",
    " ",
    "hms_Abc12",
    "hms_Abc1234",
    "HMS_ABC123",
    " hms_Abc123",
    "hms_Abc123\n",
    "null",
    "undefined",
  ];
  expect(sameSecret(secret, secret)).toBe(true);
  for (const other of others) {
    expect(sameSecret(other, secret)).toBe(false);
    expect(sameDigest(digest(other), digest(secret))).toBe(false);
  }
  expect(sameDigest(digest(secret), digest(secret))).toBe(true);
});

test("text and its UTF-8 bytes are the same secret", () => {
  expect(sameSecret("密钥", new TextEncoder().encode("密钥"))).toBe(true);
});

test("agrees with equality for any two texts, of any lengths", () => {
  const text = fc.string({ unit: "grapheme" });
  fc.assert(fc.property(text, text, (a, b) => sameSecret(a, b) === (a === b)));
  fc.assert(fc.property(text, (a) => sameSecret(a, a)));
});

test("a digest is SHA-256 (FIPS 180-4 example)", () => {
  expect(Buffer.from(digest("abc")).toString("hex")).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});
