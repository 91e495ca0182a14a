import { describe, expect, test } from "bun:test";
import { parseHtml } from "../../fakes/telegram/entities.ts";

/** What the Bot API refuses, and in which words. */
const REFUSED: [html: string, words: string][] = [
  ["中<p>a</p>", 'Unsupported start tag "p" at byte offset 3'],
  ["a < b", "Unclosed start tag at byte offset 2"],
  ["a<b", "Unclosed start tag at byte offset 1"],
  ["<b>a", "Can't find end tag corresponding to start tag b"],
  ["<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'],
  ["a</b>", "Unexpected end tag at byte offset 1"],
  ["<b>a</b", "Unclosed end tag at byte offset 4"],
  ['<span class="x">a</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
];

describe("the fake's reader of HTML", () => {
  for (const [html, words] of REFUSED)
    test(`refuses ${html}`, () => expect(() => parseHtml(html)).toThrow(`can't parse entities: ${words}`));

  test("reads entities in UTF-16 units, the outer one first", () => {
    const html =
      '👍<b>a<i>&lt;</i></b> <a href="https://a.example/?b&amp;c">d</a><pre><code class="language-ts">e</code></pre><i></i>&nope;';
    expect(parseHtml(html)).toEqual({
      text: "👍a< de&nope;",
      entities: [
        { type: "bold", offset: 2, length: 2 },
        { type: "italic", offset: 3, length: 1 },
        { type: "text_link", offset: 5, length: 1, url: "https://a.example/?b&c" },
        { type: "pre", offset: 6, length: 1, language: "ts" },
      ],
    });
  });
});
