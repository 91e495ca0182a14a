import { accountLabel } from "../config/accounts.ts";
import type { KeptFile } from "../gateway/deliver/kept-files.ts";
import type { DeliveryExtra } from "../gateway/extra.ts";
import { timestamp } from "../lib/timestamp.ts";
import type { PlatformId } from "../platforms/contract.ts";
import type { DeliveryTarget, OutboundDelivery } from "../store/records.ts";

/** An address as `--to` takes it. */
export function targetOf({ platform, account, chat, thread }: DeliveryTarget): string {
  const label = accountLabel({ platform: platform as PlatformId, name: account });
  return `${label}:${chat}${thread === undefined ? "" : `:${thread}`}`;
}

/** The files that go with a delivery. */
export function filesOf({ extra }: OutboundDelivery): readonly KeptFile[] {
  return (extra as DeliveryExtra | undefined)?.files ?? []; // written by the gateway alone
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
    files: filesOf(delivery).map(({ name, mediaType, sizeBytes }) => ({
      name,
      media_type: mediaType,
      size_bytes: sizeBytes,
    })),
    message_ids: parts.map(({ messageId }) => messageId),
    attempts,
    due_at: timestamp(dueAt),
    error,
    created_at: timestamp(createdAt),
    finished_at: timestamp(finishedAt),
  };
}
