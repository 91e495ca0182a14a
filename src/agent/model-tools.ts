import type { ModelTool } from "../models/contract.ts";
import type { Tool } from "../tools/contract.ts";
import { toldSchema } from "../tools/told-schema.ts";

const told = new WeakMap<Tool, ModelTool>();

/** The tool as a model is told of it. */
export function modelTool(tool: Tool): ModelTool {
  let known = told.get(tool);
  if (!known) {
    const parameters = toldSchema(tool.input, "limits and closedness") as Record<string, unknown>;
    known = { name: tool.name, description: tool.description, parameters };
    told.set(tool, known);
  }
  return known;
}
