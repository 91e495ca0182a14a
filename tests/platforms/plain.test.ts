import { describe, expect, test } from "bun:test";
import { toPlainText } from "../../src/platforms/plain.ts";

const TABLE: [name: string, markdown: string, text: string][] = [
  ["marks go", "**a** _b_ ~~c~~ `d` ***e***", "a b c d e"],
  ["a heading is a line", "# a\nb\n\n#### c", "a\nb\n\nc"],
  [
    "a link tells its address",
    "[a](https://a.example) ![b](https://b.example)",
    "a (https://a.example) b (https://b.example)",
  ],
  ["an address stands for itself", "<https://a.example> b@c.example", "https://a.example b@c.example"],
  ["lists", "- a\n  - b\n\n3. c\n4. [x] d\n- [ ] e", "• a\n  • b\n\n3. c\n4. ☑ d\n☐ e"],
  ["code", "```ts\nlet a = `<b>`;\n```", "let a = `<b>`;"],
  ["a table has a line for each row", "| a | **b** |\n|---|---|\n| c | d<br>e |", "a | b\nc | d e"],
  ["quotes", "> a\n> b\n>\n> > c", "> a\n> b\n> \n> > c"],
  ["a rule", "a\n\n***\n\nb", "a\n\n———\n\nb"],
  ["what shows nothing is shown as it is", "```\n```", "```\n```"],
  ["nothing is nothing", " \n", ""],
];

describe("toPlainText", () => {
  for (const [name, markdown, text] of TABLE) test(name, () => expect(toPlainText(markdown)).toBe(text));
});
