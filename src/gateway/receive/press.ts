import type { InboundMessage } from "../../platforms/contract.ts";
import { decisionOf } from "../buttons.ts";
import { wordsIn } from "../words.ts";
import { decideOne } from "./approval-commands.ts";
import type { CommandParts } from "./command-call.ts";
import { type Place, sessionKeyOf } from "./place.ts";

/** A button as it was pressed. */
export type Press = Required<Pick<InboundMessage, "button">> & Pick<InboundMessage, "buttonStays">;

/**
 * Decides what a button asks, if it is its presser's to decide: one of the person's own sessions must wait for it. What to say
 * to it; null where the question itself shows what became of it.
 */
export async function pressButton(
  { button, buttonStays }: Press,
  place: Place,
  parts: Pick<CommandParts, "agent" | "store">,
): Promise<string | null> {
  const words = wordsIn(place.language);
  const decision = decisionOf(button);
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
        if (!isDecided) return words.notYours;
        if (!buttonStays) return null;
        return approved ? words.approved : words.denied;
      }
  return words.notYours;
}
