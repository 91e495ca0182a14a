import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { splitMarkdown } from "../../../src/platforms/split.ts";
import { fits, toHtml } from "../../../src/platforms/telegram/render.ts";
import { type MessageEntity, mentionsIn, parseHtml } from "../../fakes/telegram/entities.ts";
import { arbitraryMarkdown, arbitraryMess } from "../arbitrary.ts";
import { SAMPLE_MARKDOWN } from "../sample.ts";

setDefaultTimeout(60_000);

const TABLE: [name: string, markdown: string, html: string][] = [
  ["styles", "**a** *b* ~~c~~ `d`", "<b>a</b> <i>b</i> <s>c</s> <code>d</code>"],
  ["styles in styles", "**a *b* ~~c~~**", "<b>a <i>b</i> <s>c</s></b>"],
  [
    "code stands in no other mark",
    "**a `b` *c `d`***",
    "<b>a </b><code>b</code><b> <i>c </i></b><code>d</code>",
  ],
  ["code in a link is text", "[a `b`](https://c.example)", '<a href="https://c.example">a b</a>'],
  ["a heading is bold, once", "## a **b**", "<b>a b</b>"],
  ["signs of HTML", 'a < b && "c" > d', "a &lt; b &amp;&amp; &quot;c&quot; &gt; d"],
  ["HTML of the model is text", "<b>a</b><script>", "&lt;b&gt;a&lt;/b&gt;&lt;script&gt;"],
  ["code in a language", "```c++\na<b>\n```", '<pre><code class="language-c++">a&lt;b&gt;</code></pre>'],
  ["code in no language", "~~~\na\n\nb\n~~~", "<pre>a\n\nb</pre>"],
  ["code that is not ended yet", "a\n```py\nb", 'a\n<pre><code class="language-py">b</code></pre>'],
  ["bold text that is not ended yet", "a **b", "a **b"],
  [
    "addresses that Telegram opens, and none that calls a person",
    "[c](mailto:d@e.f) [Ann](tg://user?id=501)",
    '<a href="mailto:d@e.f">c</a> Ann (tg://user?id=501)',
  ],
  [
    "an address in quotes",
    '[a](https://b.example/"c"&d)',
    '<a href="https://b.example/&quot;c&quot;&amp;d">a</a>',
  ],
  ["addresses that it does not open", "[a](javascript:b) [c](./d)", "a (javascript:b) c (./d)"],
  [
    "an address stands for itself",
    "https://a.example/b_c?d&e <f@g.example>",
    "https://a.example/b_c?d&amp;e f@g.example",
  ],
  ["a picture is a link", "![a](https://b.example/c.png)", '<a href="https://b.example/c.png">a</a>'],
  ["lists", "- a\n  b\n  - c\n    1. d\n- [x] e\n- [ ] f", "• a\n  b\n  • c\n    1. d\n☑ e\n☐ f"],
  ["numbers go on", "9. a\n1. b", "9. a\n10. b"],
  ["code in a list", "1. a\n   ```\n   b\n   ```\n2. c", "1. a\n<pre>b</pre>\n2. c"],
  ["an item that begins with code", "- ```\n  a\n  ```", "•\n<pre>a</pre>"],
  ["a quote in a quote", "> a\n> > b\n>\n> c", "<blockquote>a\nb\n\nc</blockquote>"],
  ["a table", "| 名 | **b** |\n|---|--:|\n| c | <d> |", "<pre>名 |   b\n---+----\nc  | &lt;d&gt;</pre>"],
  ["a name calls nobody", "@bobby, ask (@carol)!", "<code>@bobby</code>, ask (<code>@carol</code>)!"],
  [
    "also in a style, in a quote and in a list",
    "**a @bobby**\n> @bobby\n- @bobby",
    "<b>a </b><code>@bobby</code>\n<blockquote><code>@bobby</code></blockquote>\n• <code>@bobby</code>",
  ],
  ["also where a style begins in it", "@**bob**by @*bobby*", "<code>@bobby</code> <code>@bobby</code>"],
  ["also behind signs of HTML", "<@bobby>&@bobby", "&lt;<code>@bobby</code>&gt;&amp;<code>@bobby</code>"],
  ["what is no name", "d@e.example 请联系@bobby @中文 @ a@b", "d@e.example 请联系@bobby @中文 @ a@b"],
  ["a name in code is code already", "`@bobby` `a @b1`", "<code>@bobby</code> <code>a @b1</code>"],
  [
    "a name in an address is part of a link",
    "https://a.example/@bobby [see @bobby](https://b.example)",
    '<a href="https://a.example/@bobby">https://a.example/@bobby</a> <a href="https://b.example">see @bobby</a>',
  ],
  ["a rule", "a\n\n---\nb", "a\n\n———\nb"],
  ["a blank line stays, and only one", "a\n\n\n\nb\nc", "a\n\nb\nc"],
  ["what shows nothing is shown as it is", "#", "#"],
];

describe("toHtml", () => {
  for (const [name, markdown, html] of TABLE)
    test(name, () => {
      expect(toHtml(markdown)).toBe(html);
      expect(() => parseHtml(html)).not.toThrow();
    });

  test("Telegram reads it, whatever was written", () => {
    const property = fc.property(fc.oneof(arbitraryMarkdown, arbitraryMess), (markdown) => {
      const { text, entities } = parseHtml(toHtml(markdown));
      expect(nestedWrongly(entities)).toEqual([]);
      expect(mentionsIn({ text, entities })).toEqual([]);
      expect(fits(markdown)).toBe(text.length <= 4096 && entities.length <= 100);
    });
    fc.assert(property, { numRuns: 150 });
  });
});

describe("parts for Telegram", () => {
  test("a part has at most 4,096 units and 100 entities", () => {
    expect(fits("👍".repeat(2048))).toBe(true);
    expect(fits("👍".repeat(2049))).toBe(false);
    expect(fits(`[a](https://b.example/${"c".repeat(4096)})`)).toBe(true);
    expect(fits("&".repeat(4096))).toBe(true);
    expect(fits("`a` ".repeat(100))).toBe(true);
    expect(fits("`a` ".repeat(101))).toBe(false);
    expect(fits("```ts\na\n```\n".repeat(100))).toBe(true);
    expect(fits("```ts\na\n```\n".repeat(101))).toBe(false);
  });

  test("the sample comes in two", () => {
    const parts = splitMarkdown(SAMPLE_MARKDOWN, fits);
    expect(parts.map((part) => part.source).join("")).toBe(SAMPLE_MARKDOWN);
    expect(parts).toHaveLength(2);
    const read = parts.map((part) => parseHtml(toHtml(part.text)));
    for (const { text, entities } of read) {
      expect(text.length).toBeLessThanOrEqual(4096);
      expect(text.isWellFormed()).toBe(true);
      expect(nestedWrongly(entities)).toEqual([]);
    }
    const entities = read.flatMap((part) => part.entities);
    expect(entities.filter(({ type }) => type === "pre").map(({ language }) => language)).toEqual([
      "bash",
      undefined,
      "yaml",
      "ts",
      "python",
      undefined,
    ]);
    expect(entities.filter(({ type }) => type === "text_link").map(({ url }) => url)).toEqual([
      "https://example.com/docs/deploy?step=3&lang=zh",
      "https://example.com/images/architecture.png",
      "https://example.com/zh/文档_(新版)",
    ]);
  });

  test("long answers come in parts that Telegram takes", () => {
    const long = fc.array(arbitraryMarkdown, { minLength: 5, maxLength: 20 }).map((all) => all.join("\n"));
    const property = fc.property(long, (markdown) => {
      const parts = splitMarkdown(markdown, fits);
      expect(parts.map((part) => part.source).join("")).toBe(markdown);
      for (const part of parts) {
        const { text, entities } = parseHtml(toHtml(part.text));
        expect(text.length).toBeLessThanOrEqual(4096);
        expect(text.trim()).not.toBe("");
        expect(text.isWellFormed()).toBe(true);
        expect(entities.length).toBeLessThanOrEqual(100);
        expect(nestedWrongly(entities)).toEqual([]);
      }
    });
    fc.assert(property, { numRuns: 12 });
  });
});

/**
 * Pairs of entities, outer and inner, that break a rule (https://core.telegram.org/bots/api#formatting-options): code and links
 * hold none of their kind, nothing but a quote holds code, and none holds another of its own type or only a part of another.
 */
function nestedWrongly(entities: MessageEntity[]): [MessageEntity, MessageEntity][] {
  const isCode = ({ type }: MessageEntity) => type === "code" || type === "pre";
  return entities.flatMap((outer, i) =>
    entities
      .slice(i + 1)
      .filter((inner) => inner.offset < outer.offset + outer.length)
      .filter(
        (inner) =>
          inner.offset + inner.length > outer.offset + outer.length ||
          inner.type === outer.type ||
          isCode(outer) ||
          (isCode(inner) && outer.type !== "blockquote"),
      )
      .map((inner): [MessageEntity, MessageEntity] => [outer, inner]),
  );
}
