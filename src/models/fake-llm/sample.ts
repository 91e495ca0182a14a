type Schema = Record<string, unknown>;

const MAX_TEXT_CHARS = 80;

/** Plausible arguments for a JSON Schema: the required properties, texts taken from what the user said. */
export function sampleArguments(schema: Schema, userText: string): Schema {
  const properties = (schema["properties"] ?? {}) as Record<string, Schema>;
  const required = (schema["required"] ?? []) as string[];
  return Object.fromEntries(
    required.map((name) => [name, sampleValue(properties[name] ?? {}, name, userText)]),
  );
}

function sampleValue(schema: Schema, name: string, userText: string): unknown {
  if ("const" in schema) return schema["const"];
  if ("default" in schema) return schema["default"];
  const choices = (schema["anyOf"] ?? schema["oneOf"]) as Schema[] | undefined;
  if (choices?.[0]) return sampleValue(choices[0], name, userText);
  const listed = schema["enum"] as unknown[] | undefined;
  if (listed) return listed[0];
  switch (schema["type"]) {
    case "object":
      return sampleArguments(schema, userText);
    case "array":
      return [sampleValue((schema["items"] ?? {}) as Schema, name, userText)];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return schema["minimum"] ?? 1;
    default:
      return /^(key|name|id|path)$/.test(name) ? "example" : userText.slice(0, MAX_TEXT_CHARS) || "example";
  }
}
