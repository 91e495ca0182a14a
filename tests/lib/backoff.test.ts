import { describe, expect, test } from "bun:test";
import { backoffMs, clamp, parseRetryAfter } from "../../src/lib/backoff.ts";

const NOW = Date.parse("1994-11-06T08:49:00Z");

describe("backoffMs", () => {
  test("doubles, and stops at the longest wait", () => {
    const longest = (retry: number) => backoffMs(retry, { baseMs: 100, maxMs: 1000, random: () => 1 });
    expect([0, 1, 2, 3, 4, 50, 5000].map(longest)).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
  });

  test("spreads over the upper half", () => {
    expect(backoffMs(2, { baseMs: 100, maxMs: 1000, random: () => 0 })).toBe(200);
    const waits = Array.from({ length: 100 }, () => backoffMs(2, { baseMs: 100, maxMs: 1000 }));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...waits)).toBeLessThanOrEqual(400);
    expect(new Set(waits).size).toBeGreaterThan(10);
  });
});

describe("parseRetryAfter", () => {
  const cases: [string | null | undefined, number | undefined][] = [
    ["0", 0],
    ["120", 120_000],
    [" 2 ", 2000],
    ["1.5", 1500],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 37_000],
    ["Sun Nov  6 08:49:37 1994", 37_000],
    ["Sun, 06 Nov 1994 08:00:00 GMT", 0],
    ["-5", undefined],
    ["soon", undefined],
    ["1e9", undefined],
    ["Sun, 99 Nov 1994 08:49:37 GMT", undefined],
    ["", undefined],
    [null, undefined],
    [undefined, undefined],
  ];
  for (const [value, expected] of cases)
    test(`${JSON.stringify(value)} is ${expected}`, () => expect(parseRetryAfter(value, NOW)).toBe(expected));
});

test("clamp keeps a value within its bounds", () => {
  expect([clamp(-1, 0, 10), clamp(5, 0, 10), clamp(11, 0, 10)]).toEqual([0, 5, 10]);
});
