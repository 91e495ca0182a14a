import { Kind, type TSchema, Type, TypeRegistry } from "typebox";

const KIND = "StringEnum";

/** One of these strings, as `enum`: providers that refuse a union of constants take it. */
export function stringEnum<const Value extends string>(values: readonly Value[]) {
  if (!TypeRegistry.Has(KIND))
    TypeRegistry.Set<TSchema & { enum: string[] }>(KIND, (schema, value) =>
      schema.enum.includes(value as string),
    );
  return Type.Unsafe<Value>({ [Kind]: KIND, type: "string", enum: [...values] });
}
