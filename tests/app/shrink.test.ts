import { describe, expect, test } from "bun:test";
import { createQuietWatch, startShrinking } from "../../src/app/shrink.ts";
import { standInGateway } from "../support/gateway.ts";
import { openTempStore, quietLog } from "../support/store.ts";

const MB = 1e6;

/** A process whose clock, work and memory are set by hand. */
function watched() {
  const process = { nowMs: 0, processorMs: 0, residentBytes: 90 * MB };
  const isDue = createQuietWatch({
    nowMs: () => process.nowMs,
    processorMs: () => process.processorMs,
    residentBytes: () => process.residentBytes,
  });
  /** A look after two seconds of this much work. */
  const look = (workMs = 0, residentBytes = process.residentBytes) => {
    process.nowMs += 2_000;
    process.processorMs += workMs;
    process.residentBytes = residentBytes;
    return isDue();
  };
  return { look };
}

describe("a process is shrunk", () => {
  test("with the first quiet after the start, not while it works", () => {
    const { look } = watched();
    expect([look(2_000), look(300), look(101), look(20), look()]).toEqual([false, false, false, true, false]);
  });

  test("again once it has grown beyond the least that it had since, and not before", () => {
    const { look } = watched();
    look();
    look(0, 84 * MB);
    for (let n = 0; n < 60; n++) expect(look(0, 95 * MB)).toBe(false);
    expect(look(0, 96 * MB)).toBe(true);
  });

  test("at most once in ten seconds, however it grows", () => {
    const { look } = watched();
    look();
    const shrunk = Array.from({ length: 15 }, (_, n) => look(0, (200 + 20 * n) * MB)).filter(Boolean);
    expect(shrunk.length).toBe(3);
  });
});

test("shrinking reaches the workers of the gateway and the database, and both go on", async () => {
  const temporary = await openTempStore();
  const reached = Promise.withResolvers<void>();
  const gateway = { ...standInGateway(), shrink: () => reached.resolve() };
  const app = { store: temporary.store, gateway, log: quietLog() };
  const shrinking = startShrinking(app, () => true); // this process is not quiet while other tests run in it
  try {
    await reached.promise;
    await temporary.store.shrink();
    expect(await temporary.store.check()).toEqual([]);
  } finally {
    shrinking.stop();
    await temporary[Symbol.asyncDispose]();
  }
}, 60_000);
