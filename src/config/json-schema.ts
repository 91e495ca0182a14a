import { ConfigSchema } from "./schema.ts";
import type { ConfigNode } from "./schema-parts.ts";
import { isLeaf } from "./walk.ts";

/** Text that stands for a value of another type. */
const REFERENCE = { type: "string", pattern: "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}|^file:[/~]" };

/** The JSON Schema (draft 7, which editors know best) of the file as it is written: with references and empty sections. */
export function configJsonSchema(): Record<string, unknown> {
  return { $schema: "http://json-schema.org/draft-07/schema#", ...fileSchema(ConfigSchema) };
}

function fileSchema(node: ConfigNode): Record<string, unknown> {
  const about = {
    ...(node.title && { title: node.title }),
    ...(node.description && { description: node.description }),
    ...(node.default !== undefined && { default: node.default }),
    ...(node.sample !== undefined && { examples: [node.sample] }),
    ...(node.secret && { writeOnly: true }),
  };
  return { ...about, ...typeSchema(node) };
}

function typeSchema(node: ConfigNode): Record<string, unknown> {
  const choices: ConfigNode[] | undefined = node["anyOf"];
  if (choices?.every((choice) => choice["const"] !== undefined))
    return { anyOf: [{ enum: choices.map((choice) => choice["const"]) }, REFERENCE] };
  if (choices) return { anyOf: [...choices.map(bare), REFERENCE] };
  if (!isLeaf(node) && node["type"] === "object") return sectionSchema(node);
  if (node["type"] === "array") return { type: ["array", "null"], items: fileSchema(node["items"]) };
  if (node["type"] === "string" && takesReferences(node["pattern"] ?? "")) return bare(node);
  return { anyOf: [bare(node), REFERENCE] };
}

function takesReferences(pattern: string): boolean {
  return ["${A}", "file:/a", "file:~/a"].every((reference) => new RegExp(pattern).test(reference));
}

function sectionSchema(node: ConfigNode): Record<string, unknown> {
  const mapped = (schemas: Record<string, ConfigNode>) =>
    Object.fromEntries(Object.entries(schemas).map(([key, child]) => [key, fileSchema(child)]));
  const required: string[] = (node["required"] ?? []).filter(
    (key: string) => node["properties"][key].default === undefined,
  );
  return {
    // A section whose content is commented out is null.
    type: ["object", "null"],
    ...(node["properties"] && { properties: mapped(node["properties"]) }),
    ...(node["patternProperties"] && { patternProperties: mapped(node["patternProperties"]) }),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

/** The type alone, without our annotations. */
function bare(node: ConfigNode): Record<string, unknown> {
  const keys = ["type", "const", "minimum", "maximum", "exclusiveMinimum", "minLength", "pattern"];
  return Object.fromEntries(keys.flatMap((key) => (node[key] === undefined ? [] : [[key, node[key]]])));
}
