import { expect, test } from "bun:test";
import { createInSteps } from "../../src/platforms/in-steps.ts";

/** Steps that note themselves; that of the number fails as often as it says. */
function steps(done: string[], id: string, failing = -1, failures = { left: 1 }) {
  return [0, 1, 2].map((n) => async () => {
    if (n === failing && failures.left-- > 0) throw new Error("busy");
    done.push(`${id}${n}`);
    return n;
  });
}

test("does all steps in order", async () => {
  const done: string[] = [];
  expect(await createInSteps<number>()("a", steps(done, "a"))).toEqual([0, 1, 2]);
  expect(done).toEqual(["a0", "a1", "a2"]);
});

test("goes on with the step that failed, and begins anew after the end", async () => {
  const done: string[] = [];
  const inSteps = createInSteps<number>();
  const failures = { left: 2 };
  for (let n = 0; n < 2; n++)
    await expect(inSteps("a", steps(done, "a", 1, failures))).rejects.toThrow("busy");
  expect(await inSteps("a", steps(done, "a", 1, failures))).toEqual([0, 1, 2]);
  await inSteps("a", steps(done, "a"));
  expect(done).toEqual(["a0", "a1", "a2", "a0", "a1", "a2"]);
});

test("knows messages apart, and forgets the oldest of very many", async () => {
  const done: string[] = [];
  const inSteps = createInSteps<number>();
  const fail = (id: string) => inSteps(id, steps(done, id, 1)).catch(() => undefined);
  for (let n = 0; n <= 100; n++) await fail(`m${n}-`);
  done.length = 0;
  await inSteps("m0-", steps(done, "m0-"));
  await inSteps("m100-", steps(done, "m100-"));
  expect(done).toEqual(["m0-0", "m0-1", "m0-2", "m100-1", "m100-2"]);
});
