import { describe, expect, test } from "bun:test";
import { createRestarts } from "../../../src/gateway/supervision/restarts.ts";
import { TIMINGS } from "../../../src/gateway/supervision/timings.ts";
import type { PlatformErrorKind } from "../../../src/platforms/contract.ts";

const crashed = { type: "crashed", reason: "" } as const;
const failed = (kind: PlatformErrorKind, retryAfterMs?: number) => ({
  type: "failed" as const,
  failure: { kind, message: "", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
});

describe("restarts", () => {
  test("wait longer and longer, from a second to a minute, and from the start again once it was connected", () => {
    const { pauseAfter } = createRestarts(TIMINGS);
    const pauses = Array.from({ length: 12 }, () => pauseAfter(failed("unavailable"), 0));
    for (const [i, pauseMs] of pauses.entries()) {
      const longestMs = Math.min(60_000, 1_000 * 2 ** i);
      expect(pauseMs).toBeGreaterThanOrEqual(longestMs / 2);
      expect(pauseMs).toBeLessThanOrEqual(longestMs);
    }
    expect(pauseAfter(failed("unavailable"), TIMINGS.settledMs - 1)).toBeGreaterThan(20_000);
    expect(pauseAfter(failed("unavailable"), TIMINGS.settledMs)).toBeLessThanOrEqual(1_000);
  });

  test("are rare after ten crashes in a row, until one was connected for a while", () => {
    const restarts = createRestarts(TIMINGS);
    for (let i = 0; i < 9; i++) expect(restarts.pauseAfter(crashed, 0)).toBeLessThanOrEqual(60_000);
    expect(restarts.isBroken).toBe(false);
    expect(restarts.pauseAfter(crashed, 0)).toBe(300_000);
    expect(restarts.pauseAfter(crashed, 1_000)).toBe(300_000);
    expect(restarts.isBroken).toBe(true);
    expect(restarts.pauseAfter(crashed, 60_000)).toBeLessThanOrEqual(1_000);
    expect(restarts.isBroken).toBe(false);
  });

  test("are rare where only somebody else can help, and obey what the platform says", () => {
    const { pauseAfter } = createRestarts(TIMINGS);
    expect(pauseAfter(failed("unauthorized"), 0)).toBe(600_000);
    expect(pauseAfter(failed("conflict"), 0)).toBe(60_000);
    expect(pauseAfter(failed("conflict", 604_800_000), 0)).toBe(604_800_000);
    expect(pauseAfter(failed("rate_limited", 90_000), 0)).toBe(90_000);
  });
});
