import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { HMAC_ALGORITHMS, hmac } from "../../src/lib/hmac.ts";
import { isTimely, SIGNED_TIME_TOLERANCE_MS } from "../../src/lib/signed-time.ts";

describe("hmac", () => {
  test("the vectors of RFC 2202 and RFC 4231", () => {
    const of = (key: string | Uint8Array, text: string) =>
      HMAC_ALGORITHMS.map((algorithm) => hmac(algorithm, key, "hex", text).slice(0, 32));
    expect(of("Jefe", "what do ya want for nothing?")).toEqual([
      "effcdf6ae5eb2fa2d27416d5f184df9c",
      "5bdcc146bf60754e6a042426089575c7",
      "164b7a7bfcf819e2e395fbe73b56e0a3",
    ]);
    expect(
      hmac(
        "sha256",
        Buffer.alloc(131, 0xaa),
        "hex",
        "Test Using Larger Than Block-Size Key - Hash Key First",
      ),
    ).toBe("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  });

  test("the parts are signed as one text, and bytes as they are", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...HMAC_ALGORITHMS),
        fc.constantFrom("hex" as const, "base64" as const),
        fc.uint8Array({ minLength: 1 }),
        fc.string({ unit: "grapheme" }),
        fc.uint8Array(),
        (algorithm, encoding, key, text, bytes) => {
          const whole = createHmac(algorithm, key).update(text).update(bytes).digest(encoding);
          expect(hmac(algorithm, key, encoding, text, bytes)).toBe(whole);
        },
      ),
    );
  });
});

test("a request is taken within five minutes of its time, before and after, and never without one", () => {
  const nowMs = 1_764_000_000_000;
  for (const sign of [1, -1]) {
    expect(isTimely(nowMs + sign * SIGNED_TIME_TOLERANCE_MS, nowMs)).toBe(true);
    expect(isTimely(nowMs + sign * (SIGNED_TIME_TOLERANCE_MS + 1), nowMs)).toBe(false);
  }
  for (const noTime of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(isTimely(noTime, nowMs)).toBe(false);
});
