import { AppError } from "../../lib/errors.ts";
import type { Words } from "../words.ts";
import { type CommandCall, type CommandParts, isMeant, openRuns } from "./command-call.ts";

/** `/approve` and `/deny`: decides the oldest question of the session that waits. */
export async function decide(
  approved: boolean,
  call: CommandCall,
  parts: CommandParts,
  words: Words,
): Promise<string> {
  for (const run of await openRuns(call, parts))
    for (const approval of await parts.agent.approvals(run.id)) {
      if (!isMeant(approval, call)) continue;
      const isDecided = await decideOne({ runId: run.id, approvalId: approval.id }, approved, call, parts);
      if (isDecided) return approved ? words.approved : words.denied;
    }
  return words.nothingToApprove;
}

/** False when it is decided already, or its run has ended. */
export async function decideOne(
  { runId, approvalId }: { runId: string; approvalId: string },
  approved: boolean,
  { place, rest }: Pick<CommandCall, "place" | "rest">,
  { agent }: Pick<CommandParts, "agent">,
): Promise<boolean> {
  const reason = rest === "" ? {} : { reason: rest };
  try {
    await agent.decide(runId, approvalId, { approved, by: place.caller.principal, ...reason });
    return true;
  } catch (error) {
    if (error instanceof AppError && (error.code === "conflict" || error.code === "not_found")) return false;
    throw error;
  }
}
