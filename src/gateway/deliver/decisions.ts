import type { RunEvent } from "../../agent/events.ts";
import { derivedId } from "../../lib/ids.ts";
import type { Log } from "../../lib/log.ts";
import { PlatformError } from "../../platforms/contract.ts";
import { splitMarkdown } from "../../platforms/split.ts";
import type { Store } from "../../store/contract.ts";
import type { NewOutboundDelivery, OutboundDelivery } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import { extraOf } from "../extra.ts";
import { wordsIn } from "../words.ts";
import { fitsIn, messageOf } from "./outgoing.ts";

/** What showing decisions works with. */
export interface DecisionParts {
  store: Store;
  log: Log;
  /** Takes over what has to be said besides; it is on disk already. */
  deliver(delivery: NewOutboundDelivery): void;
}

/** The delivery of a question. */
export function questionId(approvalId: string): string {
  return derivedId("apq", approvalId);
}

/** What became of a question, in words; null while it waits for a decision, and for what is no question. */
export async function fateOf(
  { extra }: Pick<OutboundDelivery, "extra">,
  { approvals, runs }: Pick<Store, "approvals" | "runs">,
): Promise<string | null> {
  const { approval, language } = extraOf({ extra });
  if (approval === undefined) return null;
  const words = wordsIn(language);
  const [decided] = await approvals.decided([approval.approvalId]);
  if (decided?.decision) return decided.decision.approved ? words.approved : words.denied;
  const run = await runs.get(approval.runId);
  const isOpen = run?.status === "queued" || run?.status === "running";
  return isOpen ? null : words.withdrawn;
}

/**
 * Puts what became of a question in the place of its buttons; where it cannot be changed, says below it what was decided. Nothing
 * happens while it waits for a decision, or before it is shown: then it is shown with its fate. Only for looks: never rejects.
 */
export async function closeQuestion(
  approvalId: string,
  connection: Connection,
  parts: DecisionParts,
): Promise<void> {
  try {
    const asked = await parts.store.deliveries.get(questionId(approvalId));
    if (asked === null || asked.parts.length === 0) return;
    const fate = await fateOf(asked, parts.store);
    if (fate === null || (connection.can("edit") && (await mark(asked, fate, connection)))) return;
    await tellBelow(approvalId, asked, fate, parts);
  } catch (error) {
    parts.log.debug("a decided question could not be marked", { error });
  }
}

/** False when the platform does not change this message. */
async function mark(asked: OutboundDelivery, fate: string, connection: Connection): Promise<boolean> {
  const index = asked.parts.length - 1;
  const part = asked.parts[index];
  if (part === undefined) return false;
  const fits = fitsIn(connection);
  const shown = splitMarkdown(asked.text ?? "", fits)[index]?.text ?? "";
  const content = { markdown: withFate(shown, fate, fits), buttons: [] };
  const message = messageOf({ delivery: asked, shown: [] }, content, index, false);
  try {
    await connection.adapter.edit(part, message, AbortSignal.timeout(30_000));
    return true;
  } catch (error) {
    if (!(error instanceof PlatformError) || error.kind !== "refused") throw error;
    return false;
  }
}

/** The last part of a question with what became of it; that alone where both are too long. */
export function withFate(shown: string, fate: string, fits: (markdown: string) => boolean): string {
  const whole = `${shown}\n\n${fate}`;
  return fits(whole) ? whole : fate;
}

/** Whoever decides by a command or a button is answered by that; and whoever ended the run knows. */
async function tellBelow(
  approvalId: string,
  asked: OutboundDelivery,
  text: string,
  { store, deliver }: DecisionParts,
): Promise<void> {
  const [approval] = await store.approvals.decided([approvalId]);
  const { approval: _question, ...extra } = extraOf(asked);
  const by = approval?.decision?.by;
  if (by === undefined || by === extra.caller?.principal) return;
  const { replyTo: _, ...target } = asked.target;
  const notice: NewOutboundDelivery = {
    id: derivedId("apd", approvalId),
    kind: "notice",
    target,
    text,
    extra,
  };
  if (await store.deliveries.add(notice)) deliver(notice);
}

/** Follows the questions of a run, so that none of them keeps its buttons when it is over. */
export interface QuestionWatch {
  apply(event: RunEvent): void;
  /** The run has ended: nobody waits for what is still open. */
  end(): void;
}

/** Of the run of one answer. */
export function watchQuestions(connection: Connection, parts: DecisionParts): QuestionWatch {
  const open = new Set<string>();
  const close = (approvalId: string) => {
    open.delete(approvalId);
    void closeQuestion(approvalId, connection, parts);
  };
  return {
    apply(event) {
      if (event.type === "approval.requested") open.add(event.approval_id);
      if (event.type === "approval.decided") close(event.approval_id);
    },
    end() {
      for (const approvalId of open) close(approvalId);
    },
  };
}
