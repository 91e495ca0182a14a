import { expect, test } from "bun:test";
import { PlatformError } from "../../src/platforms/contract.ts";

test("a wait that a platform asks for is a time, whatever stood in its answer", () => {
  const waits: [told: number, waitMs: number | undefined][] = [
    [0, 0],
    [1500, 1500],
    [Number.NaN, undefined],
    [-1, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    ["3" as unknown as number, undefined],
  ];
  for (const [retryAfterMs, waitMs] of waits)
    expect(new PlatformError("rate_limited", "slow", { retryAfterMs }).retryAfterMs).toBe(waitMs);
  expect(new PlatformError("rate_limited", "slow").retryAfterMs).toBeUndefined();
});
