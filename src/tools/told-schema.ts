/** Limits that the registry checks anyway, with a problem that names them: few who call a tool ever meet one. */
const LIMITS = ["minLength", "maxLength", "minItems", "maxItems", "pattern"] as const;
/** Keywords whose keys are names that somebody has chosen. */
const NAMED = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
/** Keywords whose values are data. */
const DATA = new Set(["const", "default", "enum", "examples", "required"]);

/** What is left out of a schema where it is shown: `LIMITS`, or those and that objects take no other properties. */
const LEFT_OUT = {
  limits: new Set<string>(LIMITS),
  "limits and closedness": new Set<string>([...LIMITS, "additionalProperties"]),
} as const;

/**
 * A JSON schema as it is shown to those who pay for each word of it: plain objects, without what is left out. It accepts
 * all that the schema accepts, unless that has `oneOf`, `not` or `if`.
 */
export function toldSchema(schema: unknown, without: keyof typeof LEFT_OUT): unknown {
  const leftOut = LEFT_OUT[without];
  const tell = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(tell);
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(
      Object.entries(part)
        .filter(([keyword]) => !leftOut.has(keyword))
        .map(([keyword, value]) => [keyword, tellValue(keyword, value)]),
    );
  };
  const tellValue = (keyword: string, value: unknown): unknown => {
    if (DATA.has(keyword)) return value;
    if (NAMED.has(keyword) && typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, sub]) => [name, tell(sub)]));
    return tell(value);
  };
  return tell(schema);
}
