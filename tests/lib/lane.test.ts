import { describe, expect, test } from "bun:test";
import { createLimit } from "../../src/lib/lane.ts";

describe("limit", () => {
  test("lets in as many as it says, in order", async () => {
    const limit = createLimit(2);
    const [first, second] = [await limit.enter(), await limit.enter()];
    const seen: number[] = [];
    const third = limit.run(() => seen.push(3));
    const fourth = limit.run(() => seen.push(4));
    await Bun.sleep(0);
    expect([limit.running, limit.waiting, seen.length]).toEqual([2, 2, 0]);
    first();
    await Promise.all([third, fourth]);
    expect(seen).toEqual([3, 4]);
    second();
    expect([limit.running, limit.waiting]).toEqual([0, 0]);
  });

  test("a place is given back once, however often that is said", async () => {
    const limit = createLimit(1);
    const leave = await limit.enter();
    leave();
    leave();
    expect(limit.running).toBe(0);
    await limit.enter();
    expect(limit.running).toBe(1);
  });

  test("a failing task gives its place back", async () => {
    const limit = createLimit(1);
    await expect(limit.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await limit.run(() => "in")).toBe("in");
  });

  test("an aborted wait leaves the queue; the others keep their order", async () => {
    const limit = createLimit(1);
    const leave = await limit.enter();
    const gone = new AbortController();
    const seen: string[] = [];
    const impatient = limit.run(() => seen.push("impatient"), gone.signal);
    const patient = limit.run(() => seen.push("patient"));
    gone.abort(new Error("client left"));
    await expect(impatient).rejects.toThrow("client left");
    expect(limit.waiting).toBe(1);
    leave();
    await patient;
    expect(seen).toEqual(["patient"]);
    await expect(limit.enter(AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late");
    expect([limit.running, limit.waiting]).toEqual([0, 0]);
  });

  test("an abort after the wait does not take the place away", async () => {
    const limit = createLimit(1);
    const controller = new AbortController();
    const leave = await limit.enter(controller.signal);
    controller.abort();
    expect(limit.running).toBe(1);
    leave();
    expect(limit.running).toBe(0);
  });

  test("a new limit takes effect at once", async () => {
    const limit = createLimit(1);
    const leaves = [await limit.enter()];
    const waiting = [limit.enter(), limit.enter(), limit.enter()];
    limit.setLimit(3);
    leaves.push(...(await Promise.all(waiting.slice(0, 2))));
    expect([limit.running, limit.waiting]).toEqual([3, 1]);
    limit.setLimit(1);
    leaves[0]?.();
    leaves[1]?.();
    expect([limit.running, limit.waiting]).toEqual([1, 1]);
    leaves[2]?.();
    await waiting[2];
    expect([limit.running, limit.waiting]).toEqual([1, 0]);
  });

  test("a limit below 1 is refused", () => {
    expect(() => createLimit(0)).toThrow(RangeError);
    expect(() => createLimit(1).setLimit(Number.NaN)).toThrow(RangeError);
  });
});
