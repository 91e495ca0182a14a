import { expect, test } from "bun:test";
import { createSeldom } from "../../src/lib/seldom.ts";

test("one of a kind is told at a time, with how many were passed over", () => {
  let time = 0;
  const { tell } = createSeldom({ everyMs: 1_000, now: () => time });
  expect([tell("a"), tell("a"), tell("b"), tell("a")]).toEqual([0, null, 0, null]);
  time = 999;
  expect(tell("a")).toBeNull();
  time = 1_000;
  expect([tell("a"), tell("a"), tell("b")]).toEqual([3, null, 0]);
});

test("very many kinds take no memory for ever", () => {
  const { tell } = createSeldom({ everyMs: 1_000, now: () => 0 });
  for (let kind = 0; kind < 1_001; kind++) expect(tell(`kind ${kind}`)).toBe(0);
  expect(tell("kind 0")).toBe(0);
});
