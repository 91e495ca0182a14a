import { describe, expect, test } from "bun:test";
import { createLockout, createRateLimit } from "../../../src/http/plugins/limits.ts";

describe("rate limit", () => {
  test("lets a minute's allowance through at once and then as much as flows back", () => {
    const limit = createRateLimit({ requestsPerMinute: () => 60 });
    for (let i = 0; i < 60; i++)
      expect(limit.take("a", 0)).toMatchObject({ allowed: true, remaining: 59 - i });
    expect(limit.take("a", 0)).toEqual({ allowed: false, remaining: 0, retryAfterMs: 1000 });
    expect(limit.take("a", 999).allowed).toBe(false);
    expect(limit.take("a", 1000).allowed).toBe(true);
    expect(limit.take("a", 1000).allowed).toBe(false);
  });

  test("a quiet key gains no more than a minute's allowance", () => {
    const limit = createRateLimit({ requestsPerMinute: () => 2 });
    limit.take("a", 0);
    expect(limit.take("a", 3_600_000).remaining).toBe(1);
  });

  test("keys do not share", () => {
    const limit = createRateLimit({ requestsPerMinute: () => 1 });
    expect(limit.take("a", 0).allowed).toBe(true);
    expect(limit.take("a", 0).allowed).toBe(false);
    expect(limit.take("b", 0).allowed).toBe(true);
  });

  test("a changed limit counts at once", () => {
    let perMinute = 1;
    const limit = createRateLimit({ requestsPerMinute: () => perMinute });
    limit.take("a", 0);
    perMinute = 60_000;
    expect(limit.take("a", 1).allowed).toBe(true);
  });

  test("a clock that goes back takes nothing away", () => {
    const limit = createRateLimit({ requestsPerMinute: () => 60 });
    limit.take("a", 1_000_000);
    expect(limit.take("a", 0).remaining).toBe(58);
  });

  test("a million keys take bounded memory, and the busy one is remembered", () => {
    const limit = createRateLimit({ requestsPerMinute: () => 1, maxKeys: 100 });
    for (let i = 0; i < 1_000_000; i++) {
      limit.take(`key-${i}`, i);
      if (i % 50 === 0) limit.take("busy", i);
    }
    expect(limit.size).toBeWithin(50, 101);
    expect(limit.take("busy", 1_000_000).allowed).toBe(false);
  });
});

describe("lock-out", () => {
  test("ten failures in a window lock the address out for a window, others not", () => {
    const lockout = createLockout();
    for (let i = 0; i < 9; i++) expect(lockout.fail("127.0.0.1", i * 1000)).toBe(false);
    expect(lockout.lockedForMs("127.0.0.1", 9000)).toBe(0);
    expect(lockout.fail("127.0.0.1", 9000)).toBe(true);
    expect(lockout.lockedForMs("127.0.0.1", 9000)).toBe(60_000);
    expect(lockout.lockedForMs("127.0.0.1", 68_999)).toBe(1);
    expect(lockout.lockedForMs("127.0.0.1", 69_000)).toBe(0);
    expect(lockout.lockedForMs("127.0.0.2", 9000)).toBe(0);
  });

  test("failures further apart than the window do not add up", () => {
    const lockout = createLockout();
    for (let i = 0; i < 100; i++) expect(lockout.fail("a", i * 10_000)).toBe(false);
  });

  test("after a lock-out the count begins anew", () => {
    const lockout = createLockout({ maxFailures: 2, windowMs: 10 });
    lockout.fail("a", 0);
    lockout.fail("a", 0);
    expect(lockout.fail("a", 11)).toBe(false);
    expect(lockout.lockedForMs("a", 11)).toBe(0);
  });

  test("a million addresses take bounded memory", () => {
    const lockout = createLockout();
    for (let i = 0; i < 1_000_000; i++) lockout.fail(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 0);
    expect(lockout.size).toBeWithin(5_000, 10_001);
  });
});
