import { headOf } from "../text.ts";

const SHOWN = 3;
const SHOWN_CHARS = 120;
const LOOKED_AT_LINES = 50_000;
const ALIKE = 0.5;

/** The number of the line that a position is in, from 1. */
export function lineNumberAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < position; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

/** Lines that look like the first line of a text that was not found: the same but for white space, or of mostly the same words. */
export function nearLines(text: string, wanted: string): string[] {
  const first = wanted
    .split("\n")
    .find((line) => line.trim() !== "")
    ?.trim();
  if (first === undefined) return [];
  const words = wordsOf(first);
  return text
    .split("\n", LOOKED_AT_LINES)
    .map((line, i) => ({ line: line.trim(), number: i + 1, score: likeness(line.trim(), first, words) }))
    .filter(({ score }) => score >= ALIKE)
    .sort((a, b) => b.score - a.score || a.number - b.number)
    .slice(0, SHOWN)
    .map(({ line, number }) => `line ${number}: ${headOf(line, SHOWN_CHARS)}`);
}

/** From 0 to 1: the share of words that both have. */
function likeness(line: string, wanted: string, words: ReadonlySet<string>): number {
  if (line === wanted) return 1;
  const own = wordsOf(line);
  const shared = [...own].filter((word) => words.has(word)).length;
  return shared / Math.max(1, own.size + words.size - shared);
}

/** Words, and every character of scripts that put no spaces between them. */
function wordsOf(text: string): Set<string> {
  return new Set(
    headOf(text, 1000).match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}_]+/gu),
  );
}
