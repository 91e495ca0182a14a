import { expect, test } from "bun:test";
import { own } from "../../src/lib/own.ts";

test("a record gives what is its own, and nothing of the language's", () => {
  const record: Record<string, number> = { a: 1 };
  expect(own(record, "a")).toBe(1);
  for (const name of ["b", "constructor", "__proto__", "toString", ""])
    expect(own(record, name)).toBeUndefined();
});
