/** The fields of a JSON object that came from outside. */
export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a value; of what is no object, none. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** The objects of a list; of what is no list, none. */
export function objectsOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

/** The text that a value is; of anything else, the empty one. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
