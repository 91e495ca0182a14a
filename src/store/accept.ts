import { eq, sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";
import { insertNewDelivery } from "./deliveries.ts";
import { findDelivery, keepDelivery, passOnDeliveries } from "./inbox.ts";
import { removeLastTurn } from "./last-turn.ts";
import { appendMessages, plainText } from "./messages.ts";
import type { Delivery, NewMessage, NewOutboundDelivery, NewRun, Run } from "./records.ts";
import { runs } from "./schema.ts";
import { insertWebhookEvent } from "./webhook-events.ts";

const MAX_TITLE_CHARS = 80;

const insertSession = statement((db) =>
  db.$client.prepare(
    `INSERT INTO sessions (key, owner, id, title, created_at, updated_at, parent_run_id)
     VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
     ON CONFLICT (key) DO NOTHING`,
  ),
);

const insertRun = statement((db) =>
  db.$client.prepare(
    `INSERT INTO runs (id, session_key, owner, kind, status, request, created_at, joins_running)
     VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)`,
  ),
);

const selectRun = statement((db) =>
  db
    .select()
    .from(runs)
    .where(eq(runs.id, sql.placeholder("id")))
    .prepare(),
);

/** Takes a run on, or finds the one that its delivery made before; within a transaction. */
export function acceptRun(db: Db, run: NewRun, now: number): { run: Run; duplicate: boolean } {
  const known = run.delivery ? runOfDelivery(db, run.delivery) : null;
  if (known && !isTriedAgain(run, known)) return { run: known, duplicate: true };

  const { owner, id, parentRunId = null } = run.session;
  const sessionKey = keyOfSession(owner, id);
  const request = JSON.stringify(run.request ?? null);
  const message = run.replacesLastTurn ? takeLastMessage(db, sessionKey, now) : run.message;
  insertSession(db).run(sessionKey, owner, id, titleFrom(message), now, parentRunId);
  insertRun(db).run(run.id, sessionKey, owner, run.kind, request, now, run.joinsRunning === true);
  appendMessages(db, { id: run.id, sessionKey }, [message], now);
  if (run.reply) keepReply(db, run.id, run.reply, now);
  if (run.told) insertWebhookEvent(db, run.told, now);
  if (known) passOnDeliveries(db, known.id, run.id, now);
  else if (run.delivery) keepDelivery(db, run.delivery, { runId: run.id, note: null }, now);
  return { run: queuedRun(run, sessionKey, now), duplicate: false };
}

function isTriedAgain({ delivery }: NewRun, { status }: Run): boolean {
  return delivery?.retriesFailed === true && (status === "failed" || status === "cancelled");
}

/** The row as it was just written; reading it back would cost a third of the whole. */
function queuedRun(run: NewRun, sessionKey: string, now: number): Run {
  return {
    id: run.id,
    sessionKey,
    kind: run.kind,
    status: "queued",
    request: run.request ?? null,
    instance: null,
    attempts: 0,
    cancelRequested: false,
    response: null,
    finishReason: null,
    model: null,
    error: null,
    usage: null,
    createdAt: now,
    startedAt: null,
    finishedAt: null,
  };
}

/** The run of this id, or null. */
export function findRun(db: Db, id: string): Run | null {
  const row = selectRun(db).get({ id });
  return row ? toRun(row) : null;
}

/** A row as the run that the other rooms see. */
export function toRun(row: typeof runs.$inferSelect): Run {
  const {
    position: _position,
    owner: _owner,
    eventsPruned: _eventsPruned,
    joinsRunning: _joinsRunning,
    ...run
  } = row;
  return run;
}

function takeLastMessage(db: Db, sessionKey: string, now: number): NewMessage {
  const message = removeLastTurn(db, sessionKey, now);
  if (!message) throw new AppError("not_found", "There is no turn in this session that could be repeated.");
  return message;
}

function keepReply(db: Db, runId: string, reply: NewOutboundDelivery, now: number): void {
  if (insertNewDelivery(db, { ...reply, runId }, "waiting", now)) return;
  throw new AppError("conflict", `The delivery ${reply.id} is known already, so it cannot be of this run.`);
}

function runOfDelivery(db: Db, delivery: Delivery): Run | null {
  const known = findDelivery(db, delivery);
  if (!known) return null;
  const run = known.runId === null ? null : findRun(db, known.runId);
  if (run) return run;
  throw new AppError(
    "conflict",
    "This request was answered before, and its turn or its session has been deleted since.",
    {
      hint: "Send it with a new idempotency key to have it done again.",
    },
  );
}

/** Without a slash in the id, no two pairs of owner and id have the same key. */
function keyOfSession(owner: string, id: string): string {
  if (id === "" || id.includes("/"))
    throw new AppError("invalid_request", "A session id must not be empty or contain a slash.", {
      hint: "Use 1 to 64 letters, digits, `_` or `-`.",
    });
  return `${owner}/${id}`;
}

/** The first line of the first message. */
function titleFrom(message: NewMessage): string {
  const line = plainText(message).trimStart().split("\n", 1)[0] ?? "";
  const characters = [...line.slice(0, 2 * MAX_TITLE_CHARS).trimEnd()];
  return characters.length <= MAX_TITLE_CHARS
    ? characters.join("")
    : `${characters.slice(0, MAX_TITLE_CHARS - 1).join("")}…`;
}
