import type { CallToolResult } from "@modelcontextprotocol/server";
import { AppError } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import type { Tool, ToolContext, ToolResult } from "../tools/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";

/** A call as clients write it. */
export interface NamedCall {
  name: string;
  arguments?: unknown;
}

/**
 * Calls a tool and answers as `tools/call` and `POST /execute` do. Throws `unknown_tool` for a name that no tool has, and the
 * reason of the signal when that aborts; everything else that goes wrong is a result with `isError`.
 */
export async function callTool(
  registry: Pick<ToolRegistry, "names" | "list" | "call">,
  call: NamedCall,
  context: ToolContext,
): Promise<CallToolResult> {
  if (!registry.names().includes(call.name)) throw unknownTool(call.name, registry.list(context.caller));
  return callResult(await registry.call(call.name, call.arguments, context));
}

/** Suggests only what the caller may use. */
function unknownTool(name: string, offered: readonly Pick<Tool, "name">[]): AppError {
  const near = nearest(
    name,
    offered.map((tool) => tool.name),
  );
  return new AppError("unknown_tool", `There is no tool ${name.slice(0, 200)}.`, {
    hint: near ? `Did you mean ${near}?` : "The list of tools has every name.",
  });
}

/** `structuredContent` is left out of errors: clients would hold it against the output schema. */
function callResult({ text, images = [], structured, isError }: ToolResult): CallToolResult {
  const content: CallToolResult["content"] = [{ type: "text", text }];
  for (const { mediaType, data } of images) content.push({ type: "image", data, mimeType: mediaType });
  if (isError) return { content, isError };
  return isObject(structured) ? { content, structuredContent: structured } : { content };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
