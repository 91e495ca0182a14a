import { describe, expect, test } from "bun:test";
import { compileTemplate, valueText } from "../../src/lib/template.ts";

const FIELDS = { fields: ["payload", "headers"] };
const render = (text: string, view: Record<string, unknown>, allowsRaw = false) =>
  compileTemplate(text, { ...FIELDS, allowsRaw }).render(
    view,
    (value, name) => `<${name}=${valueText(value)}>`,
  );

describe("a template", () => {
  test("shows values where it names them, as it is told to", () => {
    const payload = { title: "A & B", user: { name: "ann" }, n: 0, list: [1, "two"], gone: null };
    expect(render("{{payload.title}} by {{ payload.user.name }}: {{payload.n}}", { payload })).toBe(
      "<payload.title=A & B> by <payload.user.name=ann>: <payload.n=0>",
    );
    expect(render("{{payload.user}}{{payload.list}}", { payload })).toBe(
      '<payload.user={"name":"ann"}><payload.list=[1,"two"]>',
    );
    expect(render("[{{payload.gone}}{{payload.none}}{{payload.none.deeper}}]", { payload })).toBe("[]");
  });

  test("has sections for lists, for what is there and for what is not", () => {
    const payload = { items: [{ id: 1 }, { id: 2 }], open: true };
    expect(render("{{#payload.items}}{{id}};{{/payload.items}}", { payload })).toBe("<id=1>;<id=2>;");
    expect(
      render("{{#payload.open}}open{{/payload.open}}{{^payload.open}}closed{{/payload.open}}", { payload }),
    ).toBe("open");
  });

  test("is fixed when it shows no value", () => {
    expect(compileTemplate("Look at this. {{! a remark }}", FIELDS).isFixed).toBe(true);
    expect(compileTemplate("{{payload}}", FIELDS).isFixed).toBe(false);
  });

  test("shows a value as it is only where that is allowed", () => {
    expect(render("{{{payload}}}{{&payload}}", { payload: "**x**" }, true)).toBe("**x****x**");
    for (const text of ["{{{payload}}}", "{{&payload}}", "{{#payload}}{{{.}}}{{/payload}}"])
      expect(() => compileTemplate(text, FIELDS)).toThrow("cannot be used here");
  });

  test("that is none is refused, with what is wrong", () => {
    for (const [text, why] of [
      ["{{payload", /Unclosed tag/],
      ["{{#payload}}", /Unclosed section/],
      ["{{/payload}}", /Unopened section/],
      ["{{action}}", /begin with payload, headers/],
      ["{{}}", /names nothing/],
      ["{{> other}}", /cannot be used/],
      ["{{=<% %>=}}", /cannot be used/],
      ["{{payload.constructor}}", /cannot be a field/],
      ["{{payload.__proto__.x}}", /cannot be a field/],
      ["{{#payload}}{{toString}}{{/payload}}", /cannot be a field/],
    ] as const)
      expect(() => compileTemplate(text, FIELDS), text).toThrow(why);
  });

  test("sees no code, whatever the view is made of", () => {
    const names = Object.getOwnPropertyNames(Array.prototype).concat(
      Object.getOwnPropertyNames(String.prototype),
    );
    for (const name of new Set(names).difference(new Set(Object.getOwnPropertyNames(Object.prototype)))) {
      if (!/^\w+$/.test(name) || name === "length") continue;
      const text = `[{{payload.${name}}}{{#payload}}{{${name}}}{{/payload}}{{#payload.${name}}}x{{/payload.${name}}}]`;
      for (const payload of [[], [[1]], ["a"], "a", 1, true, null, [null], { a: [] }])
        expect([text, render(text, { payload })]).toEqual([text, "[]"]);
      expect(render(`{{payload.${name}}}`, { payload: { [name]: 7 } })).toBe(`<payload.${name}=7>`);
    }
  });

  test("sees entries by their number, lengths, and around an entry what is around its list", () => {
    const payload = { list: [{ id: 1 }, null, "b"], name: "n" };
    expect(
      render("{{payload.list.0.id}} {{payload.list.2}} {{payload.list.length}} {{payload.name.length}}", {
        payload,
      }),
    ).toBe("<payload.list.0.id=1> <payload.list.2=b> <payload.list.length=3> <payload.name.length=1>");
    expect(render("{{#payload.list}}{{id}}{{payload.name}};{{/payload.list}}", { payload })).toBe(
      "<id=1><payload.name=n>;<payload.name=n>;<payload.name=n>;",
    );
    expect(render("{{#payload}}{{#list}}{{.}}{{name}}{{/list}}{{/payload}}", { payload })).toBe(
      '<.={"id":1}><name=n><name=n><.=b><name=n>',
    );
  });

  test("runs nothing of what it is given", () => {
    const payload = JSON.parse('{"a": "{{payload.secret}}", "secret": "s", "__proto__": {"b": "p"}}');
    expect(render("{{payload.a}}", { payload })).toBe("<payload.a={{payload.secret}}>");
  });

  test("makes no endless text of lists within lists", () => {
    const payload = { a: Array.from({ length: 10_000 }, () => 1) };
    const nested = "{{#payload.a}}{{#payload.a}}{{#payload.a}}x{{/payload.a}}{{/payload.a}}{{/payload.a}}";
    expect(() => render(nested, { payload })).toThrow("makes more than");
    expect(() => render("{{payload}}", { payload: "x".repeat(300_000) })).toThrow("makes more than");
    const empty =
      "{{#payload.a}}{{#payload.a}}{{#payload.a}}{{payload.b}}{{/payload.a}}{{/payload.a}}{{/payload.a}}";
    expect(() => render(empty, { payload })).toThrow("makes more than");
  });
});
