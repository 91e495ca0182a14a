import { describe, expect, test } from "bun:test";
import { DINGTALK } from "../../../src/platforms/dingtalk/index.ts";
import { isFromDingTalk } from "../../../src/platforms/dingtalk/signature.ts";
import { account } from "./setup.ts";
import { signedByPython } from "./signed-by-python.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 1_774_080_994_334;

describe("the signature", () => {
  test("is the one that Python and openssl compute", () => {
    const cases = Array.from({ length: 40 }, (_, n) => ({
      timestamp: String(NOW_MS + n),
      secret: ["this is a secret", "秘密🔑", "x".repeat(n + 1), "with\nline", "trailing "][n % 5] as string,
    }));
    const signs = signedByPython(cases);
    expect(signs).toHaveLength(cases.length);
    for (const [n, { timestamp, secret }] of cases.entries())
      expect(isFromDingTalk({ timestamp, sign: signs[n] ?? "" }, secret, NOW_MS)).toBe(true);
    // printf '1577262236757\nthis is a secret' | openssl dgst -sha256 -hmac 'this is a secret' -binary | base64
    const sign = "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA=";
    expect(isFromDingTalk({ timestamp: "1577262236757", sign }, "this is a secret", 1577262236757)).toBe(
      true,
    );
  });

  const secret = "this is a secret";
  const timestamp = String(NOW_MS);
  const [sign = "", otherSign = "", emptySign = ""] = signedByPython([
    { timestamp, secret },
    { timestamp, secret: "another secret" },
    { timestamp, secret: "" },
  ]);
  const accepts = (headers: Record<string, string>, nowMs = NOW_MS, key: string | undefined = secret) =>
    isFromDingTalk(headers, key, nowMs);

  test("holds for an hour before and after, and no longer", () => {
    for (const offsetMs of [0, HOUR_MS, -HOUR_MS])
      expect(accepts({ timestamp, sign }, NOW_MS + offsetMs)).toBe(true);
    for (const offsetMs of [HOUR_MS + 1, -HOUR_MS - 1, 24 * HOUR_MS])
      expect(accepts({ timestamp, sign }, NOW_MS + offsetMs)).toBe(false);
  });

  test("is refused when anything is wrong or missing", () => {
    const wrong: Record<string, string>[] = [
      {},
      { timestamp },
      { sign },
      { timestamp: "", sign: "" },
      { timestamp, sign: otherSign },
      { timestamp: String(NOW_MS + 1), sign },
      { timestamp: String(NOW_MS / 1000), sign },
      { timestamp: ` ${timestamp}`, sign },
      { timestamp: "1e13", sign },
      { timestamp, sign: ` ${sign}` },
      { timestamp, sign: sign.toLowerCase() },
      { timestamp, sign: sign.slice(0, -1) },
      { timestamp, sign: encodeURIComponent(sign) },
    ];
    for (const headers of wrong) expect(accepts(headers)).toBe(false);
  });

  test("proves nothing where there is no secret", () => {
    expect(isFromDingTalk({ timestamp, sign: emptySign }, "", NOW_MS)).toBe(false);
    expect(isFromDingTalk({ timestamp, sign: emptySign }, undefined, NOW_MS)).toBe(false);
    expect(isFromDingTalk({ timestamp, sign }, " ", NOW_MS)).toBe(false);
  });

  test("lets a request go on before its body is read", () => {
    const now = String(Date.now());
    const [fresh = ""] = signedByPython([{ timestamp: now, secret }]);
    expect(DINGTALK.admits?.({ timestamp: now, sign: fresh }, account({ app_secret: secret }))).toBe(true);
    expect(DINGTALK.admits?.({ timestamp: now, sign: fresh }, account({ app_secret: "other" }))).toBe(false);
    expect(DINGTALK.admits?.({ timestamp, sign }, account({ app_secret: secret }))).toBe(false);
    expect(
      DINGTALK.admits?.({ timestamp: now, sign: fresh }, account({ app_secret: undefined } as object)),
    ).toBe(false);
  });
});
