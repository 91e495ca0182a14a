import { describe, expect, test } from "bun:test";
import { fits, plainOf, titleOf, toDingTalk } from "../../../src/platforms/dingtalk/render.ts";
import { splitMarkdown } from "../../../src/platforms/split.ts";

/** Seen by nobody. */
const seen = (text: string) => text.replaceAll("\u200b", "¦").replaceAll("  \n", "··\n");

describe("DingTalk's Markdown", () => {
  const cases: [markdown: string, shown: string][] = [
    ["# One\n## Two", "# One··\n## Two"],
    ["**bold** *italic* ~~gone~~", "**bold** *italic* gone"],
    ["**注意：**请看**《说明》**。", "**注意**：请看《**说明**》。"],
    ["first\nsecond\n\nthird", "first··\nsecond\n\nthird"],
    ["- a\n- b\n  - c\n1. d", "- a··\n- b··\n  - c··\n1. d"],
    ["> a\n> b", "> a··\n> b"],
    [
      "[text](https://example.com/a(b)) <https://example.com>",
      "[text](https://example.com/a%28b%29) https://example.com",
    ],
    ["![chart](https://example.com/x.png)", "[chart](https://example.com/x.png)"],
    ["| name | n |\n|---|---|\n| a | 1 |\n| b | |", "- name: a; n: 1··\n- name: b"],
    ["| only | head |\n|---|---|", "only | head"],
    ["```ts\na < b;\nc\n```", "```ts\na < b;\nc\n```"],
    ["text\n```\ncode\n```\ntext", "text··\n```\ncode\n```\ntext"],
    ["`a ``b`` c`", "`a ``b`` c`".replace(/``/g, "ˋˋ")],
  ];
  for (const [markdown, shown] of cases)
    test(JSON.stringify(markdown).slice(0, 60), () => expect(seen(toDingTalk(markdown))).toBe(shown));

  test("nothing is a tag, or a link that acts in the name of who presses it", () => {
    expect(seen(toDingTalk("<font color=red>x</font> <b>, 1 < 2"))).toBe(
      "<¦font color=red>x<¦/font> <¦b>, 1 < 2",
    );
    const link = "dtmd://dingtalkclient/sendMessage?content=%2Fapprove";
    for (const text of [
      `[ok](${link})`,
      `\\[ok\\](${link})`,
      `\`[ok](${link})\``,
      `\`\`\`\n[ok](${link})\n\`\`\``,
      link,
    ])
      for (const scheme of ["dtmd", "DTMD", "dingtalk"])
        expect(toDingTalk(text.replace("dtmd", scheme))).not.toMatch(/(dtmd|dingtalk):/i);
    expect(plainOf(link)).toBe(link.replace("dtmd:", "dtmd\u200b:"));
  });

  test("what has no marks is best sent as plain text", () => {
    for (const text of ["hello", "2*3*4 < 5, <div>", "one\ntwo\n\nthree", "https://example.com", "@all 你好"])
      expect(plainOf(text)).toBe(text);
    for (const text of ["**bold**", "- item", "# heading", "`code`", "[a](https://example.com)", "> quote"])
      expect(plainOf(text)).toBeUndefined();
  });

  test("a title says what the message begins with", () => {
    expect(titleOf("# **你好**，世界\n\ntext")).toBe("你好，世界");
    expect(titleOf("👨‍👩‍👧‍👦".repeat(40))).toStartWith("👨‍👩‍👧");
    expect(Array.from(titleOf("x".repeat(100)))).toHaveLength(40);
    expect(titleOf("")).toBe("…");
  });
});

describe("the length", () => {
  test("is counted in the bytes of its JSON", () => {
    expect(fits("a".repeat(13_998))).toBe(true);
    expect(fits("a".repeat(13_999))).toBe(false);
    expect(fits("你".repeat(4666))).toBe(true);
    expect(fits("你".repeat(4667))).toBe(false);
    expect(fits('"'.repeat(7001))).toBe(false);
    expect(fits("a".repeat(1_000_000))).toBe(false);
  });

  test("a long answer is whole in its parts", () => {
    const text = Array.from(
      { length: 300 },
      (_, n) => `${n}. 你好，**世界** 👨‍👩‍👧‍👦 \`code\` 一二三四五六七八九十`,
    ).join("\n");
    const parts = splitMarkdown(text, fits);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ source }) => source).join("")).toBe(text);
    for (const part of parts) {
      expect(
        Buffer.byteLength(JSON.stringify({ title: titleOf(part.text), text: toDingTalk(part.text) })),
      ).toBeLessThan(15_000);
      expect(part.text).not.toContain("\ufffd");
    }
  });
});
