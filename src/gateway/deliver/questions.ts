import type { RunEvent } from "../../agent/events.ts";
import { splitMarkdown } from "../../platforms/split.ts";
import type { Store } from "../../store/contract.ts";
import type { NewOutboundDelivery } from "../../store/records.ts";
import { approvalButtons } from "../buttons.ts";
import { type DeliveryExtra, extraOf } from "../extra.ts";
import { wordsIn } from "../words.ts";
import { questionId, withFate } from "./decisions.ts";
import type { Content, Outgoing } from "./outgoing.ts";

/** What asking works with. */
export interface QuestionParts {
  store: Pick<Store, "deliveries">;
  /** Takes over a question of the run; it is on disk already. */
  deliver(delivery: NewOutboundDelivery): void;
}

/** Asks in the chat what the run asks for. */
export async function tellOfApproval(
  event: RunEvent,
  { delivery }: Outgoing,
  parts: QuestionParts,
  runId: string,
): Promise<void> {
  if (event.type !== "approval.requested") return;
  const { language, scope, caller } = extraOf(delivery);
  const extra: DeliveryExtra = {
    language,
    scope,
    ...(caller === undefined ? {} : { caller }),
    approval: { runId, approvalId: event.approval_id },
  };
  const text = wordsIn(language).approvalAsked(event.question, event.details);
  const question: NewOutboundDelivery = {
    id: questionId(event.approval_id),
    kind: "approval",
    target: delivery.target,
    text,
    extra,
  };
  if (await parts.store.deliveries.add(question)) parts.deliver(question);
}

/** What a question shows: its parts, with the buttons below the last one, or with what became of it meanwhile. */
export function questionContents(
  { text = "", extra }: Pick<NewOutboundDelivery, "text" | "extra">,
  fate: string | null,
  fits: (markdown: string) => boolean,
): Content[] {
  const { approval, language } = extraOf({ extra });
  const pieces = splitMarkdown(text, fits);
  return pieces.map(({ text: markdown }, index) => {
    if (approval === undefined || index < pieces.length - 1) return { markdown };
    if (fate !== null) return { markdown: withFate(markdown, fate, fits) };
    return { markdown, buttons: approvalButtons(approval.approvalId, wordsIn(language)) };
  });
}
