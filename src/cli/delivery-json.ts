import { accountLabel } from "../config/accounts.ts";
import { timestamp } from "../lib/timestamp.ts";
import type { PlatformId } from "../platforms/contract.ts";
import type { DeliveryTarget, OutboundDelivery } from "../store/records.ts";

/** An address as `--to` takes it. */
export function targetOf({ platform, account, chat, thread }: DeliveryTarget): string {
  const label = accountLabel({ platform: platform as PlatformId, name: account });
  return `${label}:${chat}${thread === undefined ? "" : `:${thread}`}`;
}

/** A delivery in the spelling of every other JSON that Hermes prints. */
export function deliveryJson(delivery: OutboundDelivery): object {
  const { id, kind, status, target, runId, text, parts, attempts, dueAt, error, createdAt, finishedAt } =
    delivery;
  return {
    id,
    kind,
    status,
    to: targetOf(target),
    run_id: runId ?? null,
    text: text ?? null,
    message_ids: parts.map(({ messageId }) => messageId),
    attempts,
    due_at: timestamp(dueAt),
    error,
    created_at: timestamp(createdAt),
    finished_at: timestamp(finishedAt),
  };
}
