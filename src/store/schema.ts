import { sql } from "drizzle-orm";
import {
  type AnySQLiteColumn,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import type {
  ApprovalDecision,
  NewMessage,
  RunError,
  RunKind,
  RunStatus,
  TodoStatus,
  Usage,
} from "./records.ts";

/**
 * The tables, from which `drizzle-kit generate` writes the migrations. What it cannot write is added there by hand: the
 * full-text tables (see `search.ts`) and `WITHOUT ROWID`, which keeps the events of a run side by side on disk.
 * Ids that users see are text; a `position` or numeric `id` is the order of insertion.
 */

/** Conversations. */
export const sessions = sqliteTable(
  "sessions",
  {
    key: text().primaryKey(),
    owner: text().notNull(),
    id: text().notNull(),
    title: text().notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    messageCount: integer("message_count").notNull().default(0),
    summary: text(),
    summaryThroughId: integer("summary_through_id"),
    /** The run that gave the sub-task which this session is of. */
    parentRunId: text("parent_run_id").references((): AnySQLiteColumn => runs.id, { onDelete: "cascade" }),
  },
  (table) => [
    index("sessions_by_parent").on(table.parentRunId).where(sql`parent_run_id is not null`),
    index("sessions_newest").on(table.updatedAt, table.key),
    index("sessions_newest_of_owner").on(table.owner, table.updatedAt, table.key),
  ],
);

/** Turns, one row each. */
export const runs = sqliteTable(
  "runs",
  {
    /** The order of acceptance, which is the order within a session. */
    position: integer().primaryKey(),
    id: text().notNull().unique(),
    sessionKey: text("session_key")
      .notNull()
      .references(() => sessions.key, { onDelete: "cascade" }),
    owner: text().notNull(),
    kind: text().$type<RunKind>().notNull(),
    status: text().$type<RunStatus>().notNull(),
    request: text({ mode: "json" }).notNull(),
    instance: text(),
    attempts: integer().notNull().default(0),
    cancelRequested: integer("cancel_requested", { mode: "boolean" }).notNull().default(false),
    response: text(),
    finishReason: text("finish_reason"),
    model: text(),
    error: text({ mode: "json" }).$type<RunError>(),
    usage: text({ mode: "json" }).$type<Usage>(),
    createdAt: integer("created_at").notNull(),
    startedAt: integer("started_at"),
    finishedAt: integer("finished_at"),
    eventsPruned: integer("events_pruned", { mode: "boolean" }).notNull().default(false),
  },
  (table) => [
    index("runs_by_session").on(table.sessionKey, table.status),
    index("runs_by_owner").on(table.owner),
    index("runs_by_status").on(table.status),
    /** Makes two running runs of one session impossible, whatever the code does. */
    uniqueIndex("runs_one_running").on(table.sessionKey).where(sql`status = 'running'`),
    index("runs_events_to_prune")
      .on(table.finishedAt)
      .where(sql`finished_at is not null and events_pruned = 0`),
  ],
);

/** What was said, in order. */
export const messages = sqliteTable(
  "messages",
  {
    id: integer().primaryKey(),
    sessionKey: text("session_key")
      .notNull()
      .references(() => sessions.key, { onDelete: "cascade" }),
    runId: text("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    /** The message as it was handed in. */
    body: text({ mode: "json" }).$type<NewMessage>().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("messages_by_session").on(table.sessionKey), index("messages_by_run").on(table.runId)],
);

/** WITHOUT ROWID. */
export const runEvents = sqliteTable(
  "run_events",
  {
    runId: text("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    seq: integer().notNull(),
    type: text().notNull(),
    data: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.runId, table.seq] })],
);

/** Which calls of a run began and which have ended. */
export const toolCalls = sqliteTable(
  "tool_calls",
  {
    position: integer().primaryKey(),
    runId: text("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    callId: text("call_id").notNull(),
    name: text().notNull(),
    arguments: text().notNull(),
    finished: integer({ mode: "boolean" }).notNull().default(false),
  },
  (table) => [uniqueIndex("tool_calls_by_run").on(table.runId, table.callId)],
);

/** What calls asked somebody to allow. `settled`: the run has gone on with the answer. */
export const approvals = sqliteTable(
  "approvals",
  {
    position: integer().primaryKey(),
    id: text().notNull().unique(),
    runId: text("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    callId: text("call_id").notNull(),
    tool: text().notNull(),
    question: text().notNull(),
    details: text().notNull(),
    decision: text({ mode: "json" }).$type<ApprovalDecision>(),
    settled: integer({ mode: "boolean" }).notNull().default(false),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("approvals_by_run").on(table.runId)],
);

/** Deliveries taken on, so that the same one never makes a second turn. WITHOUT ROWID. */
export const inbox = sqliteTable(
  "inbox",
  {
    source: text().notNull(),
    deliveryId: text("delivery_id").notNull(),
    fingerprint: text().notNull(),
    /** Null once the session of the run was deleted: the delivery stays known. */
    runId: text("run_id").references(() => runs.id, { onDelete: "set null" }),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.source, table.deliveryId] }),
    index("inbox_by_age").on(table.createdAt),
    index("inbox_by_run").on(table.runId),
  ],
);

/** Entries by principal and key. */
export const memory = sqliteTable(
  "memory",
  {
    id: integer().primaryKey(),
    principal: text().notNull(),
    key: text().notNull(),
    value: text({ mode: "json" }).$type<unknown>().notNull(),
    source: text().notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [uniqueIndex("memory_by_key").on(table.principal, table.key)],
);

/** Tasks by principal. */
export const todos = sqliteTable(
  "todos",
  {
    position: integer().primaryKey(),
    id: text().notNull().unique(),
    principal: text().notNull(),
    title: text().notNull(),
    notes: text().notNull(),
    status: text().$type<TodoStatus>().notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("todos_by_principal").on(table.principal)],
);

/** One row that `health()` rewrites to learn whether the disk takes a write. */
export const pulse = sqliteTable("pulse", {
  id: integer().primaryKey(),
  at: integer().notNull(),
});
