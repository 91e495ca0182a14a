import type { Tool as ToolObject } from "@modelcontextprotocol/server";
import type { Caller, Tool } from "../tools/contract.ts";
import { MAX_RESULT_CHARS, type ToolRegistry } from "../tools/registry.ts";
import { toldSchema } from "../tools/told-schema.ts";

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
    ...schemasOf(tool),
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

/**
 * Of Hermes's own tools without limits of length, and results without a promise that nothing is ever added to them: clients
 * load this list at every start. What an outside server says of its tools is passed on as it is.
 */
function schemasOf({ group, input, output }: Tool): Pick<ToolObject, "inputSchema" | "outputSchema"> {
  const isOwn = group !== "mcp";
  const shown = {
    inputSchema: isOwn ? toldSchema(input, "limits") : input,
    ...(output && { outputSchema: isOwn ? toldSchema(output, "limits and closedness") : output }),
  };
  return JSON.parse(JSON.stringify(shown)); // without TypeBox's own marks, which are symbols
}
