import { expect, test } from "bun:test";
import { addNewest, setNewest } from "../../src/lib/newest.ts";

test("a map keeps what was set last, and forgets what was set longest ago", () => {
  const map = new Map<string, number>();
  for (const [key, value] of [
    ["a", 1],
    ["b", 2],
    ["a", 3],
    ["c", 4],
  ] as const)
    setNewest(map, key, value, 2);
  expect([...map]).toEqual([
    ["a", 3],
    ["c", 4],
  ]);
  setNewest(map, "d", 5, 1);
  expect([...map]).toEqual([["d", 5]]);
});

test("a set the same, whatever its values are", () => {
  const set = new Set<string | undefined>();
  for (const value of ["a", undefined, "a", "b"]) addNewest(set, value, 2);
  expect([...set]).toEqual(["a", "b"]);
});
