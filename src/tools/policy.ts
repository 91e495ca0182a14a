import type { Caller, Scope, Tool, ToolGroup } from "./contract.ts";

/** What a caller needs for a group: `chat` for what stays within its own rows, `tools` for what reaches the machine. */
const SCOPE_OF_GROUP: Readonly<Record<ToolGroup, Scope>> = {
  memory: "chat",
  todolist: "chat",
  session: "chat",
  skill: "chat",
  file: "tools",
  terminal: "tools",
  web: "tools",
  delegate: "tools",
  mcp: "tools",
};

export type Verdict = { allowed: true } | { allowed: false; reason: string };

/**
 * The one answer to whether a caller may use a tool, asked by every door and by the agent, when it lists and when it
 * calls. Denies by default; `caller.tools` only takes away. The `read` scope alone reaches what reads the caller's own rows.
 */
export function policy(tool: Pick<Tool, "name" | "group" | "effect">, caller: Caller): Verdict {
  if (caller.tools && !caller.tools.includes(tool.name) && !caller.tools.includes(tool.group))
    return denied(`${tool.name} is not among the tools that this request may use.`);
  const needed = SCOPE_OF_GROUP[tool.group];
  const held = caller.scopes;
  if (held.includes("admin") || held.includes(needed)) return { allowed: true };
  if (needed === "chat" && tool.effect === "read" && held.includes("read")) return { allowed: true };
  return denied(`${tool.name} needs the scope ${needed}.`);
}

function denied(reason: string): Verdict {
  return { allowed: false, reason };
}
