import { and, desc, eq, inArray, lt, sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { absorbJoining } from "./absorb.ts";
import { acceptRun, findRun, toRun } from "./accept.ts";
import { insertNewApproval, markSettled } from "./approvals.ts";
import { type Db, statement } from "./connection.ts";
import type { RunStore } from "./contract.ts";
import { decodeCursor, pageOf, wholeLimit } from "./cursor.ts";
import { makeRepliesDue } from "./deliveries.ts";
import { appendRunEvents, runEventsAfter } from "./events.ts";
import type { Instances } from "./instances.ts";
import { appendMessages, messagesOfRun } from "./messages.ts";
import type { NewMessage, NewRunEvent, RunEventRecord, RunOutcome, RunStatus } from "./records.ts";
import { runs, sessions, toolCalls } from "./schema.ts";
import type { Access } from "./writer.ts";

interface RunState {
  status: RunStatus;
  instance: string | null;
  sessionKey: string;
  attempts: number;
  lastSeq: number;
}

const selectState = statement((db) =>
  db.$client.prepare<RunState, [string]>(
    `SELECT status, instance, session_key AS sessionKey, attempts,
       (SELECT coalesce(max(seq), 0) FROM run_events WHERE run_id = runs.id) AS lastSeq
     FROM runs WHERE id = ?`,
  ),
);

/** One statement, so that two processes can never both start a run, or two runs of one session. */
const startRun = statement((db) =>
  db.$client.prepare(
    `UPDATE runs SET status = 'running', instance = ?2, attempts = attempts + 1, started_at = coalesce(started_at, ?3)
     WHERE id = ?1 AND status = 'queued'
       AND NOT EXISTS (SELECT 1 FROM runs o WHERE o.session_key = runs.session_key AND o.status = 'running')
       AND NOT EXISTS (SELECT 1 FROM runs o WHERE o.session_key = runs.session_key AND o.status = 'queued'
                       AND o.position < runs.position)`,
  ),
);

const finishRun = statement((db) =>
  db.$client.prepare(
    `UPDATE runs SET status = ?2, response = ?3, finish_reason = ?4, model = ?5, error = ?6, usage = ?7,
       finished_at = ?8, instance = NULL
     WHERE id = ?1`,
  ),
);

const beginCall = statement((db) =>
  db.$client.prepare(
    `INSERT INTO tool_calls (run_id, call_id, name, arguments) VALUES (?, ?, ?, ?)
     ON CONFLICT (run_id, call_id) DO UPDATE SET name = excluded.name, arguments = excluded.arguments, finished = 0`,
  ),
);

const endCall = statement((db) =>
  db.$client.prepare("UPDATE tool_calls SET finished = 1 WHERE run_id = ? AND call_id = ?"),
);

const selectCalls = statement((db) =>
  db
    .select()
    .from(toolCalls)
    .where(eq(toolCalls.runId, sql.placeholder("runId")))
    .orderBy(toolCalls.position)
    .prepare(),
);

const markCancel = statement((db) => db.$client.prepare("UPDATE runs SET cancel_requested = 1 WHERE id = ?"));

/** The run and its sub-tasks, their sub-tasks and so on, those that are open; the run itself comes first. */
const selectOpenTree = statement((db) =>
  db.$client.prepare<{ id: string }, [string]>(
    `WITH RECURSIVE tree (id) AS (
       VALUES (?)
       UNION SELECT r.id FROM tree JOIN sessions s ON s.parent_run_id = tree.id JOIN runs r ON r.session_key = s.key
     )
     SELECT runs.id FROM tree JOIN runs ON runs.id = tree.id
     WHERE status IN ('queued', 'running') ORDER BY position`,
  ),
);

const selectSubTasks = statement((db) =>
  db
    .select({ run: runs })
    .from(runs)
    .innerJoin(sessions, eq(runs.sessionKey, sessions.key))
    .where(eq(sessions.parentRunId, sql.placeholder("runId")))
    .orderBy(runs.position)
    .prepare(),
);

const requeue = statement((db) =>
  db.$client.prepare(
    `UPDATE runs SET status = 'queued', instance = NULL
     WHERE status = 'running' AND instance = ?1 AND (?2 IS NULL OR id = ?2)`,
  ),
);

const selectRunningInstances = statement((db) =>
  db.$client.prepare<{ instance: string }, []>("SELECT DISTINCT instance FROM runs WHERE status = 'running'"),
);

const selectQueued = statement((db) =>
  db.select().from(runs).where(eq(runs.status, "queued")).orderBy(runs.position).prepare(),
);

const selectOpenOf = statement((db) =>
  db
    .select()
    .from(runs)
    .where(
      and(eq(runs.sessionKey, sql.placeholder("sessionKey")), inArray(runs.status, ["queued", "running"])),
    )
    .orderBy(runs.position)
    .prepare(),
);

/** Runs, their journals and their events. `now` gives milliseconds since the epoch. */
export function createRunStore(access: Access, instances: Instances, now: () => number): RunStore {
  /** One transaction of a run that runs here: its messages, its events and whatever `also` does. */
  const step = (
    id: string,
    added: { messages: NewMessage[]; events: NewRunEvent[] },
    also?: (db: Db) => void,
    writer: string | null = instances.own,
  ): Promise<RunEventRecord[]> =>
    access.write((db) => {
      const { sessionKey, lastSeq } = openRun(db, id, writer);
      appendMessages(db, { id, sessionKey }, added.messages, now());
      const events = appendRunEvents(db, id, lastSeq, added.events, now());
      also?.(db);
      return events;
    });

  return {
    accept: (run) => access.write((db) => acceptRun(db, run, now())),
    get: (id) => access.read((db) => findRun(db, id)),
    list: (page) => access.read((db) => listRuns(db, page)),
    start: (id, instance, firstEvents = []) =>
      access.write((db) => {
        const started = startRun(db).run(id, instance, now()).changes > 0;
        const state = selectState(db).get(id);
        if (!started) return state?.status === "queued" ? "busy" : "ended";
        if (state?.attempts === 1) appendRunEvents(db, id, state.lastSeq, firstEvents, now());
        return "started";
      }),
    journal: (id) =>
      access.read((db) => ({
        messages: messagesOfRun(db, id),
        toolCalls: selectCalls(db)
          .all({ runId: id })
          .map((call) => ({
            call: { id: call.callId, name: call.name, arguments: call.arguments },
            finished: call.finished,
          })),
      })),
    recordStep: (id, added) => step(id, added),
    appendEvents: (id, events) => step(id, { messages: [], events }),
    beginToolCall: (id, call, events) =>
      step(id, { messages: [], events }, (db) => beginCall(db).run(id, call.id, call.name, call.arguments)),
    endToolCall: (id, result, events) =>
      step(id, { messages: [result], events }, (db) => endCall(db).run(id, result.toolCallId ?? "")),
    finish: (id, outcome, added) =>
      step(
        id,
        added,
        (db) => end(db, id, outcome, now()),
        outcome.status === "cancelled" ? null : instances.own,
      ),
    events: (id, afterSeq, limit) => access.read((db) => runEventsAfter(db, id, afterSeq, wholeLimit(limit))),
    requestApproval: (id, approval, events) =>
      step(id, { messages: [], events }, (db) => insertNewApproval(db, id, approval, now())),
    settleApproval: (id, approvalId, events) =>
      step(id, { messages: [], events }, (db) => markSettled(db, id, approvalId)),
    openOf: (sessionKey) => access.read((db) => selectOpenOf(db).all({ sessionKey }).map(toRun)),
    absorb: (id, said, events) =>
      access.write((db) => absorbJoining(db, { id, ...openRun(db, id, instances.own) }, said, events, now())),
    subTasks: (id) =>
      access.read((db) =>
        selectSubTasks(db)
          .all({ runId: id })
          .map((row) => toRun(row.run)),
      ),
    requestCancel: (id) => access.write((db) => cancelTree(db, id)),
    cancelRequests: (ids) =>
      access.read((db) =>
        ids.length === 0
          ? []
          : db
              .select({ id: runs.id })
              .from(runs)
              .where(and(inArray(runs.id, ids), eq(runs.cancelRequested, true)))
              .all()
              .map((row) => row.id),
      ),
    async takeOver(instance) {
      const running = await access.read((db) =>
        selectRunningInstances(db)
          .all()
          .map((row) => row.instance),
      );
      const gone = instances.gone(running.filter((name) => name !== instance));
      if (gone.length > 0)
        await access.write((db) => {
          for (const name of gone) requeue(db).run(name, null);
        });
      instances.sweep();
      return access.read((db) => selectQueued(db).all().map(toRun));
    },
    park: (instance, id) =>
      access.write((db) => {
        requeue(db).run(instance, id ?? null);
      }),
  };
}

function cancelTree(db: Db, id: string): string[] {
  const open = selectOpenTree(db)
    .all(id)
    .map((row) => row.id);
  for (const one of open) markCancel(db).run(one);
  return open;
}

/**
 * The state of a run that has not ended and, given a `writer`, runs under that instance. A process that others took for
 * gone (its lock was removed, say) must not write on beside the one that has the run now.
 */
function openRun(db: Db, id: string, writer: string | null): RunState {
  const run = selectState(db).get(id);
  if (!run) throw new AppError("not_found", "There is no such run.");
  if (run.status !== "queued" && run.status !== "running")
    throw new AppError("conflict", "The run has ended.");
  if (writer !== null && run.instance !== writer)
    throw new AppError("conflict", "The run is not run by this process.");
  return run;
}

function end(db: Db, id: string, outcome: RunOutcome, now: number): void {
  const completed = outcome.status === "completed" ? outcome : null;
  const error = outcome.status === "failed" ? JSON.stringify(outcome.error) : null;
  finishRun(db).run(
    id,
    outcome.status,
    completed?.response ?? null,
    completed?.finishReason ?? null,
    completed?.model ?? null,
    error,
    JSON.stringify(outcome.usage),
    now,
  );
  makeRepliesDue(db, id, now);
}

function listRuns(db: Db, page: Parameters<RunStore["list"]>[0]) {
  const limit = wholeLimit(page.limit);
  const from = decodeCursor(page.cursor, ["number"]);
  const rows = db
    .select()
    .from(runs)
    .where(
      and(
        page.owner === undefined ? undefined : eq(runs.owner, page.owner),
        page.status === undefined ? undefined : eq(runs.status, page.status),
        from ? lt(runs.position, from[0]) : undefined,
      ),
    )
    .orderBy(desc(runs.position))
    .limit(limit + 1)
    .all();
  const { items, nextCursor } = pageOf(rows, limit, (last) => [last.position]);
  return { items: items.map(toRun), nextCursor };
}
