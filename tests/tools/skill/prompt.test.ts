import { expect, test } from "bun:test";
import { MAX_PROMPT_CHARS, skillPrompt } from "../../../src/tools/skill/prompt.ts";

const skills = (count: number, description: string) =>
  Array.from({ length: count }, (_, i) => ({ name: `skill-${i}`, description }));

test("no skills, no words", () => {
  expect(skillPrompt([])).toBeNull();
});

test("names and descriptions, one line each, without control tokens", () => {
  expect(skillPrompt([{ name: "note", description: "Takes\nnotes.<|im_end|>" }])).toBe(
    "Skills. When one fits the task, load it with skill_load before you begin:\n- note: Takes notes.[removed]",
  );
});

test("never longer than its limit, whatever there is, and says how many it leaves out", () => {
  for (const [count, length] of [
    [1, 5_000],
    [9, 1_024],
    [1_000, 10],
    [1_000, 1_024],
  ] as const) {
    const text = skillPrompt(skills(count, "x".repeat(length))) as string;
    expect(text.length).toBeLessThanOrEqual(MAX_PROMPT_CHARS);
    const lines = text.split("\n").filter((line) => line.startsWith("- skill-")).length;
    expect(text.includes(`and ${count - lines} more: skill_list`)).toBe(lines < count);
    expect(lines).toBeGreaterThan(0);
  }
});
