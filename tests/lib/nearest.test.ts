import { expect, test } from "bun:test";
import { nearest } from "../../src/lib/nearest.ts";

const COMMANDS = ["api", "serve", "sessions", "status", "config"];

test.each([
  ["apii", "api"],
  ["aip", "api"], // neighbours swapped
  ["sesions", "sessions"],
  ["STATUS", "status"],
  ["cnofgi", "config"],
  ["x", null],
  ["gateway", null],
  ["", null],
])("nearest to %p is %p", (word, expected) => {
  expect(nearest(word, COMMANDS)).toBe(expected);
});

test("the closest wins over the first", () => {
  expect(nearest("port", ["ports", "port"])).toBe("port");
});

test("maxEdits is the limit", () => {
  expect(nearest("abcd", ["axyd"], 1)).toBeNull();
  expect(nearest("abcd", ["axyd"], 2)).toBe("axyd");
});
