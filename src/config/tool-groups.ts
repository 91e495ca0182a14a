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

/** The tools that Hermes itself has, by their names. */
export const TOOL_NAMES = [
  "memory_read",
  "memory_write",
  "memory_search",
  "memory_delete",
  "todolist_create",
  "todolist_update",
  "todolist_list",
  "file_read",
  "file_write",
  "file_edit",
  "file_list",
  "file_search",
  "terminal_run",
  "terminal_process",
  "web_search",
  "web_extract",
  "delegate_task",
  "skill_list",
  "skill_load",
  "skill_save",
  "session_search",
  "session_read",
] as const;

/** The name of a group. */
export type ToolGroup = (typeof TOOL_GROUPS)[number];
