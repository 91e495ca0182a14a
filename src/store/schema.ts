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
  DeliveryKind,
  DeliveryStatus,
  NewMessage,
  RunError,
  RunKind,
  RunStatus,
  SentPart,
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
    /** While it is queued, its message may go to the run of its session that is running. */
    joinsRunning: integer("joins_running", { mode: "boolean" }).notNull().default(false),
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
    /** Null once the run was deleted, and for what asked for no run: the delivery stays known. */
    runId: text("run_id").references(() => runs.id, { onDelete: "set null" }),
    createdAt: integer("created_at").notNull(),
    /** The answer to what asked for no run, for when it comes again. */
    note: text(),
  },
  (table) => [
    primaryKey({ columns: [table.source, table.deliveryId] }),
    index("inbox_by_age").on(table.createdAt),
    index("inbox_by_run").on(table.runId),
  ],
);

/**
 * What leaves through the platforms. A position is never used twice, also when the row is gone: a gateway reads on from the
 * last one it saw.
 */
export const deliveries = sqliteTable(
  "deliveries",
  {
    position: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    kind: text().$type<DeliveryKind>().notNull(),
    status: text().$type<DeliveryStatus>().notNull(),
    platform: text().notNull(),
    account: text().notNull(),
    chat: text().notNull(),
    thread: text(),
    replyTo: text("reply_to"),
    /** Null for what is of no run, and once the run was deleted: whoever wrote still waits for an answer. */
    runId: text("run_id").references(() => runs.id, { onDelete: "set null" }),
    text: text(),
    extra: text({ mode: "json" }).$type<unknown>(),
    parts: text({ mode: "json" }).$type<SentPart[]>().notNull().default([]),
    attempts: integer().notNull().default(0),
    dueAt: integer("due_at").notNull(),
    error: text({ mode: "json" }).$type<RunError>(),
    createdAt: integer("created_at").notNull(),
    finishedAt: integer("finished_at"),
  },
  (table) => [
    index("deliveries_open").on(table.platform, table.account).where(sql`finished_at is null`),
    index("deliveries_by_run").on(table.runId).where(sql`run_id is not null`),
    index("deliveries_to_prune").on(table.finishedAt).where(sql`finished_at is not null`),
  ],
);

/** What was chosen in conversations of chats. WITHOUT ROWID. */
export const chats = sqliteTable("chats", {
  key: text().primaryKey(),
  sessionId: text("session_id"),
  model: text(),
  updatedAt: integer("updated_at").notNull(),
});

/** Chats that go on under another id, by the new one. WITHOUT ROWID. */
export const chatMoves = sqliteTable(
  "chat_moves",
  {
    platform: text().notNull(),
    account: text().notNull(),
    chat: text().notNull(),
    formerChat: text("former_chat").notNull(),
    movedAt: integer("moved_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.platform, table.account, table.chat] })],
);

/** Those who may write to a bot, or ask to. A code is kept as its digest with salt. */
export const pairings = sqliteTable(
  "pairings",
  {
    position: integer().primaryKey(),
    platform: text().notNull(),
    account: text().notNull(),
    userId: text("user_id").notNull(),
    name: text().notNull(),
    /** Where the code was asked for. */
    chat: text().notNull(),
    extra: text({ mode: "json" }).$type<unknown>(),
    codeSalt: text("code_salt"),
    codeDigest: text("code_digest"),
    createdAt: integer("created_at").notNull(),
    /** Of a pending one; null once it is approved. */
    expiresAt: integer("expires_at"),
    approvedAt: integer("approved_at"),
    approvedBy: text("approved_by"),
  },
  (table) => [uniqueIndex("pairings_by_person").on(table.platform, table.account, table.userId)],
);

/** Wrong codes in a row, by platform. WITHOUT ROWID. */
export const pairingFailures = sqliteTable("pairing_failures", {
  platform: text().primaryKey(),
  count: integer().notNull(),
  lockedUntil: integer("locked_until"),
});

/** The accounts of platforms, as the process that connects them tells of them. WITHOUT ROWID. */
export const accounts = sqliteTable(
  "accounts",
  {
    platform: text().notNull(),
    account: text().notNull(),
    /** The process that wrote last. */
    instance: text().notNull(),
    health: text({ mode: "json" }).$type<unknown>(),
    state: text({ mode: "json" }).$type<unknown>(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.platform, table.account] })],
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
