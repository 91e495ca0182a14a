import { describe, expect, test } from "bun:test";
import { alignTable } from "../../src/platforms/table.ts";

describe("alignTable", () => {
  test("columns are as wide as they look: a Chinese character and an emoji take two", () => {
    const table = alignTable({
      head: ["名称", "n", "ok"],
      rows: [
        ["苹果", "1", "👍"],
        ["fig", "22", "👨‍👩‍👧"],
      ],
      align: [null, "right", "center"],
    });
    expect(table).toBe(
      ["名称 |  n | ok", "-----+----+---", "苹果 |  1 | 👍", "fig  | 22 | 👨‍👩‍👧"].join("\n"),
    );
  });

  test("one long cell does not fill the others with spaces", () => {
    const table = alignTable({
      head: ["a", "b"],
      rows: [
        ["x".repeat(500), "c"],
        ["y", "d"],
      ],
      align: [null, null],
    });
    expect(table.split("\n")).toEqual(["a | b", "--+--", `${"x".repeat(500)} | c`, "y | d"]);
  });
});
