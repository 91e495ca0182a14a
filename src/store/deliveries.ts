import { and, asc, desc, eq, gt, isNull, lt, sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";
import type { DeliveryStore } from "./contract.ts";
import { decodeCursor, pageOf, wholeLimit } from "./cursor.ts";
import type { NewOutboundDelivery, OutboundDelivery, Page } from "./records.ts";
import { deliveries, runs } from "./schema.ts";
import type { Access } from "./writer.ts";

const insert = statement((db) =>
  db.$client.prepare(
    `INSERT INTO deliveries (id, kind, status, platform, account, chat, thread, reply_to, run_id, text, extra, due_at, created_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
     ON CONFLICT (id) DO NOTHING`,
  ),
);

const selectDelivery = statement((db) =>
  db
    .select()
    .from(deliveries)
    .where(eq(deliveries.id, sql.placeholder("id")))
    .prepare(),
);

const selectOpen = statement((db) =>
  db
    .select()
    .from(deliveries)
    .where(
      and(
        eq(deliveries.platform, sql.placeholder("platform")),
        eq(deliveries.account, sql.placeholder("account")),
        gt(deliveries.position, sql.placeholder("after")),
        isNull(deliveries.finishedAt),
      ),
    )
    .orderBy(asc(deliveries.position))
    .limit(sql.placeholder("limit"))
    .prepare(),
);

const selectWaiting = statement((db) =>
  db
    .select({ delivery: deliveries })
    .from(deliveries)
    .innerJoin(runs, eq(deliveries.runId, runs.id))
    .where(and(eq(runs.sessionKey, sql.placeholder("key")), eq(deliveries.status, "waiting")))
    .orderBy(asc(deliveries.position))
    .prepare(),
);

const updateParts = statement((db) =>
  db.$client.prepare("UPDATE deliveries SET parts = ?2 WHERE id = ?1 AND finished_at IS NULL"),
);

const updateTry = statement((db) =>
  db.$client.prepare(
    "UPDATE deliveries SET attempts = ?2, due_at = ?3, error = ?4 WHERE id = ?1 AND finished_at IS NULL",
  ),
);

const markSent = statement((db) =>
  db.$client.prepare(
    `UPDATE deliveries SET status = 'sent', attempts = attempts + (?2 <> '[]'), parts = ?2, error = NULL, finished_at = ?3
     WHERE id = ?1 AND finished_at IS NULL`,
  ),
);

const markDead = statement((db) =>
  db.$client.prepare(
    "UPDATE deliveries SET status = 'dead', attempts = attempts + 1, error = ?2, finished_at = ?3 WHERE id = ?1 AND finished_at IS NULL",
  ),
);

/** AUTOINCREMENT knows of the new position only by the sequence, which is therefore moved first. */
const takePosition = statement((db) =>
  db.$client.prepare("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'deliveries'"),
);

/** In a new place: gateways look behind the last position that they saw, and all before it has left by now. */
const markDueAgain = statement((db) =>
  db.$client.prepare(
    `UPDATE deliveries SET status = 'due', attempts = 0, due_at = ?2, error = NULL, finished_at = NULL,
       position = (SELECT seq FROM sqlite_sequence WHERE name = 'deliveries')
     WHERE id = ?1 AND status = 'dead'`,
  ),
);

const markDueOfRun = statement((db) =>
  db.$client.prepare(
    "UPDATE deliveries SET status = 'due', due_at = ?2 WHERE run_id = ?1 AND status = 'waiting'",
  ),
);

const markUnsentOfRun = statement((db) =>
  db.$client.prepare(
    "UPDATE deliveries SET status = 'sent', finished_at = ?2 WHERE run_id = ?1 AND status = 'waiting'",
  ),
);

const updateChat = statement((db) =>
  db.$client.prepare(
    `UPDATE deliveries SET chat = ?4
     WHERE platform = ?1 AND account = ?2 AND chat = ?3 AND finished_at IS NULL`,
  ),
);

/** The outbox. `now` gives milliseconds since the epoch. */
export function createDeliveryStore(access: Access, now: () => number): DeliveryStore {
  /** A change of a delivery that is open; rejects with `not_found` or, when it is over, with `conflict`. */
  const change = (id: string, work: (db: Db) => { changes: number }): Promise<void> =>
    access.write((db) => {
      if (work(db).changes > 0) return;
      if (!selectDelivery(db).get({ id })) throw noDelivery();
      throw new AppError("conflict", "The delivery is sent or dead already.");
    });

  return {
    add: (delivery) => access.write((db) => insertNewDelivery(db, delivery, "due", now())),
    get: (id) => access.read((db) => findOutbound(db, id)),
    open: (platform, account, after, limit) =>
      access.read((db) =>
        selectOpen(db)
          .all({ platform, account, after, limit: wholeLimit(limit) })
          .map(toDelivery),
      ),
    waitingOf: (key) =>
      access.read((db) =>
        selectWaiting(db)
          .all({ key })
          .map((row) => toDelivery(row.delivery)),
      ),
    recordParts: (id, parts) => change(id, (db) => updateParts(db).run(id, JSON.stringify(parts))),
    postpone: (id, { attempts, dueAt, error }) =>
      change(id, (db) => updateTry(db).run(id, attempts, dueAt, error && JSON.stringify(error))),
    finish: (id, parts) => change(id, (db) => markSent(db).run(id, JSON.stringify(parts), now())),
    bury: (id, error) => change(id, (db) => markDead(db).run(id, JSON.stringify(error), now())),
    list: (page) => access.read((db) => listDeliveries(db, page)),
    retry: (id) =>
      access.write((db) => {
        const isDueAgain = makeDueAgain(db, id, now());
        const delivery = findOutbound(db, id);
        if (!delivery) throw noDelivery();
        if (!isDueAgain) throw new AppError("conflict", `The delivery is ${delivery.status}, not dead.`);
        return delivery;
      }),
    moveChat: (platform, account, from, to) =>
      access.write((db) => {
        updateChat(db).run(platform, account, from, to);
      }),
  };
}

/** Keeps a delivery; false when its id is known already. Within a transaction. */
export function insertNewDelivery(
  db: Db,
  { id, kind, target, runId, text, extra }: NewOutboundDelivery,
  status: "waiting" | "due",
  now: number,
): boolean {
  const { changes } = insert(db).run(
    id,
    kind,
    status,
    target.platform,
    target.account,
    target.chat,
    target.thread ?? null,
    target.replyTo ?? null,
    runId ?? null,
    text ?? null,
    extra === undefined ? null : JSON.stringify(extra),
    now,
  );
  return changes > 0;
}

/** The delivery of this id, or null. */
export function findOutbound(db: Db, id: string): OutboundDelivery | null {
  const row = selectDelivery(db).get({ id });
  return row ? toDelivery(row) : null;
}

/** Makes a dead delivery due again, in a new place; false for any other. Within a transaction. */
export function makeDueAgain(db: Db, id: string, now: number): boolean {
  takePosition(db).run();
  return markDueAgain(db).run(id, now).changes > 0;
}

/** The run has ended, so that its answer can leave; within a transaction. */
export function makeRepliesDue(db: Db, runId: string, now: number): void {
  markDueOfRun(db).run(runId, now);
}

/** Nothing is to be said to what the run was asked; within a transaction. */
export function endRepliesUnsent(db: Db, runId: string, now: number): void {
  markUnsentOfRun(db).run(runId, now);
}

/** A row as the delivery that the other rooms see. */
function toDelivery(row: typeof deliveries.$inferSelect): OutboundDelivery {
  const { platform, account, chat, thread, replyTo, runId, text, extra, ...delivery } = row;
  return {
    ...delivery,
    target: {
      platform,
      account,
      chat,
      ...(thread === null ? {} : { thread }),
      ...(replyTo === null ? {} : { replyTo }),
    },
    ...(runId === null ? {} : { runId }),
    ...(text === null ? {} : { text }),
    ...(extra === null ? {} : { extra }),
  };
}

function listDeliveries(db: Db, page: Parameters<DeliveryStore["list"]>[0]): Page<OutboundDelivery> {
  const limit = wholeLimit(page.limit);
  const from = decodeCursor(page.cursor, ["number"]);
  const rows = db
    .select()
    .from(deliveries)
    .where(
      and(
        page.status === undefined ? undefined : eq(deliveries.status, page.status),
        page.platform === undefined ? undefined : eq(deliveries.platform, page.platform),
        from ? lt(deliveries.position, from[0]) : undefined,
      ),
    )
    .orderBy(desc(deliveries.position))
    .limit(limit + 1)
    .all();
  return pageOf(rows.map(toDelivery), limit, (last) => [last.position]);
}

function noDelivery(): AppError {
  return new AppError("not_found", "There is no such delivery.");
}
