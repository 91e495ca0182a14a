import { and, asc, eq, gt, sql } from "drizzle-orm";
import { type Db, statement } from "./connection.ts";
import type { NewRunEvent, RunEventRecord } from "./records.ts";
import { runEvents } from "./schema.ts";
import { insertWebhookEvent } from "./webhook-events.ts";

const insertEvent = statement((db) =>
  db.$client.prepare("INSERT INTO run_events (run_id, seq, type, data) VALUES (?, ?, ?, ?)"),
);

const selectAfter = statement((db) =>
  db
    .select({ seq: runEvents.seq, type: runEvents.type, data: runEvents.data })
    .from(runEvents)
    .where(and(eq(runEvents.runId, sql.placeholder("runId")), gt(runEvents.seq, sql.placeholder("afterSeq"))))
    .orderBy(asc(runEvents.seq))
    .limit(sql.placeholder("limit"))
    .prepare(),
);

/** Numbers the events on from the last one of the run, and keeps what others are told of them; within a transaction. */
export function appendRunEvents(
  db: Db,
  runId: string,
  lastSeq: number,
  added: NewRunEvent[],
  now: number,
): RunEventRecord[] {
  return added.map(({ type, data, told }, i) => {
    const seq = lastSeq + 1 + i;
    insertEvent(db).run(runId, seq, type, data);
    if (told) insertWebhookEvent(db, told, now);
    return { seq, type, data };
  });
}

/** The events of a run after `afterSeq`, oldest first. */
export function runEventsAfter(db: Db, runId: string, afterSeq: number, limit: number): RunEventRecord[] {
  return selectAfter(db).all({ runId, afterSeq, limit });
}
