import { Kind, type TSchema, Type, TypeRegistry } from "typebox";
import type { Tool, ToolContext, ToolResult } from "../contract.ts";
import type { OutsideDefinition } from "./definition.ts";

const KIND = "McpInput";

export type CallOutside = (
  definition: OutsideDefinition,
  input: Record<string, unknown>,
  context: ToolContext,
) => Promise<ToolResult>;

/**
 * An outside tool as one of Hermes. What its server says of it, such as that it only reads, are claims: they decide no right,
 * only whether a call may be repeated, and whether an approval is asked for where the operator wants one for what writes.
 */
export function outsideTool(
  server: string,
  name: string,
  definition: OutsideDefinition,
  call: CallOutside,
): Tool {
  const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = definition.annotations;
  const reads = readOnlyHint === true;
  return {
    name,
    group: "mcp",
    title: `${definition.title} (${server})`,
    description: `Of the outside MCP server ${server}: ${definition.description || definition.title}`,
    input: foreignInput(definition.inputSchema),
    effect: reads ? "read" : openWorldHint === false ? "write" : "send",
    destructive: !reads && destructiveHint !== false,
    idempotent: reads || idempotentHint === true,
    openWorld: openWorldHint !== false,
    ...(!reads && {
      approval: async (input: unknown) => ({
        tool: name,
        question: `Call the tool ${definition.name} of the outside MCP server ${server}?`,
        details: JSON.stringify(input, null, 2),
      }),
    }),
    run: (input: unknown, context) => call(definition, input as Record<string, unknown>, context),
  };
}

/**
 * A foreign JSON Schema as an input schema: shown as it is, while only that the arguments are an object is checked here. The
 * server judges its own arguments anyway (MCP 2026-07-28, tools) and words the refusal for the model; a pattern of it run
 * here could hold up all of Hermes.
 */
function foreignInput(schema: Record<string, unknown>): TSchema {
  if (!TypeRegistry.Has(KIND))
    TypeRegistry.Set(
      KIND,
      (_schema, value) => typeof value === "object" && value !== null && !Array.isArray(value),
    );
  return Type.Unsafe<Record<string, unknown>>({ ...schema, [Kind]: KIND });
}
