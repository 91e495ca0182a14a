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

describe("pace", () => {
  test("a burst, and then so many a second", () => {
    let now = 0;
    const pace = createPace(rates(3, 1), () => now);
    const taken = () => pace.tryTake("a", "direct");
    expect([taken(), taken(), taken(), taken()]).toEqual([true, true, true, false]);
    now = 999;
    expect(taken()).toBe(false);
    now = 1_000;
    expect([taken(), taken()]).toEqual([true, false]);
  });

  test("chats do not take from one another, but all from the account", () => {
    const pace = createPace(rates(3, 1), () => 0);
    const taken = ["a", "a", "a", "b", "b", "c"].map((chat) => pace.tryTake(chat, "direct"));
    expect(taken).toEqual([true, true, true, true, true, false]);
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
    const never = new AbortController();
    await pace.take("a", "direct", never.signal);
    await pace.take("a", "direct", never.signal);
    pace.block("a", 60_000);
    const waiting = pace.take("a", "direct", never.signal);
    never.abort(new Error("not wanted"));
    expect(waiting).rejects.toThrow("not wanted");
  });
});
