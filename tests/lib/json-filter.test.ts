import { describe, expect, test } from "bun:test";
import { compileFilter } from "../../src/lib/json-filter.ts";

const event = {
  payload: {
    action: "opened",
    issue: { labels: [{ name: "bug" }, { name: "help" }], votes: 3 },
    empty: null,
  },
  headers: { "x-github-event": "issues" },
};

describe("a filter", () => {
  test("is a condition on the value", () => {
    for (const [expression, expected] of [
      ["@.payload.action == 'opened'", true],
      ['@.payload.action == "closed"', false],
      ["@.payload.action != 'closed' && @.payload.issue.votes > 2", true],
      ["@.headers['x-github-event'] == 'issues'", true],
      ["@.payload.issue.labels[?@.name == 'bug']", true],
      ["@.payload.issue.labels[?@.name == 'wontfix']", false],
      ["!@.payload.draft", true],
      ["@.payload.empty == null", true],
      ["@.payload.missing == null", false],
      ["length(@.payload.issue.labels) == 2", true],
      ["count(@.payload.issue.labels[*]) > 2", false],
      ["match(@.payload.action, 'open.*')", true],
      ["match(@.payload.action, 'pen')", false],
      ["search(@.payload.action, 'pen')", true],
      ["search(@.payload.issue.votes, '3')", false],
      ["match(@.payload.action, '(')", false],
      ["@.payload.action == '$..'", false],
      ["@.payload.issue.votes > 2 || @.nothing", true],
    ] as const)
      expect([expression, compileFilter(expression)(event)]).toEqual([expression, expected]);
  });

  test("that is none is refused, with what is wrong", () => {
    for (const [expression, why] of [
      ["", /./],
      ["@.a ==", /unexpected end/],
      ["nope(@.a)", /no such function/],
      ["@.a == 1] || true", /./],
      ["@.a, ?@.b", /one condition/],
      ["@.a][?@.b", /one condition/],
      ["@..a", /\.\. is not allowed/],
      ["$.payload.action == 'opened'", /\$ is not allowed/],
      ["true", /./],
      ["process.exit()", /./],
      ["@.constructor.constructor('return 1')()", /./],
    ] as const)
      expect(() => compileFilter(expression), expression).toThrow(why);
  });

  test("runs no code and reads no prototype", () => {
    const hostile = JSON.parse('{"__proto__": {"admin": true}, "b": 1}');
    for (const expression of ["@.admin", "@.toString", "@.constructor", "@['hasOwnProperty']"])
      expect([expression, compileFilter(expression)(hostile)]).toEqual([expression, false]);
    expect(compileFilter("@['__proto__'].admin == true")(hostile)).toBe(true);
  });

  test("does not blow up over what a stranger sends", () => {
    const text = "a".repeat(50_000);
    expect(compileFilter("match(@.x, '(a+)+b')")({ x: text })).toBe(false);
    expect(compileFilter("search(@.x, @.y)")({ x: text, y: "(a|aa)+$|(a{1,400}){400}" })).toBe(false);
    const deep = JSON.parse(`${'{"a":'.repeat(64)}1${"}".repeat(64)}`);
    expect(compileFilter(`@${".a".repeat(64)} == 1`)(deep)).toBe(true);
    const wide = { all: Array.from({ length: 20_000 }, () => ({ a: [1, 2, 3] })) };
    expect(compileFilter("@.all[?@.a[?@ == 4]]")(wide)).toBe(false);
  });
});
