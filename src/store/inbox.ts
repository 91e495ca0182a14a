import { sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";
import type { InboxStore } from "./contract.ts";
import { findOutbound, insertNewDelivery, makeDueAgain } from "./deliveries.ts";
import type { Delivery, NewOutboundDelivery } from "./records.ts";
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

const insertAlias = statement((db) =>
  db.$client.prepare(
    `INSERT INTO inbox (source, delivery_id, fingerprint, run_id, note, created_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (source, delivery_id) DO NOTHING`,
  ),
);

/** Of what is tried again, it is known for as long as of what has just come. */
const updateRun = statement((db) =>
  db.$client.prepare("UPDATE inbox SET run_id = ?2, created_at = ?3 WHERE run_id = ?1"),
);

const updateAge = statement((db) =>
  db.$client.prepare("UPDATE inbox SET created_at = ?3 WHERE source = ?1 AND delivery_id = ?2"),
);

/** What was kept of a delivery. */
interface KnownDelivery {
  /** The run that it asked for, while there is that run. */
  runId: string | null;
  /** What came of what asked for no run. */
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
    send: (delivery, message) => access.write((db) => sendOnce(db, delivery, message, now())),
  };
}

/** The note of such a delivery is the id of its message. */
function sendOnce(
  db: Db,
  delivery: Delivery,
  message: NewOutboundDelivery,
  now: number,
): Awaited<ReturnType<InboxStore["send"]>> {
  const known = findDelivery(db, delivery);
  if (known === null) {
    if (!insertNewDelivery(db, message, "due", now))
      throw new AppError("conflict", `The delivery ${message.id} is known already.`);
    keepDelivery(db, delivery, { runId: null, note: message.id }, now);
    return { message: findOutbound(db, message.id), duplicate: false };
  }
  const first = known.note ?? "";
  if (delivery.retriesFailed === true && makeDueAgain(db, first, now)) {
    updateAge(db).run(delivery.source, delivery.id, now);
    return { message: findOutbound(db, first), duplicate: false };
  }
  return { message: findOutbound(db, first), duplicate: true };
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
  { source, id, fingerprint, aliases = [] }: Delivery,
  { runId, note }: KnownDelivery,
  now: number,
): void {
  insertDelivery(db).run(source, id, fingerprint, runId, note, now);
  for (const alias of aliases) insertAlias(db).run(source, alias, fingerprint, runId, note, now);
}

/** What asked for a run that failed is what another run is for from now on; within a transaction. */
export function passOnDeliveries(db: Db, fromRunId: string, toRunId: string, now: number): void {
  updateRun(db).run(fromRunId, toRunId, now);
}
