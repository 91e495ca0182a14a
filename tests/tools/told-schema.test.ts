import { expect, test } from "bun:test";
import { Type } from "typebox";
import { toldSchema } from "../../src/tools/told-schema.ts";

const closed = { additionalProperties: false } as const;
const schema = Type.Object(
  {
    pattern: Type.String({ minLength: 1, maxLength: 9, pattern: "x", description: "A word." }),
    minLength: Type.Optional(Type.Integer({ minimum: 1, default: 2 })),
    list: Type.Array(Type.Object({ maxItems: Type.Null() }, closed), { minItems: 1, maxItems: 2 }),
  },
  closed,
);
const told = {
  type: "object",
  required: ["pattern", "list"],
  properties: {
    pattern: { type: "string", description: "A word." },
    minLength: { type: "integer", minimum: 1, default: 2 },
    list: {
      type: "array",
      items: { type: "object", required: ["maxItems"], properties: { maxItems: { type: "null" } } },
    },
  },
};

test("limits and closedness are left out, properties that are named like them stay", () => {
  expect(toldSchema(schema, "limits and closedness")).toEqual(told);
});

test("an input stays closed at every depth", () => {
  const { list } = told.properties;
  expect(toldSchema(schema, "limits")).toEqual({
    ...told,
    ...closed,
    properties: { ...told.properties, list: { ...list, items: { ...list.items, ...closed } } },
  });
});

test("data within a schema is not touched", () => {
  const data = { minLength: 1, additionalProperties: false };
  const own = {
    const: data,
    default: data,
    enum: [data],
    examples: [data],
    $defs: { pattern: { type: "null" } },
  };
  expect(toldSchema(own, "limits and closedness")).toEqual(own);
});
