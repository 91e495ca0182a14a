import { describe, expect, test } from "bun:test";
import { createPace } from "../../../src/gateway/deliver/pace.ts";
import { TOY_LIMITS } from "../../support/chat.ts";

const rates = (burst: number, perSecond: number) => ({
  ...TOY_LIMITS,
  pace: {
    direct: { burst, perSecond },
    group: { burst: 1, perSecond: 1 / 3 },
    account: { burst: 5, perSecond: 5 },
  },
});

/** As WeCom's. */
const SLOW = { burst: 10, perSecond: 0.27 };
const MANY = { burst: 50, perSecond: 50 };

describe("pace", () => {
  const never = new AbortController().signal;

  test("a burst, and then so many a second", () => {
    let now = 0;
    const pace = createPace(rates(1, 1), () => now);
    const taken = () => pace.tryTake("a", "direct");
    expect([taken(), taken()]).toEqual([true, false]);
    now = 999;
    expect(taken()).toBe(false);
    now = 1_000;
    expect([taken(), taken()]).toEqual([true, false]);
  });

  test("what can be left out leaves turns for what cannot, which so has not to wait", async () => {
    let now = 0;
    const pace = createPace(
      { ...TOY_LIMITS, pace: { ...TOY_LIMITS.pace, direct: SLOW, account: MANY } },
      () => now,
    );
    const shown = () => pace.tryTake("a", "direct");
    expect(Array.from({ length: 10 }, shown).filter(Boolean)).toHaveLength(8);
    await pace.take("a", "direct", never);
    await pace.take("a", "direct", never);
    now = 4_000; // one turn later
    expect(shown()).toBe(false);
    await pace.take("a", "direct", never);
  });

  test("chats do not take from one another, but all from the account", () => {
    const pace = createPace(rates(1, 1), () => 0);
    const taken = ["a", "b", "c", "d", "b"].map((chat) => pace.tryTake(chat, "direct"));
    expect(taken).toEqual([true, true, true, false, false]);
  });

  test("a chat that has used its turns has none, however many others come meanwhile", () => {
    let now = 0;
    const pace = createPace(
      { ...TOY_LIMITS, pace: { ...rates(1, 1).pace, direct: SLOW, account: { burst: 1e6, perSecond: 1e6 } } },
      () => now,
    );
    const turns = (chat: string) => Array.from({ length: 12 }, () => pace.tryTake(chat, "direct"));
    expect(turns("a").filter(Boolean)).toHaveLength(8); // of ten two are left
    pace.block("blocked", 60_000);
    for (let n = 0; n < 5_000; n++) {
      now += 1;
      expect(pace.tryTake(`other ${n}`, "direct")).toBe(true);
    }
    expect(turns("a").filter(Boolean)).toHaveLength(1); // 5 s are one turn
    expect(turns("blocked").filter(Boolean)).toHaveLength(0);
    now += 60_000;
    expect([turns("a").filter(Boolean).length, turns("blocked").filter(Boolean).length]).toEqual([8, 8]);
  });

  test("groups have their own rate", () => {
    let now = 0;
    const pace = createPace(rates(3, 1), () => now);
    expect([pace.tryTake("g", "group"), pace.tryTake("g", "group")]).toEqual([true, false]);
    now = 3_000;
    expect(pace.tryTake("g", "group")).toBe(true);
  });

  test("a blocked chat waits as long as it was told, others do not", () => {
    let now = 0;
    const pace = createPace(rates(3, 1), () => now);
    pace.block("a", 5_000);
    expect([pace.tryTake("a", "direct"), pace.tryTake("b", "direct")]).toEqual([false, true]);
    now = 4_999;
    expect(pace.tryTake("a", "direct")).toBe(false);
    now = 5_000;
    expect(pace.tryTake("a", "direct")).toBe(true);
  });

  test("take waits for its turn, and no longer once it is not wanted", async () => {
    const pace = createPace(rates(1, 100));
    const wanted = new AbortController();
    await pace.take("a", "direct", wanted.signal);
    await pace.take("a", "direct", wanted.signal);
    pace.block("a", 60_000);
    const waiting = pace.take("a", "direct", wanted.signal);
    wanted.abort(new Error("not wanted"));
    expect(waiting).rejects.toThrow("not wanted");
  });

  test("the turns of an account go to those who wait in their order, and each wakes one of them", async () => {
    let looks = 0;
    const pace = createPace(
      { ...TOY_LIMITS, pace: { ...TOY_LIMITS.pace, account: { burst: 1, perSecond: 500 } } },
      () => {
        looks += 1;
        return performance.now();
      },
    );
    const served: number[] = [];
    const wait = async (n: number) => {
      await pace.take(`chat ${n}`, "direct", never);
      served.push(n);
    };
    const all = Array.from({ length: 200 }, (_, n) => n);
    await Promise.all(all.map(wait));
    expect(served).toEqual(all);
    expect(looks).toBeLessThan(all.length * 20);
  });
});
