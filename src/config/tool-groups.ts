/** The groups of tools, as the configuration names them. */
export const TOOL_GROUPS = [
  "memory",
  "todolist",
  "file",
  "terminal",
  "web",
  "delegate",
  "skill",
  "session",
  "mcp",
] as const;

/** The name of a group. */
export type ToolGroup = (typeof TOOL_GROUPS)[number];
