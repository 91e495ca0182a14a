import { decisionOf } from "../buttons.ts";
import { wordsIn } from "../words.ts";
import { decideOne } from "./approval-commands.ts";
import type { CommandParts } from "./command-call.ts";
import { type Place, sessionKeyOf } from "./place.ts";

/**
 * Decides what a button asks, if it is its presser's to decide: one of the person's own sessions must wait for it. What to say
 * to it; null where the question itself shows what became of it.
 */
export async function pressButton(
  value: string,
  place: Place,
  parts: Pick<CommandParts, "agent" | "store">,
): Promise<string | null> {
  const words = wordsIn(place.language);
  const decision = decisionOf(value);
  if (decision === null) return words.notYours;
  const { approvalId, approved } = decision;
  const { sessionId } = await parts.store.chats.get(place.chatKey);
  for (const run of await parts.store.runs.openOf(sessionKeyOf(place, sessionId ?? place.sessionId)))
    for (const { id } of await parts.agent.approvals(run.id))
      if (id === approvalId) {
        const isDecided = await decideOne(
          { runId: run.id, approvalId },
          approved,
          { place, rest: "" },
          parts,
        );
        return isDecided ? null : words.notYours;
      }
  return words.notYours;
}
