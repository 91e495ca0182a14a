import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createSplitter, splitMarkdown } from "../../src/platforms/split.ts";
import { arbitraryMarkdown, arbitraryMess } from "./arbitrary.ts";
import { SAMPLE_MARKDOWN } from "./sample.ts";

const within = (limit: number) => (part: string) => part.length <= limit;
const texts = (markdown: string, limit: number) =>
  splitMarkdown(markdown, within(limit)).map((part) => part.text);
const sources = (markdown: string, limit: number) =>
  splitMarkdown(markdown, within(limit))
    .map((part) => part.source)
    .join("");

/** What is split, at how many units, into what. */
const TABLE: { name: string; markdown: string; limit: number; parts: string[] }[] = [
  { name: "what fits is one part", markdown: "# Hi\n\nthere\n", limit: 100, parts: ["# Hi\n\nthere"] },
  { name: "a blank text has none", markdown: " \n\n\t", limit: 100, parts: [] },
  {
    name: "between paragraphs rather than later",
    markdown: "One two three four five.\n\nSix seven.\nEight nine ten eleven.",
    limit: 40,
    parts: ["One two three four five.", "Six seven.\nEight nine ten eleven."],
  },
  {
    name: "a heading goes with what follows",
    markdown: "Some words before it.\n\n## Heading\n\nSome words after the heading.",
    limit: 45,
    parts: ["Some words before it.", "## Heading\n\nSome words after the heading."],
  },
  {
    name: "between items",
    markdown: "- first item\n- second item\n  with more\n- third item",
    limit: 40,
    parts: ["- first item\n- second item\n  with more", "- third item"],
  },
  {
    name: "items of an inner list stand at the left edge",
    markdown: "- outer item\n    - inner item one\n    - inner item two\n- last",
    limit: 35,
    parts: ["- outer item\n    - inner item one", "- inner item two\n- last"],
  },
  {
    name: "code is ended and begun again in its language",
    markdown: "```ts\nlet first = 1;\nlet second = 2;\nlet third = 3;\n```\nafter",
    limit: 45,
    parts: ["```ts\nlet first = 1;\nlet second = 2;\n```", "```ts\nlet third = 3;\n```\nafter"],
  },
  {
    name: "code with a fence of its own, in a list",
    markdown: "1. run:\n   ~~~~sh\n   echo one two\n   echo three\n   ~~~~\n2. done",
    limit: 40,
    parts: ["1. run:\n   ~~~~sh\n   echo one two\n~~~~", "~~~~sh\necho three\n~~~~\n2. done"],
  },
  {
    name: "code in a quote",
    markdown: "> ```\n> quoted code\n> more of it\n> ```\nafter",
    limit: 32,
    parts: ["> ```\n> quoted code\n> ```", "> ```\n> more of it\n> ```\nafter"],
  },
  {
    name: "a long line of code in a quote",
    markdown: "> ```\n> one_two_three_four_five_six\n> ```",
    limit: 30,
    parts: ["> ```\n> one_two_three_fo\n> ```", "> ```\n> ur_five_six\n> ```"],
  },
  {
    name: "code that was never ended is ended",
    markdown: "Look:\n```py\nprint(1)",
    limit: 100,
    parts: ["Look:\n```py\nprint(1)\n```"],
  },
  {
    name: "the head of a table is repeated",
    markdown: "| a | b |\n|---|---|\n| one | two |\n| three | four |\n| five | six |",
    limit: 54,
    parts: ["| a | b |\n|---|---|\n| one | two |\n| three | four |", "| a | b |\n|---|---|\n| five | six |"],
  },
  {
    name: "after a Chinese sentence",
    markdown: "今天的天气很好，我们去公园散步。你想一起来吗？太好了！我们走吧",
    limit: 26,
    parts: ["今天的天气很好，我们去公园散步。你想一起来吗？", "太好了！我们走吧"],
  },
  {
    name: "after a sentence, with what closes it, but not after the number of an item",
    markdown: 'He said "no way." She asked (why?) and left at 3.14 pm',
    limit: 34,
    parts: ['He said "no way." She asked (why?)', "and left at 3.14 pm"],
  },
  {
    name: "at a space where there is no sentence",
    markdown: "one two three four five six",
    limit: 16,
    parts: ["one two three", "four five six"],
  },
  {
    name: "not within a link, code or bold text",
    markdown: "see [the docs](https://a.example/x) and `a b c d` and **very bold words** end",
    limit: 40,
    parts: ["see [the docs](https://a.example/x) and", "`a b c d` and **very bold words** end"],
  },
  {
    name: "between characters as readers see them",
    markdown: "👨‍👩‍👧‍👦👨‍👩‍👧‍👦🇨🇳🇩🇪e\u0301e\u0301",
    limit: 15,
    parts: ["👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦🇨🇳", "🇩🇪e\u0301e\u0301"],
  },
  {
    name: "within a character that is too long, but not within a code point",
    markdown: "👨‍👩‍👧‍👦",
    limit: 4,
    parts: ["👨\u200d", "👩\u200d", "👧\u200d", "👦"],
  },
  {
    name: "a quote goes on as a quote",
    markdown: "> a quote of one long line that goes on",
    limit: 24,
    parts: ["> a quote of one long", "> line that goes on"],
  },
  {
    name: "space around a cut is not shown",
    markdown: `a${" ".repeat(50)}\n\n${"\n".repeat(50)}b`,
    limit: 20,
    parts: ["a", "b"],
  },
  { name: "a text that fits nowhere comes in code points", markdown: "a👍", limit: 0, parts: ["a", "👍"] },
];

describe("splitMarkdown", () => {
  for (const { name, markdown, limit, parts } of TABLE)
    test(name, () => {
      expect(texts(markdown, limit)).toEqual(parts);
      if (parts.length > 0) expect(sources(markdown, limit)).toBe(markdown);
    });

  test("every part fits, none is blank, no code point is cut and the sources are the text", () => {
    const property = fc.property(
      fc.oneof(arbitraryMarkdown, arbitraryMess),
      fc.integer({ min: 60, max: 600 }),
      (markdown, limit) => {
        const parts = splitMarkdown(markdown, within(limit));
        for (const { text } of parts) {
          expect(text.length).toBeLessThanOrEqual(limit);
          expect(text.trim()).not.toBe("");
          expect(text.isWellFormed()).toBe(markdown.isWellFormed() || text.isWellFormed());
        }
        if (markdown.trim()) expect(parts.map((part) => part.source).join("")).toBe(markdown);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  test("every part closes the fences that it opens", () => {
    const sunny = "今天的天气很好，";
    const wide = `| \`code\` | ${sunny} | ${sunny.repeat(4)}<b>raw</b> |`;
    const block = (lines: number) => `\`\`\`\n${"let a = 1;\n".repeat(lines)}\`\`\`\n\n`;
    const small = "| `code` | `code` | `code` |";
    const cramped = `${wide}\n|---|---|---|\n${wide}\n${small}\n\n${block(4)}${block(1)}`;
    for (const text of texts(cramped, 80)) expect([text, openFence(text)]).toEqual([text, undefined]);
    const property = fc.property(arbitraryMarkdown, fc.integer({ min: 80, max: 400 }), (markdown, limit) => {
      for (const text of texts(markdown, limit)) expect([text, openFence(text)]).toEqual([text, undefined]);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("a growing text keeps its parts but for the last two", () => {
    const property = fc.property(
      fc.oneof(arbitraryMarkdown, fc.constant(SAMPLE_MARKDOWN)),
      fc.nat(),
      fc.integer({ min: 400, max: 1000 }),
      (markdown, at, limit) => {
        const early = splitMarkdown(markdown.slice(0, at % markdown.length), within(limit)).slice(0, -2);
        expect(splitMarkdown(markdown, within(limit)).slice(0, early.length)).toEqual(early);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

describe("a splitter", () => {
  test("makes the same parts of a text however it came to be", () => {
    const growth = fc.array(fc.tuple(fc.nat(), fc.constantFrom("", "\n\nWorking: web_search", "```\n")), {
      maxLength: 8,
    });
    const property = fc.property(
      fc.oneof(arbitraryMarkdown, arbitraryMess, fc.constant(SAMPLE_MARKDOWN)),
      growth,
      fc.integer({ min: 400, max: 1000 }),
      (markdown, steps, limit) => {
        const split = createSplitter(within(limit));
        for (const [at, tail] of [...steps, [markdown.length, ""] as const]) {
          const text = markdown.slice(0, at % (markdown.length + 1)) + tail;
          expect(split(text)).toEqual(splitMarkdown(text, within(limit)));
        }
      },
    );
    fc.assert(property, { numRuns: 100 });
  });

  test("does not look again at what is settled, however long the text has grown", () => {
    const whole = "**Some** words of `code`, and more of them.\n\n".repeat(2_000);
    let units = 0;
    const split = createSplitter((part) => {
      units += part.length;
      return part.length <= 4_000;
    });
    const steps = 400;
    for (let n = 1; n <= steps; n++) split(whole.slice(0, Math.ceil((whole.length * n) / steps)));
    expect(split(whole)).toEqual(splitMarkdown(whole, within(4_000)));
    expect(units).toBeLessThan(steps * 40_000); // the whole of it each time were 18 million units and more
  });
});

/** Texts that take a careless splitter a very long time, or too much of its stack. */
const HARD: Record<string, string> = {
  "no space": "中".repeat(100_000),
  "one line of words": "hello **world** foo ".repeat(10_000),
  "families in a row": "👨‍👩‍👧‍👦".repeat(10_000),
  "one letter with many accents": `e${"\u0301".repeat(50_000)}`,
  "spaces only between two words": `a${" ".repeat(100_000)}b`,
  "empty lines": `a${"\n".repeat(100_000)}b`,
  "short lines": "a\n".repeat(50_000),
  fences: "```ts\nx\n```\n".repeat(10_000),
  "unclosed fences": "```\n".repeat(9_999),
  "a fence as long as a book": `\`\`\`\na\n${"`".repeat(50_000)}\nb`,
  "a language as long as a book": `\`\`\`${"x".repeat(50_000)}\na\n\`\`\``,
  "a table of 64 KB": `| a | b |\n|---|---|\n${"| 中文 | b |\n".repeat(6_000)}`,
  "a wide table": `|${"a|".repeat(3_000)}\n|${"-|".repeat(3_000)}\n|${"b|".repeat(3_000)}`,
  "lists in lists": Array.from({ length: 100 }, (_, i) => `${"  ".repeat(i)}- x`).join("\n"),
  "quotes in quotes": `${">".repeat(20_000)} x`,
  brackets: "[a](".repeat(20_000),
  stars: "*a **b ".repeat(10_000),
  dots: ".".repeat(100_000),
};

describe("a hard text", () => {
  for (const [name, markdown] of Object.entries(HARD))
    test(`is split with little work: ${name}`, () => {
      let calls = 0;
      let units = 0;
      const parts = splitMarkdown(markdown, (part) => {
        calls += 1;
        units += part.length;
        return part.length <= 2_000;
      });
      expect(parts.map((part) => part.source).join("")).toBe(markdown);
      expect(Math.max(...parts.map((part) => part.text.length))).toBeLessThanOrEqual(2_000);
      // Not the time, which depends on the machine, but what it is spent on.
      expect(calls).toBeLessThan(parts.length * 14 + 14);
      expect(units).toBeLessThan(markdown.length * 14 + 100_000);
    });
});

/** The fence that a text leaves open; knows of quotes and items as much as the arbitrary texts have of them. */
function openFence(text: string): string | undefined {
  let open: { mark: string; isQuoted: boolean } | undefined;
  for (const line of text.split("\n")) {
    const isQuoted = line.startsWith(">");
    if (open?.isQuoted && !isQuoted) open = undefined;
    const bare = line.replace(/^(?:[ >]|\d+\. |[-*] )*/, "");
    const mark = /^(?:`{3,}(?!.*`)|~{3,})/.exec(bare)?.[0];
    if (!open) open = mark ? { mark, isQuoted } : undefined;
    else if (mark?.startsWith(open.mark) && bare.trim() === mark) open = undefined;
  }
  return open?.mark;
}
