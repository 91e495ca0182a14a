import { eq, sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";
import { appendMessages, plainText } from "./messages.ts";
import type { Delivery, NewMessage, NewRun, Run } from "./records.ts";
import { inbox, runs } from "./schema.ts";

const MAX_TITLE_CHARS = 80;

const selectDelivery = statement((db) =>
  db
    .select({ fingerprint: inbox.fingerprint, runId: inbox.runId })
    .from(inbox)
    .where(
      sql`${inbox.source} = ${sql.placeholder("source")} and ${inbox.deliveryId} = ${sql.placeholder("id")}`,
    )
    .prepare(),
);

const insertDelivery = statement((db) =>
  db.$client.prepare(
    "INSERT INTO inbox (source, delivery_id, fingerprint, run_id, created_at) VALUES (?, ?, ?, ?, ?)",
  ),
);

const insertSession = statement((db) =>
  db.$client.prepare(
    `INSERT INTO sessions (key, owner, id, title, created_at, updated_at, parent_run_id)
     VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
     ON CONFLICT (key) DO NOTHING`,
  ),
);

const insertRun = statement((db) =>
  db.$client.prepare(
    `INSERT INTO runs (id, session_key, owner, kind, status, request, created_at)
     VALUES (?, ?, ?, ?, 'queued', ?, ?)`,
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
  const known = run.delivery && runOfDelivery(db, run.delivery);
  if (known) return { run: known, duplicate: true };

  const { owner, id, parentRunId = null } = run.session;
  const sessionKey = keyOfSession(owner, id);
  insertSession(db).run(sessionKey, owner, id, titleFrom(run.message), now, parentRunId);
  insertRun(db).run(run.id, sessionKey, owner, run.kind, JSON.stringify(run.request ?? null), now);
  appendMessages(db, { id: run.id, sessionKey }, [run.message], now);
  if (run.delivery)
    insertDelivery(db).run(run.delivery.source, run.delivery.id, run.delivery.fingerprint, run.id, now);
  return { run: queuedRun(run, sessionKey, now), duplicate: false };
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
  const { position: _position, owner: _owner, eventsPruned: _eventsPruned, ...run } = row;
  return run;
}

function runOfDelivery(db: Db, { source, id, fingerprint }: Delivery): Run | null {
  const known = selectDelivery(db).get({ source, id });
  if (!known) return null;
  if (known.fingerprint !== fingerprint)
    throw new AppError("idempotency_mismatch", "This idempotency key was used for another request.", {
      hint: "Send a new key with a new request; repeat a request with its key only unchanged.",
    });
  const run = known.runId === null ? null : findRun(db, known.runId);
  if (run) return run;
  throw new AppError(
    "conflict",
    "This request was answered before, and its session has been deleted since.",
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
