import { openApp } from "../app/open.ts";
import { stdioCaller } from "../mcp/stdio-caller.ts";
import { listTools } from "../mcp/tool-objects.ts";
import type { CommonOptions } from "./options.ts";
import { print, printTable, withProgress } from "./output.ts";

/** Prints the tools of the owner: with `--json` the very bytes that `GET /tools` answers with. */
export async function printTools({ json, ...options }: CommonOptions & { json?: true }): Promise<void> {
  const app = await withProgress("opening the database", openApp(options));
  try {
    await withProgress("connecting to outside MCP servers", app.mcpServers.ready());
    const tools = listTools(app.tools, stdioCaller(app.config.current, null));
    if (json) print(JSON.stringify({ tools }));
    else
      printTable(
        ["TOOL", "DOES", "KIND"],
        tools.map((tool) => [tool.name, tool.title ?? "", kindOf(tool)]),
      );
  } finally {
    await app.stop(0);
  }
}

function kindOf({ annotations }: ReturnType<typeof listTools>[number]): string {
  if (annotations?.readOnlyHint) return annotations.openWorldHint ? "reads, outside too" : "reads";
  return annotations?.destructiveHint ? "may destroy" : "writes";
}
