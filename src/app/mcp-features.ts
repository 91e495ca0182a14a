import type { McpFeatures } from "../mcp/contract.ts";
import type { App } from "./open.ts";

/** What MCP serves, whatever the transport. */
export async function mcpFeatures(app: App): Promise<McpFeatures> {
  const { home, log, tools, store, config, mcpServers } = app;
  const [{ createFeatures }, { createSkillLibrary }] = await Promise.all([
    import("../mcp/features.ts"),
    import("../tools/skill/library.ts"),
  ]);
  return createFeatures({
    tools,
    store,
    config,
    log,
    skills: createSkillLibrary({ home, log }),
    onToolsChange: mcpServers.onChange,
  });
}
