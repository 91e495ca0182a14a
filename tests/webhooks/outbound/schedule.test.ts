import { expect, test } from "bun:test";
import {
  JITTER,
  MAX_RETRY_AFTER_MS,
  RETRY_DELAYS_MS,
  retryDelayMs,
} from "../../../src/webhooks/outbound/schedule.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

test("the schedule is the one of Standard Webhooks: ten tries in three days", () => {
  expect(RETRY_DELAYS_MS.map((ms) => ms / SECOND_MS)).toEqual([
    0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
  ]);
});

test("waits are spread over a fifth to either side, and there is an end", () => {
  for (const [tries, planned] of RETRY_DELAYS_MS.entries()) {
    expect(retryDelayMs(tries, { random: () => 0 })).toBe(Math.round(planned * (1 - JITTER)));
    expect(retryDelayMs(tries, { random: () => 0.5 })).toBe(planned);
    expect(retryDelayMs(tries, { random: () => 0.999_999_999 })).toBe(Math.round(planned * (1 + JITTER)));
  }
  expect(retryDelayMs(RETRY_DELAYS_MS.length, { random: () => 0 })).toBeNull();
  expect(retryDelayMs(RETRY_DELAYS_MS.length, { random: () => 0, retryAfterMs: 1 })).toBeNull();
});

test("what the endpoint asks for makes a wait longer, never shorter, and not without an end", () => {
  const random = () => 0.5;
  expect(retryDelayMs(1, { random, retryAfterMs: HOUR_MS })).toBe(HOUR_MS);
  expect(retryDelayMs(4, { random, retryAfterMs: HOUR_MS })).toBe(2 * HOUR_MS);
  expect(retryDelayMs(1, { random, retryAfterMs: 0 })).toBe(5 * SECOND_MS);
  expect(retryDelayMs(1, { random, retryAfterMs: -HOUR_MS })).toBe(5 * SECOND_MS);
  expect(retryDelayMs(1, { random, retryAfterMs: 1e15 })).toBe(MAX_RETRY_AFTER_MS);
  expect(retryDelayMs(1, { random, retryAfterMs: undefined })).toBe(5 * SECOND_MS);
});
