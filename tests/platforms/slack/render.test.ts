import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { fits, toMrkdwn } from "../../../src/platforms/slack/render.ts";
import { splitMarkdown } from "../../../src/platforms/split.ts";
import { arbitraryMarkdown, arbitraryMess } from "../arbitrary.ts";
import { SAMPLE_MARKDOWN } from "../sample.ts";

/** Many texts are tried, on machines that may be busy. */
setDefaultTimeout(60_000);

const Z = "\u200b";

const TABLE: [name: string, markdown: string, mrkdwn: string][] = [
  ["styles", "**a** *b* ~~c~~ `d`", "*a* _b_ ~c~ `d`"],
  ["styles in styles", "**a *b*** ***c***", "*a _b_* _*c*_"],
  ["code stands in no other mark", "**a `b` c**", "*a* `b` *c*"],
  ["marks within a word are freed", "a**b**c", `a${Z}*b*${Z}c`],
  [
    "marks beside Chinese are freed",
    "请看**这里**，再看`那里`。",
    `请看${Z}*这里*${Z}，再看${Z}\`那里\`${Z}。`,
  ],
  ["marks beside Latin punctuation are free", "(**a**, *b*).", "(*a*, _b_)."],
  ["marks that meet are freed", "**a***b*", `*a*${Z}_b_`],
  ["a mark ends with its line", "**a\nb**", "*a*\n*b*"],
  ["a heading is bold", "# a **b**\n#### c", "*a b*\n*c*"],
  ["signs of Slack", "a < b && c > d &amp;", "a &lt; b &amp;&amp; c &gt; d &amp;"],
  [
    "nobody is pinged",
    "<!channel> <!here> <@U1> <#C1> `<!everyone>`",
    "&lt;!channel&gt; &lt;!here&gt; &lt;@U1&gt; &lt;#C1&gt; `&lt;!everyone&gt;`",
  ],
  ["nobody is pinged by code", "```\n<!subteam^S1>\n```", "```\n&lt;!subteam^S1&gt;\n```"],
  [
    "nobody is pinged by a link",
    "[<!here>](https://a.example) [b](!channel) <!here|c>",
    "<https://a.example|&lt;!here&gt;> b (!channel) &lt;!here|c&gt;",
  ],
  [
    "links",
    "[a *b* `c`](https://d.example?e&f) <https://g.example> h@i.example",
    "<https://d.example?e&amp;f|a b c> <https://g.example> <mailto:h@i.example|h@i.example>",
  ],
  ["signs in an address", "[a](<https://b.example/c|d>)", "<https://b.example/c%7Cd|a>"],
  ["a link in bold text", "**[a](https://b.example)**", "*<https://b.example|a>*"],
  ["a picture is a link", "![a](https://b.example/c.png)", "<https://b.example/c.png|a>"],
  ["addresses that Slack does not open", "[a](javascript:b)", "a (javascript:b)"],
  ["lists", "- a\n  - **b**\n    1. c\n- [x] d", "• a\n  • *b*\n    1. c\n☑ d"],
  ["code has no language", "```ts\na && b\n```", "```\na &amp;&amp; b\n```"],
  ["code with backticks", "``a`b``", "`aˋb`"],
  ["code with a fence", "````\n```\n````", `\`\`\`\n\`${Z}\`${Z}\`\n\`\`\``],
  ["a table is code", "| 名 | b |\n|---|---|\n| c | <d> |", "```\n名 | b\n---+----\nc  | &lt;d&gt;\n```"],
  ["quotes", "> a\n> > b\n>\n> c", "> a\n> b\n> \n> c"],
  ["a rule", "a\n\n---\nb", "a\n\n———\nb"],
];

describe("toMrkdwn", () => {
  for (const [name, markdown, mrkdwn] of TABLE) test(name, () => expect(toMrkdwn(markdown)).toBe(mrkdwn));

  test("holds no sign of Slack's but links and quotes, whatever was written", () => {
    const property = fc.property(fc.oneof(arbitraryMarkdown, arbitraryMess), (markdown) => {
      const rest = toMrkdwn(markdown)
        .replace(/<(?:https?:\/\/|mailto:)[^<>|\s]+(?:\|[^<>\n]*)?>/g, "")
        .replace(/^> /gm, "");
      expect(rest).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
    });
    fc.assert(property, { numRuns: 150 });
  });
});

describe("parts for Slack", () => {
  test("a part has at most 3,900 characters as it is sent", () => {
    expect(fits("a".repeat(3900))).toBe(true);
    expect(fits("a".repeat(3901))).toBe(false);
    expect(fits("&".repeat(780))).toBe(true);
    expect(fits("&".repeat(781))).toBe(false);
    expect(fits("a ".repeat(1_000_000))).toBe(false);
  });

  test("the sample comes in two, none with a fence that is open", () => {
    const parts = splitMarkdown(SAMPLE_MARKDOWN, fits);
    expect(parts.map((part) => part.source).join("")).toBe(SAMPLE_MARKDOWN);
    expect(parts).toHaveLength(2);
    for (const { text } of parts) {
      const mrkdwn = toMrkdwn(text);
      expect(mrkdwn.length).toBeLessThanOrEqual(3900);
      expect((mrkdwn.match(/^```/gm)?.length ?? 0) % 2).toBe(0);
      expect(mrkdwn).not.toMatch(/<[!@#]/);
    }
  });

  test("long answers come in parts that Slack takes", () => {
    const long = fc.array(arbitraryMarkdown, { minLength: 5, maxLength: 16 }).map((all) => all.join("\n"));
    const property = fc.property(long, (markdown) => {
      const parts = splitMarkdown(markdown, fits);
      expect(parts.map((part) => part.source).join("")).toBe(markdown);
      for (const { text } of parts) {
        const mrkdwn = toMrkdwn(text);
        expect(mrkdwn.length).toBeLessThanOrEqual(3900);
        expect(mrkdwn.trim()).not.toBe("");
        expect(mrkdwn.isWellFormed()).toBe(true);
      }
    });
    fc.assert(property, { numRuns: 12 });
  });
});
