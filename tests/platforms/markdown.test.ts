import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Block, parseMarkdown, wordsOf } from "../../src/platforms/markdown.ts";
import { arbitraryMarkdown, arbitraryMess } from "./arbitrary.ts";

/** The types of the blocks, those within them in brackets. */
const shape = (blocks: Block[]): string =>
  blocks
    .map((block) => {
      if (block.type === "quote") return `quote(${shape(block.children)})`;
      if (block.type !== "list") return block.type;
      return `list(${block.items.map((item) => shape(item.children)).join(", ")})`;
    })
    .join(" ");

/** The inline types of the only paragraph, with their words. */
const inlines = (markdown: string): string => {
  const [block] = parseMarkdown(markdown);
  if (block?.type !== "paragraph") return block?.type ?? "";
  return block.children
    .map((node) => (node.type === "text" ? node.text : `<${node.type} ${wordsOf([node])}>`))
    .join("");
};

const SHAPES: [name: string, markdown: string, shape: string][] = [
  ["blocks", "# a\nb\n\n---\n```\nc\n```\n> d", "heading paragraph rule code quote(paragraph)"],
  ["lists in lists", "- a\n  - b\n  - c\n- d", "list(paragraph list(paragraph, paragraph), paragraph)"],
  ["a table", "| a |\n|---|\n| b |", "table"],
  ["a table of which only the head is there yet", "| a |\n|", "paragraph"],
  ["a fence without an end", "```ts\nlet a", "code"],
  ["an indented text is no code", "a\n\n    b", "paragraph paragraph"],
  ["a line of dashes is a rule, not the sign of a heading", "a\n---\nb", "paragraph rule paragraph"],
  ["HTML is text, and marks in it are marks", "<div>\n**a**\n</div>", "paragraph"],
  ["a definition of a link is text", "[a]: https://a.example", "paragraph"],
];

const INLINES: [name: string, markdown: string, inlines: string][] = [
  ["marks that are not closed yet", "a **b `c [d](e", "a **b `c [d](e"],
  [
    "a bold phrase with its colon, and a letter after it",
    "**注意：**请看**这里**吧",
    "<bold 注意：>请看<bold 这里>吧",
  ],
  ["a bold phrase in Chinese quotes", "看**“引号”**吧", "看<bold “引号”>吧"],
  ["a bold phrase that ends with a bracket", "**Note (备注)**后", "<bold Note (备注)>后"],
  ["bold code in Chinese", "是**`code`**吗", "是<bold code>吗"],
  ["a bold phrase that ends with an emoji", "**好👍**的", "<bold 好👍>的"],
  ["struck out beside Chinese", "~~删除。~~后", "<strike 删除。>后"],
  ["multiplication", "2*3*4 a*b*c", "2*3*4 a*b*c"],
  ["stars beside Chinese are emphasis", "我*真的*好", "我<italic 真的>好"],
  ["names with underscores", "snake_case_name", "snake_case_name"],
  [
    "an address ends at Chinese punctuation",
    "见 https://a.example/b。后",
    "见 <link https://a.example/b>。后",
  ],
  ["a picture in a link", "[![b](c)](d)", "<link b (d)>"],
  ["a picture without words", "![](https://a.example/c.png)", "<link https://a.example/c.png>"],
  ["characters by name and by number", "&lt;&amp;&#35;&nope;", "<&#&nope;"],
  ["HTML but for a line break", "<b>a</b><br/>c", "<b>a</b><break \n>c"],
];

describe("parseMarkdown", () => {
  for (const [name, markdown, expected] of SHAPES)
    test(name, () => expect(shape(parseMarkdown(markdown))).toBe(expected));
  for (const [name, markdown, expected] of INLINES)
    test(name, () => expect(inlines(markdown)).toBe(expected));

  test("an empty line before a block is remembered", () => {
    const blocks = parseMarkdown("a\n- b\n\n```\nc\n```\nd\n\n\ne");
    expect(blocks.map((block) => block.afterBlankLine)).toEqual([false, false, true, false, true]);
  });

  test("what is nested too deep is text, with all its words", () => {
    for (const sign of ["> ", "- ", ">"]) {
      const markdown = `${sign.repeat(5_000)}end`;
      const text = JSON.stringify(parseMarkdown(markdown));
      expect(text).toContain("end");
      expect(text.length).toBeLessThan(30_000);
    }
    expect(inlines(`${"*a **b ".repeat(40)}c${"** d*".repeat(40)}`)).toContain("c");
  });

  test("a paragraph crowded with signs is text", () => {
    const markdown = "*a **b ".repeat(5_000).trim();
    expect(inlines(markdown)).toBe(markdown);
  });

  test("what marked alone would read for minutes, or until its stack ends, is read", () => {
    const hard = [
      `![${"\t\n-\n|".repeat(4_000)}`,
      `.${"--\n".repeat(5_000)}`,
      `${"> ".repeat(8_000)}\n  |`,
      `${"- ".repeat(4_000)}${"https://\n|".repeat(1_000)}`,
      ">".repeat(20_000),
      "**~~~_".repeat(3_000),
      "!".repeat(60_000),
      "!a".repeat(30_000),
    ];
    for (const markdown of hard) expect(parseMarkdown(markdown).length).toBeGreaterThan(0);
  });

  test("a text that is longer than any message is one paragraph", () => {
    const markdown = "# a\n\n".repeat(20_000);
    expect(parseMarkdown(markdown)).toEqual([
      { type: "paragraph", children: [{ type: "text", text: markdown }], afterBlankLine: false },
    ]);
  });

  test("reads anything", () => {
    const property = fc.property(fc.oneof(arbitraryMarkdown, arbitraryMess), (markdown) => {
      expect(parseMarkdown(markdown).length > 0).toBe(markdown.trim() !== "");
    });
    fc.assert(property, { numRuns: 300 });
  });
});
