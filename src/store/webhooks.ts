import { and, asc, desc, eq, gt, inArray, lt, ne, or, type SQL, sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";
import { decodeCursor, pageOf, wholeLimit } from "./cursor.ts";
import type { Holds } from "./holds.ts";
import type { Page } from "./records.ts";
import type { WebhookStore } from "./webhook-contract.ts";
import { createEndpointStore, noteTry } from "./webhook-endpoints.ts";
import type {
  WebhookAttempt,
  WebhookDelivery,
  WebhookDeliveryDetails,
  WebhookFilter,
  WebhookOutcome,
  WebhookPageRequest,
} from "./webhook-records.ts";
import { webhookAttempts, webhookDeliveries, webhookEvents } from "./webhook-schema.ts";
import type { Access } from "./writer.ts";

/** So many are made due again in one transaction, that no other write waits long. */
const REPLAY_BATCH = 1_000;

const COLUMNS = {
  id: webhookDeliveries.id,
  eventId: webhookEvents.id,
  type: webhookEvents.type,
  endpoint: webhookDeliveries.endpoint,
  status: webhookDeliveries.status,
  attempts: webhookDeliveries.attempts,
  dueAt: webhookDeliveries.dueAt,
  error: webhookDeliveries.error,
  createdAt: webhookDeliveries.createdAt,
  finishedAt: webhookDeliveries.finishedAt,
};
const WITH_BODY = { ...COLUMNS, body: webhookEvents.body };
const OPEN = sql`finished_at is null`;
const OF_EVENT = eq(webhookDeliveries.eventPosition, webhookEvents.position);
const OF_ENDPOINT = eq(webhookDeliveries.endpoint, sql.placeholder("endpoint"));

const selectDue = statement((db) =>
  db
    .select(WITH_BODY)
    .from(webhookDeliveries)
    .innerJoin(webhookEvents, OF_EVENT)
    .where(and(OF_ENDPOINT, OPEN, sql`${webhookDeliveries.dueAt} <= ${sql.placeholder("now")}`))
    .orderBy(asc(webhookDeliveries.dueAt), asc(webhookDeliveries.position))
    .limit(sql.placeholder("limit"))
    .prepare(),
);

const selectFirst = statement((db) =>
  db
    .select(WITH_BODY)
    .from(webhookDeliveries)
    .innerJoin(webhookEvents, OF_EVENT)
    .where(and(OF_ENDPOINT, OPEN))
    .orderBy(asc(webhookDeliveries.position))
    .limit(1)
    .prepare(),
);

const selectNextDue = statement((db) =>
  db.$client.prepare<{ dueAt: number | null }, [string, number]>(
    `SELECT min(due_at) AS dueAt FROM webhook_deliveries
     WHERE endpoint = ? AND finished_at IS NULL AND due_at > ?`,
  ),
);

const selectOne = statement((db) =>
  db
    .select({ ...WITH_BODY, position: webhookDeliveries.position })
    .from(webhookDeliveries)
    .innerJoin(webhookEvents, OF_EVENT)
    .where(eq(webhookDeliveries.id, sql.placeholder("id")))
    .prepare(),
);

const selectTries = statement((db) =>
  db
    .select()
    .from(webhookAttempts)
    .where(eq(webhookAttempts.deliveryPosition, sql.placeholder("position")))
    .orderBy(asc(webhookAttempts.number))
    .prepare(),
);

const insertAttempt = statement((db) =>
  db.$client.prepare(
    `INSERT INTO webhook_attempts (delivery_position, number, started_at, duration_ms, request, response, error)
     SELECT position, (SELECT coalesce(max(number), 0) + 1 FROM webhook_attempts WHERE delivery_position = position),
       ?2, ?3, ?4, ?5, ?6
     FROM webhook_deliveries WHERE id = ?1`,
  ),
);

const updateAfterTry = statement((db) =>
  db.$client.prepare(
    `UPDATE webhook_deliveries SET status = ?2, attempts = attempts + 1, due_at = coalesce(?3, due_at), error = ?4,
       finished_at = ?5
     WHERE id = ?1 AND finished_at IS NULL`,
  ),
);

/** Webhooks that Hermes sends. `now` gives milliseconds since the epoch. */
export function createWebhookStore(access: Access, holds: Holds, now: () => number): WebhookStore {
  return {
    ...createEndpointStore(access, now),
    hold: async (endpoint, holder) => holds.take(`webhook endpoint ${endpoint}`, holder),
    due: (endpoint, time, limit) =>
      access.read((db) => selectDue(db).all({ endpoint, now: time, limit: wholeLimit(limit) })),
    first: (endpoint) => access.read((db) => selectFirst(db).get({ endpoint }) ?? null),
    nextDueAt: (endpoint, time) => access.read((db) => selectNextDue(db).get(endpoint, time)?.dueAt ?? null),
    record: (id, attempt, outcome) => access.write((db) => recordTry(db, id, attempt, outcome, now())),
    get: (id) => access.read((db) => detailsOf(db, id)),
    list: (page) => access.read((db) => listDeliveries(db, page)),
    async replay(which) {
      if (typeof which === "string") return access.write((db) => replayById(db, which, now()));
      const filter = { until: now() + 1, ...which };
      let count = 0;
      for (let after = 0; ; ) {
        const batch = await access.write((db) => replayBatch(db, filter, after, now()));
        count += batch.length;
        if (batch.length < REPLAY_BATCH) return count;
        after = batch.at(-1) ?? after;
      }
    },
  };
}

function recordTry(db: Db, id: string, attempt: WebhookAttempt, outcome: WebhookOutcome, now: number) {
  const { startedAt, durationMs, request, response, error } = attempt;
  const json = (value: object | null) => value && JSON.stringify(value);
  insertAttempt(db).run(id, startedAt, durationMs, JSON.stringify(request), json(response), json(error));
  const dueAt = outcome.status === "due" ? outcome.dueAt : null;
  updateAfterTry(db).run(id, outcome.status, dueAt, json(error), outcome.status === "due" ? null : now);
  return noteTry(db, id, error === null, now);
}

function detailsOf(db: Db, id: string): WebhookDeliveryDetails | null {
  const row = selectOne(db).get({ id });
  if (!row) return null;
  const { position, ...delivery } = row;
  const tries = selectTries(db)
    .all({ position })
    .map(({ deliveryPosition: _position, number: _number, ...attempt }) => attempt);
  return { ...delivery, tries };
}

/** The condition of a filter. */
function meantBy({ status, endpoint, type, since, until }: WebhookFilter): SQL | undefined {
  return and(
    status === undefined ? undefined : eq(webhookDeliveries.status, status),
    endpoint === undefined ? undefined : eq(webhookDeliveries.endpoint, endpoint),
    type === undefined ? undefined : eq(webhookEvents.type, type),
    since === undefined ? undefined : sql`${webhookDeliveries.createdAt} >= ${since}`,
    until === undefined ? undefined : lt(webhookDeliveries.createdAt, until),
  );
}

function listDeliveries(db: Db, page: WebhookPageRequest): Page<WebhookDelivery> {
  const limit = wholeLimit(page.limit);
  const from = decodeCursor(page.cursor, ["number"]);
  const rows = db
    .select({ delivery: COLUMNS, position: webhookDeliveries.position })
    .from(webhookDeliveries)
    .innerJoin(webhookEvents, OF_EVENT)
    .where(and(meantBy(page), from ? lt(webhookDeliveries.position, from[0]) : undefined))
    .orderBy(desc(webhookDeliveries.position))
    .limit(limit + 1)
    .all();
  const { items, nextCursor } = pageOf(rows, limit, (last) => [last.position]);
  return { items: items.map((row) => row.delivery), nextCursor };
}

function replayById(db: Db, id: string, now: number): number {
  const positions = db
    .select({ position: webhookDeliveries.position })
    .from(webhookDeliveries)
    .innerJoin(webhookEvents, OF_EVENT)
    .where(or(eq(webhookDeliveries.id, id), eq(webhookEvents.id, id)))
    .all()
    .map((row) => row.position);
  if (positions.length === 0) throw new AppError("not_found", "There is no such delivery.");
  makeDue(db, positions, now);
  return positions.length;
}

/** The positions of those that were made due again, behind a position. What is due at the moment stays as it is. */
function replayBatch(db: Db, filter: WebhookFilter, after: number, now: number): number[] {
  const positions = db
    .select({ position: webhookDeliveries.position })
    .from(webhookDeliveries)
    .innerJoin(webhookEvents, OF_EVENT)
    .where(and(meantBy(filter), ne(webhookDeliveries.status, "due"), gt(webhookDeliveries.position, after)))
    .orderBy(asc(webhookDeliveries.position))
    .limit(REPLAY_BATCH)
    .all()
    .map((row) => row.position);
  makeDue(db, positions, now);
  return positions;
}

function makeDue(db: Db, positions: number[], now: number): void {
  if (positions.length === 0) return;
  db.update(webhookDeliveries)
    .set({ status: "due", attempts: 0, dueAt: now, error: null, finishedAt: null })
    .where(inArray(webhookDeliveries.position, positions))
    .run();
}
