import type { ApprovalMode, Caller, Tool, ToolContext, ToolResult } from "./contract.ts";
import { approvalKey } from "./policy.ts";
import { errorResult } from "./result.ts";

/**
 * Why a call may not go on, or null when it may: it needs no approval, or has got it. Says how it could be allowed, to the
 * model as well as to a person. Throws what `tool.approval` and `context.approve` throw.
 */
export async function refusal(
  tool: Tool,
  input: unknown,
  context: ToolContext,
  modeOf: (tool: Tool, caller: Caller) => Promise<ApprovalMode>,
): Promise<ToolResult | null> {
  const request = await tool.approval?.(input, context);
  if (!request) return null;
  const mode = await modeOf(tool, context.caller);
  if (mode === "allow") return null;
  if (mode === "deny")
    return denied(tool, `calls that need an approval are denied. ${remedy(tool, context.caller)}`);
  if (!context.approve) return denied(tool, `nobody can be asked here. ${remedy(tool, context.caller)}`);
  const answer = await context.approve(request);
  return answer.approved ? null : denied(tool, answer.reason);
}

function denied(tool: Tool, why: string): ToolResult {
  return errorResult(`${tool.name} was not run: ${why} Do not try to reach the same by other means.`);
}

function remedy(tool: Tool, { approval }: Caller): string {
  const key = approvalKey(tool);
  if (approval !== undefined && approval !== "allow")
    return `This key is held to approval: ${approval}; the operator can change that in its entry.`;
  return key === null ? "" : `The operator can change that with ${key}.`;
}
