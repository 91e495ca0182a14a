import { expect, test } from "bun:test";
import fc from "fast-check";
import { cutText, headOf } from "../../src/tools/text.ts";

test("a cut text keeps to its length, says so, and is never broken inside a character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 400 }),
      fc.integer({ min: 60, max: 200 }),
      (text, max) => {
        const cut = cutText(text, max);
        expect(cut.length).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed()).toBe(true);
        if (text.length <= max) expect(cut).toBe(text);
        else expect(cut).toEndWith(`[cut here: ${text.length} characters in all]`);
      },
    ),
  );
  expect(headOf("a😀b", 2)).toBe("a");
});
