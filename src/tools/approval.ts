import type { ApprovalMode, ApprovalRequest, Caller, Tool, ToolContext, ToolResult } from "./contract.ts";
import { approvalKey } from "./policy.ts";
import { errorResult } from "./result.ts";

/** More than this nobody can judge; it is denied rather than shown in part. */
const MAX_DETAILS_CHARS = 100_000;
/**
 * What a reader does not see, or sees in another order or place than the machine: control characters, marks of direction,
 * blanks without width, tags and selectors. The two selectors that choose how an emoji looks stay.
 */
const UNSEEN = /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[\uFE0E\uFE0F]]/gv;

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
  if (request.details.length > MAX_DETAILS_CHARS)
    return denied(tool, "it is too long for anybody to judge. Do it in smaller steps.");
  const answer = await context.approve(readable(request));
  return answer.approved ? null : denied(tool, answer.reason);
}

/** The request as it is read, with everything spelled out that would hide or move a part of it. Only the details have lines. */
function readable({ tool, question, details }: ApprovalRequest): ApprovalRequest {
  const spelled = (text: string, kept: string) =>
    text.replace(UNSEEN, (mark) =>
      kept.includes(mark) ? mark : `<U+${mark.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}>`,
    );
  return { tool, question: spelled(question, ""), details: spelled(details, "\n\t") };
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
