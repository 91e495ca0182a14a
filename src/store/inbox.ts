import { sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";
import type { InboxStore } from "./contract.ts";
import type { Delivery } from "./records.ts";
import { inbox } from "./schema.ts";
import type { Access } from "./writer.ts";

/** Deliveries that were taken on, as runs and sessions share them. */

const selectDelivery = statement((db) =>
  db
    .select({
      fingerprint: inbox.fingerprint,
      runId: inbox.runId,
      note: inbox.note,
      createdAt: inbox.createdAt,
    })
    .from(inbox)
    .where(
      sql`${inbox.source} = ${sql.placeholder("source")} and ${inbox.deliveryId} = ${sql.placeholder("id")}`,
    )
    .prepare(),
);

const insertDelivery = statement((db) =>
  db.$client.prepare(
    "INSERT INTO inbox (source, delivery_id, fingerprint, run_id, note, created_at) VALUES (?, ?, ?, ?, ?, ?)",
  ),
);

/** What was kept of a delivery. */
interface KnownDelivery {
  /** The run that it asked for, while there is that run. */
  runId: string | null;
  /** The answer to what asked for no run. */
  note: string | null;
}

/** Deliveries that ask for no run. `now` gives milliseconds since the epoch. */
export function createInboxStore(access: Access, now: () => number): InboxStore {
  return {
    begin: (delivery) =>
      access.write((db) => {
        const known = findDelivery(db, delivery);
        if (known) return known.createdAt;
        keepDelivery(db, delivery, { runId: null, note: null }, now());
        return null;
      }),
  };
}

/** What is known of a delivery, or null. Throws `idempotency_mismatch` when its id was used for another request. */
export function findDelivery(
  db: Db,
  { source, id, fingerprint }: Delivery,
): (KnownDelivery & { createdAt: number }) | null {
  const known = selectDelivery(db).get({ source, id });
  if (!known) return null;
  if (known.fingerprint !== fingerprint)
    throw new AppError("idempotency_mismatch", "This idempotency key was used for another request.", {
      hint: "Send a new key with a new request; repeat a request with its key only unchanged.",
    });
  return known;
}

/** Keeps a delivery, so that it is known when it comes again; within a transaction. */
export function keepDelivery(
  db: Db,
  { source, id, fingerprint }: Delivery,
  { runId, note }: KnownDelivery,
  now: number,
): void {
  insertDelivery(db).run(source, id, fingerprint, runId, note, now);
}
