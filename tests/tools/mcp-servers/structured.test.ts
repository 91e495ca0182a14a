import { expect, test } from "bun:test";
import { fitsSchema } from "../../../src/tools/mcp-servers/structured.ts";

const laughs = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [
    `a${i}`,
    { allOf: [{ $ref: `#/$defs/a${i + 1}` }, { $ref: `#/$defs/a${i + 1}` }] },
  ]),
);
const person = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };

const cases: [what: string, schema: Record<string, unknown>, value: unknown, fits: boolean][] = [
  ["what fits", person, { name: "A" }, true],
  ["a wrong type", person, { name: 1 }, false],
  ["a missing key", person, {}, false],
  ["a closed object", { ...person, additionalProperties: false }, { name: "A", more: 1 }, false],
  [
    "a local reference",
    { $defs: { p: person }, type: "array", items: { $ref: "#/$defs/p" } },
    [{ name: "A" }],
    true,
  ],
  ["a local reference, wrong", { $defs: { p: person }, items: { $ref: "#/$defs/p" } }, [{ name: 1 }], false],
  [
    "keys named like keywords",
    { properties: { pattern: { type: "number" }, $ref: { type: "number" } } },
    { pattern: 1 },
    true,
  ],
  [
    "a pattern that takes for ever is not run",
    { properties: { a: { pattern: "^(a+)+$" } } },
    { a: `${"a".repeat(60)}!` },
    true,
  ],
  ["names by pattern", { patternProperties: { "^(a+)+$": {} } }, { aaa: 1 }, false],
  ["references that multiply", { $defs: { ...laughs, a40: {} }, $ref: "#/$defs/a0" }, {}, false],
  ["a recursive schema", { properties: { next: { $ref: "#" } } }, { next: {} }, false],
  ["a remote reference", { $ref: "http://127.0.0.1:1/s.json" }, {}, false],
  ["a dangling reference", { $ref: "#/$defs/none" }, {}, false],
  [
    "too many values for the schemas",
    { items: { anyOf: Array(500).fill({ const: 1 }) } },
    Array(10_000).fill(2),
    false,
  ],
  ["a schema that is none", { properties: 7 }, {}, false],
  [
    "keywords of wrong types",
    { required: 5, enum: {}, allOf: 3, dependentRequired: { a: 1 } },
    { a: 1 },
    false,
  ],
];

for (const [what, schema, value, fits] of cases)
  test(what, async () => {
    expect(await fitsSchema(schema, value)).toBe(fits);
    expect(await fitsSchema(schema, value)).toBe(fits); // the prepared check says the same
  });
