import type { ToolResult } from "./contract.ts";

/** A result whose text is its data as JSON, which models read well and MCP clients expect. */
export function dataResult(structured: unknown): ToolResult {
  return { text: JSON.stringify(structured), structured };
}

/** Says what went wrong and what to do, to a model or a person. */
export function errorResult(text: string): ToolResult {
  return { text, isError: true };
}
