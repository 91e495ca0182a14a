import { and, asc, eq, inArray, sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";
import type { ApprovalStore } from "./contract.ts";
import type { Approval, NewApproval } from "./records.ts";
import { approvals } from "./schema.ts";
import type { Access } from "./writer.ts";

const insertApproval = statement((db) =>
  db.$client.prepare(
    `INSERT INTO approvals (id, run_id, call_id, tool, question, details, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  ),
);

const settle = statement((db) =>
  db.$client.prepare("UPDATE approvals SET settled = 1 WHERE run_id = ? AND id = ?"),
);

/** One statement, so that of two who decide at once only one does. */
const decideOpen = statement((db) =>
  db.$client.prepare(
    `UPDATE approvals SET decision = ?3
     WHERE run_id = ?1 AND id = ?2 AND decision IS NULL AND settled = 0
       AND EXISTS (SELECT 1 FROM runs WHERE id = ?1 AND status IN ('queued', 'running'))`,
  ),
);

const selectOpen = statement((db) =>
  db
    .select()
    .from(approvals)
    .where(
      and(
        eq(approvals.runId, sql.placeholder("runId")),
        sql`${approvals.decision} is null`,
        eq(approvals.settled, false),
        sql`exists (select 1 from runs where id = ${approvals.runId} and status in ('queued', 'running'))`,
      ),
    )
    .orderBy(asc(approvals.position))
    .prepare(),
);

const selectLeft = statement((db) =>
  db
    .select()
    .from(approvals)
    .where(
      and(
        eq(approvals.runId, sql.placeholder("runId")),
        sql`(${approvals.settled} = 0 or not exists (
          select 1 from tool_calls
          where tool_calls.run_id = ${approvals.runId} and tool_calls.call_id = ${approvals.callId}))`,
      ),
    )
    .orderBy(asc(approvals.position))
    .prepare(),
);

const selectApproval = statement((db) =>
  db.$client.prepare<[number], [string, string]>("SELECT 1 FROM approvals WHERE run_id = ? AND id = ?"),
);

/** What calls ask somebody to allow, and what was said to it. */
export function createApprovalStore(access: Access): ApprovalStore {
  return {
    open: (runId) => access.read((db) => selectOpen(db).all({ runId }).map(toApproval)),
    left: (runId) =>
      access.read((db) =>
        selectLeft(db)
          .all({ runId })
          .map((row) => ({ ...toApproval(row), settled: row.settled })),
      ),
    decided: (ids) =>
      access.read((db) =>
        db
          .select()
          .from(approvals)
          .where(and(inArray(approvals.id, ids), sql`${approvals.decision} is not null`))
          .all()
          .map(toApproval),
      ),
    decide: (runId, id, decision) =>
      access.write((db) => {
        if (decideOpen(db).run(runId, id, JSON.stringify(decision)).changes > 0) return;
        if (selectApproval(db).values(runId, id).length === 0)
          throw new AppError("not_found", "The run has no such approval.");
        throw new AppError("conflict", "This is decided already, or its run has ended.");
      }),
  };
}

/** Keeps what a call of the run asks for; within a transaction. */
export function insertNewApproval(db: Db, runId: string, approval: NewApproval, now: number): void {
  const { id, callId, tool, question, details } = approval;
  insertApproval(db).run(id, runId, callId, tool, question, details, now);
}

/** Notes that the run goes on with the answer; within a transaction. */
export function markSettled(db: Db, runId: string, id: string): void {
  settle(db).run(runId, id);
}

function toApproval({
  position: _position,
  settled: _settled,
  ...approval
}: typeof approvals.$inferSelect): Approval {
  return approval;
}
