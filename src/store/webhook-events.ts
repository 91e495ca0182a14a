import { newId } from "../lib/ids.ts";
import { type Db, statement } from "./connection.ts";
import type { NewWebhookEvent } from "./records.ts";

const insertEvent = statement((db) =>
  db.$client.prepare("INSERT INTO webhook_events (id, type, body, created_at) VALUES (?, ?, ?, ?)"),
);

const insertDelivery = statement((db) =>
  db.$client.prepare(
    `INSERT INTO webhook_deliveries (id, event_position, endpoint, due_at, created_at) VALUES (?1, ?2, ?3, ?4, ?4)`,
  ),
);

/** Keeps an event, due at once at each of its endpoints; within the transaction of what it tells of. */
export function insertWebhookEvent(
  db: Db,
  { id, type, body, endpoints }: NewWebhookEvent,
  now: number,
): void {
  const { lastInsertRowid } = insertEvent(db).run(id, type, body, now);
  for (const endpoint of endpoints) insertDelivery(db).run(newId("whd", now), lastInsertRowid, endpoint, now);
}
