import { TOOL_GROUPS, type ToolGroup } from "../../config/tool-groups.ts";

/** What a first token should have: the groups that stay within the caller's own data. The others are stepped up to. */
export const FIRST_GROUPS: readonly ToolGroup[] = ["memory", "todolist", "session", "skill"];

/** The scope that a tool group needs, such as `mcp:file`. */
export function scopeOfGroup(group: ToolGroup): string {
  return `mcp:${group}`;
}

/** The scopes of these groups as one parameter, in a fixed order. */
export function scopeOf(groups: readonly ToolGroup[]): string {
  return TOOL_GROUPS.filter((group) => groups.includes(group))
    .map(scopeOfGroup)
    .join(" ");
}

/** The groups whose scopes stand in a list of scopes; other scopes mean nothing here. */
export function groupsIn(scopes: readonly string[]): ToolGroup[] {
  return TOOL_GROUPS.filter((group) => scopes.includes(scopeOfGroup(group)));
}
