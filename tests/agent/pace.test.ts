import { expect, test } from "bun:test";
import { createPace } from "../../src/agent/pace.ts";

test("all who wait share a moment, and after it comes another", async () => {
  const pace = createPace();
  for (let round = 0; round < 3; round++) {
    const moment = pace.next();
    expect(pace.next()).toBe(moment);
    await moment;
    expect(pace.next()).not.toBe(moment);
  }
});

test("the first moment is the end of this tick", async () => {
  const order: string[] = [];
  const moment = createPace()
    .next()
    .then(() => order.push("moment"));
  await new Promise((resolve) => setImmediate(resolve));
  order.push("tick");
  await moment;
  expect(order).toEqual(["moment", "tick"]);
});
