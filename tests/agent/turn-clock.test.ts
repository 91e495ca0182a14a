import { expect, test } from "bun:test";
import { createTurnClock } from "../../src/agent/turn-clock.ts";

/** A clock of 50 ms and whether it has expired. */
function clockOf50Ms() {
  const expired = Promise.withResolvers<string>();
  const clock = createTurnClock(50, () => expired.resolve("expired"));
  const after = (ms: number) => Promise.race([expired.promise, Bun.sleep(ms).then(() => "runs")]);
  return { clock, expired: expired.promise, after };
}

test("expires, unless it is stopped", async () => {
  expect(await clockOf50Ms().expired).toBe("expired");
  const stopped = clockOf50Ms();
  stopped.clock.stop();
  expect(await stopped.after(120)).toBe("runs");
});

test("stands still until the last pause is over, and then goes on", async () => {
  const { clock, expired, after } = clockOf50Ms();
  const [first, second] = [clock.pause(), clock.pause()];
  first();
  first(); // twice counts once
  expect(await after(120)).toBe("runs");
  second();
  expect(await expired).toBe("expired");
});

test("a pause that ends after the stop starts nothing", async () => {
  const { clock, after } = clockOf50Ms();
  const resume = clock.pause();
  clock.stop();
  resume();
  expect(await after(120)).toBe("runs");
});
