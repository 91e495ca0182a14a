import { expect, test } from "bun:test";
import { formFields, MAX_FORM_FIELDS } from "../../src/lib/form.ts";

test("a form is its fields by their names, with their values in their order", () => {
  const fields = formFields("a=1&b=x+y&a=%32&&c&__proto__=p&a=");
  expect([...(fields ?? [])]).toEqual([
    ["a", ["1", "2", ""]],
    ["b", ["x y"]],
    ["c", [""]],
    ["__proto__", ["p"]],
  ]);
  expect(formFields("")?.size).toBe(0);
});

test("one with too many fields is not read", () => {
  const form = (fields: number) => Array.from({ length: fields }, (_, i) => `f${i}`).join("&");
  expect(formFields(form(MAX_FORM_FIELDS))?.size).toBe(MAX_FORM_FIELDS);
  expect(formFields(form(MAX_FORM_FIELDS + 1))).toBeNull();
});
