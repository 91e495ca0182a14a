import { describe, expect, test } from "bun:test";
import { orAborted, sleep, within } from "../../src/lib/waiting.ts";

const never = new Promise<never>(() => undefined);

describe("orAborted", () => {
  test("gives what the promise gives, and its error", async () => {
    const { signal } = new AbortController();
    expect(await orAborted(Promise.resolve(1), signal)).toBe(1);
    await expect(orAborted(Promise.reject(new Error("mine")), signal)).rejects.toThrow("mine");
  });

  test("throws the reason of the signal, before or while it waits", async () => {
    const controller = new AbortController();
    const waiting = orAborted(never, controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(orAborted(never, controller.signal)).rejects.toThrow("enough");
  });

  test("drops what becomes of the promise afterwards", async () => {
    const late = Promise.withResolvers<void>();
    await expect(orAborted(late.promise, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    late.reject(new Error("nobody is to hear of it"));
    await late.promise.catch(() => undefined);
  });
});

describe("within", () => {
  test("tells whether the promise was in time, and throws its error", async () => {
    expect(await within(Promise.resolve(), 60_000)).toBe(true);
    expect(await within(never, 1)).toBe(false);
    await expect(within(Promise.reject(new Error("mine")), 60_000)).rejects.toThrow("mine");
  });
});

describe("sleep", () => {
  test("longer than a timer can wait does not end at once", async () => {
    const controller = new AbortController();
    for (const ms of [2 ** 31, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])
      expect(await within(sleep(ms, controller.signal), 20)).toBe(false);
    controller.abort();
  });

  test("ends with the time or with the signal, whichever is first", async () => {
    await sleep(1, new AbortController().signal);
    const controller = new AbortController();
    const sleeping = sleep(3_600_000, controller.signal);
    controller.abort();
    await sleeping;
    await sleep(3_600_000, controller.signal);
  });
});
