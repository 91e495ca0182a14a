import type { Tool as ToolObject } from "@modelcontextprotocol/server";
import type { Caller, Tool } from "../tools/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";

/** The most characters that a tool answers with: clients that ask for it then keep the result whole. */
const MAX_RESULT_CHARS = 50_000;

/** Tools whose results are long; without the mark some clients put what is over their own limit into a file. */
const LONG_RESULTS: ReadonlySet<string> = new Set([
  "file_read",
  "file_search",
  "terminal_run",
  "web_extract",
  "delegate_task",
  "skill_load",
  "session_read",
]);

const objects = new WeakMap<Tool, ToolObject>();

/**
 * The tools of a caller as MCP tool objects, in the order of the registry. `tools/list`, `GET /tools` and `hermes mcp tools`
 * all show this list, and `tools/call` accepts exactly these.
 */
export function listTools(registry: Pick<ToolRegistry, "list">, caller: Caller): ToolObject[] {
  return registry.list(caller).map(toolObject);
}

/** The MCP object of a tool, made once. */
export function toolObject(tool: Tool): ToolObject {
  let object = objects.get(tool);
  if (object === undefined) {
    object = describe(tool);
    objects.set(tool, object);
  }
  return object;
}

function describe(tool: Tool): ToolObject {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: plainSchema(tool.input),
    ...(tool.output === undefined ? {} : { outputSchema: plainSchema(tool.output) }),
    // All four, because what is absent means "destructive" and "open world" to a client.
    annotations: {
      readOnlyHint: tool.effect === "read",
      destructiveHint: tool.destructive ?? false,
      idempotentHint: tool.idempotent ?? tool.effect === "read",
      openWorldHint: tool.openWorld ?? false,
    },
    ...(LONG_RESULTS.has(tool.name)
      ? { _meta: { "anthropic/maxResultSizeChars": MAX_RESULT_CHARS } }
      : undefined),
  };
}

/** Without TypeBox's own marks, which are symbols. */
function plainSchema(schema: unknown): ToolObject["inputSchema"] {
  return JSON.parse(JSON.stringify(schema));
}
