import { describe, expect, test } from "bun:test";
import { asCommand, mentions, writtenText } from "../../../src/platforms/slack/text.ts";

describe("writtenText", () => {
  test("a text however long is gone through once", () => {
    const spaces = " \t".repeat(200_000); // in quadratic time, minutes
    expect(writtenText(`a${spaces}b${spaces}<@U0BOT>${spaces}c`, "U0BOT")).toBe(`a${spaces}b c`);
  });

  const cases: Record<string, [written: string, read: string]> = {
    "the mention at the beginning": ["<@U0BOT> hello", "hello"],
    "the mention inside": ["hey <@U0BOT> hello", "hey hello"],
    "the mention at the end": ["hello <@U0BOT>", "hello"],
    "the mention with a name": ["<@U0BOT|hermes>: hello", ": hello"],
    "the mention on a line of its own": ["<@U0BOT>\n- one\n- two", "- one\n- two"],
    "somebody else": ["ask <@U0OTHER>", "ask @U0OTHER"],
    "somebody else by name": ["ask <@U0OTHER|bob>", "ask @bob"],
    "a channel": ["see <#C123|general> and <#C456>", "see #general and #C456"],
    "an address": ["see <https://example.com/a?b=1&amp;c=2>", "see https://example.com/a?b=1&c=2"],
    "an address without its scheme": ["see <http://example.com|example.com>", "see http://example.com"],
    "a link": ["see <https://example.com/a|the page>", "see [the page](https://example.com/a)"],
    "a link with brackets": ["<https://example.com|[1]>", "[\\[1\\]](https://example.com)"],
    "a mail address": ["to <mailto:a@example.com|a@example.com>", "to a@example.com"],
    "a number": ["call <tel:+4912|+4912>", "call +4912"],
    "everybody here": ["<!here> and <!channel>", "@here and @channel"],
    "a group": ["<!subteam^S123|@team> <!subteam^S456>", "@team @S456"],
    "a date": ["on <!date^1392734382^{date}|18 Feb 2014>", "on 18 Feb 2014"],
    escapes: ["if a &lt; b &amp;&amp; c &gt; d", "if a < b && c > d"],
    "an escape that was written": ["&amp;lt;", "&lt;"],
    "code keeps its lines": ["```\nx &lt; 1\n\ty\n```", "```\nx < 1\n\ty\n```"],
    "what only looks like a mention": ["<@U0BOTTOM> hi", "@U0BOTTOM hi"],
    nothing: ["<@U0BOT>", ""],
  };
  for (const [name, [written, read]] of Object.entries(cases))
    test(name, () => expect(writtenText(written, "U0BOT")).toBe(read));

  test("without the id of the bot, nobody is taken for it", () =>
    expect(writtenText("<@U0BOT> hello", "")).toBe("@U0BOT hello"));
});

test("mentions", () => {
  const texts = ["<@U0BOT> a", "a <@U0BOT|x>", "<@U0BOTTOM>", "@U0BOT", "&lt;@U0BOT&gt;", ""];
  expect(texts.map((text) => mentions(text, "U0BOT"))).toEqual([true, true, false, false, false, false]);
  expect(mentions("<@> <@|x>", "")).toBe(false);
});

test("asCommand", () => {
  const texts = ["!stop", "!model a/b", "!", "! stop", "!!stop", "!stop!", "say !stop", "!停止"];
  expect(texts.map(asCommand)).toEqual([
    "/stop",
    "/model a/b",
    "!",
    "! stop",
    "!!stop",
    "!stop!",
    "say !stop",
    "!停止",
  ]);
});
