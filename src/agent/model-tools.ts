import type { ModelTool } from "../models/contract.ts";
import type { Tool } from "../tools/contract.ts";

/** Limits that the registry checks anyway: a model pays for them at every turn and hardly ever meets one. */
const UNTOLD = new Set(["additionalProperties", "minLength", "maxLength", "minItems", "maxItems", "pattern"]);

const told = new WeakMap<Tool, ModelTool>();

/** The tool as a model is told of it. */
export function modelTool(tool: Tool): ModelTool {
  let known = told.get(tool);
  if (!known) {
    const parameters = slim(tool.input) as Record<string, unknown>;
    known = { name: tool.name, description: tool.description, parameters };
    told.set(tool, known);
  }
  return known;
}

function slim(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(slim);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => !UNTOLD.has(keyword))
      .map(([keyword, value]) => [keyword, keyword === "properties" ? slimEach(value) : slim(value)]),
  );
}

/** The names in `properties` are the tool's own words, not keywords. */
function slimEach(properties: object): object {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, slim(schema)]));
}
