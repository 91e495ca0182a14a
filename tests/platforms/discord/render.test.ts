import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { fits, toDiscord } from "../../../src/platforms/discord/render.ts";
import { splitMarkdown } from "../../../src/platforms/split.ts";
import { arbitraryMarkdown, arbitraryMess } from "../arbitrary.ts";
import { SAMPLE_MARKDOWN } from "../sample.ts";

/** Many texts are tried, on machines that may be busy. */
setDefaultTimeout(30_000);

const ZWSP = "\u200b";

const TABLE: [name: string, markdown: string, shown: string][] = [
  ["styles", "**a** _b_ __c__ ~~d~~ `e`", "**a** *b* **c** ~~d~~ `e`"],
  ["styles in styles", "**a *b* `c`** ***d***", "**a *b* `c`** ***d***"],
  ["marks that meet stay apart", "**a***b*", `**a**${ZWSP}*b*`],
  ["Chinese beside marks", "**注意：**请看`这里`吧", "**注意：**请看`这里`吧"],
  ["smaller headings are bold", "# a\n## b\n### c\n#### d\n###### **e**", "# a\n## b\n### c\n**d**\n**e**"],
  ["a table is code", "| 名 | **b** |\n|---|---|\n| c | d |", "```\n名 | b\n---+--\nc  | d\n```"],
  ["a picture is a link", "![a](https://b.example/c.png)", "[a](https://b.example/c.png)"],
  ["links", "[a **b**](https://c.example/d_e?f=*g*)", "[a **b**](https://c.example/d_e?f=*g*)"],
  [
    "brackets in links",
    "[a \\[b\\]](<https://c.example/(d) e>)",
    "[a \\[b\\]](https://c.example/%28d%29%20e)",
  ],
  [
    "addresses that Discord does not open",
    "[a](javascript:b) [c](mailto:d@e.f)",
    "a (javascript:b) c (mailto:d@e.f)",
  ],
  ["an address stands for itself", "https://a.example/_b_/c_d e@f.g", "https://a.example/_b_/c_d e@f.g"],
  [
    "signs that are none",
    "\\*a\\* 2*3*4 \\`b\\` \\~~c~~ \\||d\\||",
    "\\*a\\* 2\\*3\\*4 \\`b\\` \\~~c\\~~ \\||d\\||",
  ],
  ["underscores and backslashes in words", "snake_case \\_a C:\\Users", "snake_case \\_a C:\\Users"],
  ["signs at the beginning of a line", "\\# a\n\\> b\n\\-# c", "\\# a\n\\> b\n\\-# c"],
  ["code with backticks", "``a`b``", "`` a`b ``"],
  [
    "code with a fence",
    "````md\n```\na\n```\n````",
    `\`\`\`md\n\`${ZWSP}\`${ZWSP}\`\na\n\`${ZWSP}\`${ZWSP}\`\n\`\`\``,
  ],
  ["lists", "* a\n  * b\n    1) c\n- [ ] d\n- [x] e", "- a\n  - b\n    1. c\n☐ d\n☑ e"],
  ["quotes", "> a\n> > b\n> ```\n> c\n> ```", "> a\n> b\n> ```\n> c\n> ```"],
  ["a rule", "a\n\n---\nb", "a\n\n———\nb"],
  ["HTML is as it is", "<b>a</b> & <c>", "<b>a</b> & <c>"],
  [
    "nobody is pinged",
    "@everyone @here <@1> <@!2> <@&3> `@everyone` [@here](https://a.example/@here)",
    [
      `@${ZWSP}everyone @${ZWSP}here <${ZWSP}@1> <${ZWSP}@!2> <${ZWSP}@&3>`,
      `\`@${ZWSP}everyone\` [@${ZWSP}here](https://a.example/@${ZWSP}here)`,
    ].join(" "),
  ],
];

describe("toDiscord", () => {
  for (const [name, markdown, shown] of TABLE) test(name, () => expect(toDiscord(markdown)).toBe(shown));

  test("pings nobody, whatever was written", () => {
    const property = fc.property(fc.oneof(arbitraryMarkdown, arbitraryMess), (markdown) => {
      expect(toDiscord(markdown)).not.toMatch(/@everyone|@here|<@[!&]?\d/);
    });
    fc.assert(property, { numRuns: 150 });
  });
});

describe("parts for Discord", () => {
  test("a part has at most 2,000 units as it is sent", () => {
    expect(fits("👍".repeat(1000))).toBe(true);
    expect(fits("👍".repeat(1001))).toBe(false);
    expect(fits("a*".repeat(666))).toBe(true);
    expect(fits("a*".repeat(667))).toBe(false);
    expect(fits("a ".repeat(1_000_000))).toBe(false);
  });

  test("the sample comes in four, none with a fence that is open", () => {
    const parts = splitMarkdown(SAMPLE_MARKDOWN, fits);
    expect(parts.map((part) => part.source).join("")).toBe(SAMPLE_MARKDOWN);
    expect(parts.length).toBeLessThanOrEqual(5);
    for (const { text } of parts) {
      const shown = toDiscord(text);
      expect(shown.length).toBeLessThanOrEqual(2000);
      expect((shown.match(/^```/gm)?.length ?? 0) % 2).toBe(0);
    }
  });

  test("long answers come in parts that Discord takes", () => {
    const long = fc.array(arbitraryMarkdown, { minLength: 3, maxLength: 8 }).map((all) => all.join("\n"));
    const property = fc.property(long, (markdown) => {
      const parts = splitMarkdown(markdown, fits);
      expect(parts.map((part) => part.source).join("")).toBe(markdown);
      for (const { text } of parts) {
        const shown = toDiscord(text);
        expect(shown.length).toBeLessThanOrEqual(2000);
        expect(shown.trim()).not.toBe("");
        expect(shown.isWellFormed()).toBe(true);
      }
    });
    fc.assert(property, { numRuns: 20 });
  });
});
