import { describe, expect, test } from "bun:test";
import { cardOf, postOf } from "../../../src/platforms/feishu/card.ts";
import { fits, summaryOf, toCardMarkdown } from "../../../src/platforms/feishu/render.ts";
import { splitMarkdown } from "../../../src/platforms/split.ts";
import { pingsOf, wordsOf } from "../../fakes/feishu/cards.ts";

describe("what a card shows of", () => {
  test.each([
    ["marks", "**bold** *italic* ~~struck~~ `code`", "**bold** *italic* ~~struck~~ `code`"],
    ["marks beside Chinese", "请**注意：**这里", "请\u200a**注意：**\u200a这里"],
    ["headings", "# One\n\n### Three", "#### One\n\n##### Three"],
    ["links", "[the page](https://a.example/x_(y))", "[the page](https://a.example/x_%28y%29)"],
    ["links that Feishu does not open", "[mail](mailto:a@b.example)", "mail (mailto:a@b.example)"],
    ["lists", "- one\n  - two\n\n1. three", "- one\n  - two\n\n1. three"],
    ["code", "```ts\nconst a = `<b>`;\n```", "```ts\nconst a = `<b>`;\n```"],
    ["quotes", "> said\n> so", "> said\n> so"],
    ["signs that are none", "2 * 3 < 4 & 5 \\_ a_b_c ~", "2 &#42; 3 < 4 & 5 &#95; a_b_c &#126;"],
    ["tags", "<font color='red'>x</font>", "&#60;font color='red'>x&#60;/font>"],
    ["entities", "&lt;at id=all&gt; &amp;#60;at&amp;#62;", "&#60;at id=all> &#38;#60;at&#38;#62;"],
    ["emojis of Feishu", ":DONE: at 10:30", "&#58;DONE: at 10:30"],
    ["beginnings of lines", "1\\. a\n\n\\# b\n\n===", "&#49;. a\n\n&#35; b\n\n&#61;=="],
  ])("%s", (_, markdown, shown) => {
    expect(toCardMarkdown(markdown)).toBe(shown);
  });

  test("a table", () => {
    expect(toCardMarkdown("| a | b |\n|:-:|--:|\n| x\\|y | *z* |")).toBe(
      "| a | b |\n| :---: | ---: |\n| x&#124;y | z |",
    );
  });

  test("more tables than Feishu takes: the others in columns", () => {
    const table = "| a | b |\n|---|---|\n| 1 | 2 |";
    const shown = toCardMarkdown(Array.from({ length: 5 }, () => table).join("\n\ntext\n\n"));
    expect(shown.match(/^\| --- \| --- \|$/gm)).toHaveLength(3);
    expect(shown.match(/^```$/gm)).toHaveLength(4);
  });
});

describe("nobody is notified by", () => {
  test.each([
    "<at id=all></at>",
    '<at user_id="all">everybody</at>',
    "<AT ID=all></AT>",
    "`<at id=all></at>`",
    "``<at id=all></at> ` ``",
    "```\n<at id=all></at>\n```",
    "```\n```\n<at id=all></at>",
    "**<at id=ou_1></at>**",
    "[<at id=all></at>](https://a.example)",
    "[x](https://a.example/<at id=all></at>)",
    "| <at id=all></at> |\n|---|\n| <person id=ou_1></person> |",
    "&lt;at id=all&gt;&lt;/at&gt;",
    "&#60;at id=all&#62;",
    "&amp;#60;at id=all&amp;#62;",
    "&#x3c;at id=all>",
    "\\<at id=all>\\</at>",
    "<at\nid=all></at>",
    "</at><at id=all>",
  ])("%p", (markdown) => {
    const content = toCardMarkdown(markdown);
    expect(pingsOf(content)).toEqual([]);
    // Nor when a client reads entities once before it reads tags.
    expect(pingsOf(content.replaceAll("&#38;", "&"))).toEqual([]);
    expect(JSON.stringify(postOf(markdown))).not.toContain('"at"');
  });
});

test("the words stay what they were, entities and all", () => {
  const text = "a_b *c* [d](e) <f> &amp; `g` :OK: 1. h";
  expect(wordsOf(toCardMarkdown(text.replace(/[*[\]`&<]/g, "\\$&")))).toBe(text);
});

describe("the limit", () => {
  test("is counted in bytes of the JSON within JSON that is sent", () => {
    const most = (sign: string) => {
      let count = 0;
      while (fits(sign.repeat(count + 100))) count += 100;
      return count;
    };
    expect(most("a")).toBeGreaterThan(15_000);
    expect(most("字") * 3).toBeGreaterThan(15_000);
    expect(most("字") * 3).toBeLessThanOrEqual(15_360);
    // A quotation mark takes four bytes there.
    expect(most('"') * 4).toBeLessThanOrEqual(15_360);
    expect(fits("a".repeat(20_000))).toBe(false);
  });

  test("holds for every part of a long text, and no character of it is broken or lost", () => {
    const text = '# 标题\n\n一段**很长**的话 👨‍👩‍👧‍👦 and `code`, "quoted" <b>. \n\n'.repeat(500);
    const parts = splitMarkdown(text, fits);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.map(({ source }) => source).join("")).toBe(text);
    for (const { text: part } of parts) {
      const body = JSON.stringify({
        receive_id: "oc_0123456789abcdef0123456789abcdef",
        msg_type: "interactive",
        content: JSON.stringify(cardOf({ markdown: part })),
        uuid: "x".repeat(40),
      });
      expect(Buffer.byteLength(body)).toBeLessThan(30 * 1024);
      expect(part.isWellFormed()).toBe(true);
    }
  });
});

test("a summary is one line of words", () => {
  expect(summaryOf("# Hello\n\n**world** [x](https://a.example)")).toBe("Hello world x (https://a.example)");
  expect(Array.from(summaryOf("👍".repeat(200)))).toHaveLength(100);
});
