import { expect, test } from "bun:test";
import { newId } from "../../src/lib/ids.ts";

test("ids fit where ids are checked, and carry their prefix", () => {
  for (let i = 0; i < 1000; i++) expect(newId("run")).toMatch(/^run_[0-9a-hjkmnp-tv-z]{38}$/);
  expect(newId("sess")).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
});

test("ids sort by the time at which they were made, up to the year 9999", () => {
  const times = [
    0,
    1,
    31,
    32,
    1_767_322_645_678,
    1_767_322_645_679,
    Date.UTC(2039, 0),
    Date.UTC(9999, 11, 31),
  ];
  const ids = times.map((time) => newId("run", time));
  expect(ids.toSorted()).toEqual(ids);
});

test("ids never repeat, also over several fills of the pool and in one millisecond", () => {
  const ids = Array.from({ length: 20_000 }, () => newId("x", 0));
  expect(new Set(ids).size).toBe(ids.length);
});

test("every random character takes every value", () => {
  const columns = Array.from({ length: 28 }, () => new Set<string>());
  for (let i = 0; i < 3000; i++)
    [...newId("x", 0).slice(-28)].forEach((char, column) => void columns[column]?.add(char));
  expect(columns.map((column) => column.size)).toEqual(Array(28).fill(32));
});
