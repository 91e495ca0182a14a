import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { RunError } from "./records.ts";
import type { WebhookDeliveryStatus, WebhookRequest, WebhookResponse } from "./webhook-records.ts";

/** The tables of webhooks that Hermes sends; see `schema.ts`. */

/** What is told to others, once for all endpoints. */
export const webhookEvents = sqliteTable(
  "webhook_events",
  {
    position: integer().primaryKey(),
    id: text().notNull().unique(),
    type: text().notNull(),
    /** The request body, byte for byte. */
    body: text().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("webhook_events_to_prune").on(table.createdAt)],
);

/** An event on its way to an endpoint; the order of the rows is the order in which they are first sent. */
export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    position: integer().primaryKey(),
    id: text().notNull().unique(),
    eventPosition: integer("event_position")
      .notNull()
      .references(() => webhookEvents.position, { onDelete: "cascade" }),
    endpoint: text().notNull(),
    status: text().$type<WebhookDeliveryStatus>().notNull().default("due"),
    /** Tries since it was last made due. */
    attempts: integer().notNull().default(0),
    dueAt: integer("due_at").notNull(),
    error: text({ mode: "json" }).$type<RunError>(),
    createdAt: integer("created_at").notNull(),
    finishedAt: integer("finished_at"),
  },
  (table) => [
    index("webhook_deliveries_by_event").on(table.eventPosition),
    index("webhook_deliveries_due").on(table.endpoint, table.dueAt).where(sql`finished_at is null`),
    /** By position, as every index ends with it. */
    index("webhook_deliveries_in_order").on(table.endpoint).where(sql`finished_at is null`),
    index("webhook_deliveries_dead").on(table.endpoint).where(sql`status = 'dead'`),
  ],
);

/** What was sent and what came back, try by try. WITHOUT ROWID. */
export const webhookAttempts = sqliteTable(
  "webhook_attempts",
  {
    deliveryPosition: integer("delivery_position")
      .notNull()
      .references(() => webhookDeliveries.position, { onDelete: "cascade" }),
    number: integer().notNull(),
    startedAt: integer("started_at").notNull(),
    durationMs: integer("duration_ms").notNull(),
    request: text({ mode: "json" }).$type<WebhookRequest>().notNull(),
    response: text({ mode: "json" }).$type<WebhookResponse>(),
    error: text({ mode: "json" }).$type<RunError>(),
  },
  (table) => [primaryKey({ columns: [table.deliveryPosition, table.number] })],
);

/** How endpoints are. WITHOUT ROWID. */
export const webhookEndpoints = sqliteTable("webhook_endpoints", {
  name: text().primaryKey(),
  lastSuccessAt: integer("last_success_at"),
  lastFailureAt: integer("last_failure_at"),
  /** Since when there were failures only. */
  failingSince: integer("failing_since"),
  disabledAt: integer("disabled_at"),
  /** Why, fit for the operator. */
  disabledReason: text("disabled_reason"),
  /** The digest of the address that is disabled: another address under the same name is not. */
  disabledUrl: text("disabled_url"),
});
