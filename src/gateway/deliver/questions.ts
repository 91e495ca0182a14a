import type { RunEvent } from "../../agent/events.ts";
import { derivedId } from "../../lib/ids.ts";
import type { Log } from "../../lib/log.ts";
import { PlatformError } from "../../platforms/contract.ts";
import { splitMarkdown } from "../../platforms/split.ts";
import type { Store } from "../../store/contract.ts";
import type { NewOutboundDelivery, OutboundDelivery } from "../../store/records.ts";
import { approvalButtons } from "../buttons.ts";
import type { Connection } from "../contract.ts";
import { type DeliveryExtra, extraOf } from "../extra.ts";
import { wordsIn } from "../words.ts";
import { type Content, fitsIn, messageOf, type Outgoing } from "./outgoing.ts";

/** What asking works with. */
export interface QuestionParts {
  store: Store;
  log: Log;
  /** Takes over a question of the run, or what became of it; it is on disk already. */
  deliver(delivery: NewOutboundDelivery): void;
}

type Decided = RunEvent & { type: "approval.decided" };

/** Asks in the chat what the run asks for, and shows there what was decided, however it was decided. */
export async function tellOfApproval(
  event: RunEvent,
  { delivery }: Outgoing,
  connection: Connection,
  parts: QuestionParts,
  runId: string,
): Promise<void> {
  // Only for looks: nobody waits for it.
  if (event.type === "approval.decided")
    tellOfDecision(event, connection, parts).catch((error: unknown) =>
      parts.log.debug("a decided question could not be marked", { error }),
    );
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

/** Puts the decision in the place of the buttons; where the question cannot be changed, says it below. */
async function tellOfDecision(event: Decided, connection: Connection, parts: QuestionParts): Promise<void> {
  const asked = await parts.store.deliveries.get(questionId(event.approval_id));
  if (asked === null || asked.parts.length === 0) return;
  const { approval: _question, ...extra } = extraOf(asked);
  const words = wordsIn(extra.language);
  const decision = event.approved ? words.approved : words.denied;
  if (connection.can("edit") && (await mark(asked, decision, connection))) return;
  if (await wasDecidedThere(event, asked, parts)) return;
  const { replyTo: _, ...target } = asked.target;
  const notice: NewOutboundDelivery = {
    id: derivedId("apd", event.approval_id),
    kind: "notice",
    target,
    text: decision,
    extra,
  };
  if (await parts.store.deliveries.add(notice)) parts.deliver(notice);
}

/** False when the platform does not change this message. */
async function mark(asked: OutboundDelivery, decision: string, connection: Connection): Promise<boolean> {
  const index = asked.parts.length - 1;
  const part = asked.parts[index];
  if (part === undefined) return false;
  const fits = fitsIn(connection);
  const shown = splitMarkdown(asked.text ?? "", fits)[index]?.text ?? "";
  const whole = `${shown}\n\n${decision}`;
  const content = { markdown: fits(whole) ? whole : decision, buttons: [] };
  const message = messageOf({ delivery: asked, shown: [] }, content, index, false);
  try {
    await connection.adapter.edit(part, message, AbortSignal.timeout(30_000));
    return true;
  } catch (error) {
    if (!(error instanceof PlatformError) || error.kind !== "refused") throw error;
    return false;
  }
}

/** Whoever decides by a command or a button is answered by that. */
async function wasDecidedThere(
  { approval_id: id }: Decided,
  asked: OutboundDelivery,
  { store }: QuestionParts,
): Promise<boolean> {
  const [approval] = await store.approvals.decided([id]);
  const by = approval?.decision?.by;
  return by === undefined || by === extraOf(asked).caller?.principal;
}

function questionId(approvalId: string): string {
  return derivedId("apq", approvalId);
}

/** What a question shows: its parts, with the buttons below the last one. */
export function questionContents(
  { text = "", extra }: Pick<NewOutboundDelivery, "text" | "extra">,
  fits: (markdown: string) => boolean,
): Content[] {
  const { approval, language } = extraOf({ extra });
  const pieces = splitMarkdown(text, fits);
  return pieces.map(({ text: markdown }, index) => ({
    markdown,
    ...(approval !== undefined && index === pieces.length - 1
      ? { buttons: approvalButtons(approval.approvalId, wordsIn(language)) }
      : {}),
  }));
}
