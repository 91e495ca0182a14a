import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { createTurnClock } from "../../src/agent/turn-clock.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A clock of 50 ms and whether it has expired after a while. */
function clockOf50Ms() {
  let hasExpired = false;
  const clock = createTurnClock(50, () => {
    hasExpired = true;
  });
  const expiredAfter = (ms: number) => {
    jest.advanceTimersByTime(ms);
    return hasExpired;
  };
  return { clock, expiredAfter };
}

test("expires, unless it is stopped", () => {
  const { expiredAfter } = clockOf50Ms();
  expect(expiredAfter(49)).toBe(false);
  expect(expiredAfter(1)).toBe(true);
  const stopped = clockOf50Ms();
  stopped.clock.stop();
  expect(stopped.expiredAfter(1_000)).toBe(false);
});

test("stands still until the last pause is over, and then goes on with what was left", () => {
  const { clock, expiredAfter } = clockOf50Ms();
  expect(expiredAfter(20)).toBe(false);
  const [first, second] = [clock.pause(), clock.pause()];
  first();
  first(); // twice counts once
  expect(expiredAfter(1_000)).toBe(false);
  second();
  expect(expiredAfter(29)).toBe(false);
  expect(expiredAfter(1)).toBe(true);
});

test("a pause that ends after the stop starts nothing", () => {
  const { clock, expiredAfter } = clockOf50Ms();
  const resume = clock.pause();
  clock.stop();
  resume();
  expect(expiredAfter(1_000)).toBe(false);
});
