import type { Config } from "../config/schema.ts";
import type { ToolGroup } from "../config/tool-groups.ts";
import { APPROVAL_MODES, type ApprovalMode, type Caller, type Scope, type Tool } from "./contract.ts";

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

/** Whether a caller may use a tool, and if not, why. */
export type Verdict = { allowed: true } | { allowed: false; reason: string };

/**
 * The one answer to whether a caller may use a tool, asked by every door and by the agent, when it lists and when it
 * calls. Denies by default; `caller.tools` only takes away. The `read` scope alone reaches what reads the caller's own rows.
 */
export function policy(tool: Pick<Tool, "name" | "group" | "effect">, caller: Caller): Verdict {
  if (caller.tools && !caller.tools.includes(tool.name) && !caller.tools.includes(tool.group))
    return denied(`${tool.name} is not among the tools that this request may use.`);
  const needed = scopeFor(tool);
  const held = caller.scopes;
  if (held.includes("admin") || held.includes(needed)) return { allowed: true };
  if (needed === "chat" && tool.effect === "read" && held.includes("read")) return { allowed: true };
  return denied(`${tool.name} needs the scope ${needed}.`);
}

/** Skills are shared by all principals, so that who changes one speaks to all of them. */
function scopeFor({ group, effect }: Pick<Tool, "group" | "effect">): Scope {
  return group === "skill" && effect !== "read" ? "admin" : SCOPE_OF_GROUP[group];
}

/** What the operator says of approvals. */
export interface ApprovalSettings {
  tools: Config["tools"];
  /** What becomes of commands when the configuration does not say: it depends on the sandbox. */
  terminalDefault: ApprovalMode;
}

/**
 * What becomes of a call that needs an approval: what the configuration says of the tool, or what the caller is held to
 * where that is stricter.
 */
export function approvalMode(
  tool: Pick<Tool, "name" | "group">,
  caller: Caller,
  settings: ApprovalSettings,
): ApprovalMode {
  const configured = configuredMode(tool, settings);
  const held = caller.approval ?? "allow";
  return APPROVAL_MODES.indexOf(held) < APPROVAL_MODES.indexOf(configured) ? held : configured;
}

function configuredMode(
  { name, group }: Pick<Tool, "name" | "group">,
  { tools, terminalDefault }: ApprovalSettings,
): ApprovalMode {
  if (group === "terminal") return tools.terminal.approval ?? terminalDefault;
  if (group === "skill") return tools.skill.approval ?? "ask";
  if (group === "mcp") return serverOf(name, tools)?.approval ?? "allow";
  return "allow";
}

/** The outside server of a tool, whose name is `mcp_{server}_{tool}`; the name of a server holds no underscore. */
function serverOf(toolName: string, { mcp_servers }: Config["tools"]) {
  const server = toolName.split("_", 2)[1] ?? "";
  return Object.hasOwn(mcp_servers, server) ? mcp_servers[server] : undefined;
}

/** The configuration key that says what becomes of calls of a tool that need an approval; null where there is none. */
export function approvalKey({ name, group }: Pick<Tool, "name" | "group">): string | null {
  if (group === "mcp") return `tools.mcp_servers.${name.split("_", 2)[1]}.approval`;
  return group === "terminal" || group === "skill" ? `tools.${group}.approval` : null;
}

/** The tool groups that are switched on. Without any depth there is nothing to delegate to. */
export function enabledGroups({ groups, delegate }: Config["tools"]): readonly string[] {
  return delegate.max_depth > 0 ? groups : groups.filter((group) => group !== "delegate");
}

function denied(reason: string): Verdict {
  return { allowed: false, reason };
}
