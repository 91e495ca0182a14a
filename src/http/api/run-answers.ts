import { publicUsage } from "../../agent/events.ts";
import { AppError, isErrorCode } from "../../lib/errors.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { Approval, Run } from "../../store/records.ts";
import { sessionIdOf } from "../../tools/contract.ts";
import type { Admission } from "../admission.ts";
import { json, problem } from "../answers.ts";

/** True until the run has ended. */
export function isOpen({ status }: Run): boolean {
  return status === "queued" || status === "running";
}

/** A run as `GET /runs/{id}` shows it, with what it waits for somebody to decide. */
export function publicRun(run: Run, approvals: readonly Approval[]) {
  return {
    run_id: run.id,
    session_id: sessionIdOf(run.sessionKey),
    kind: run.kind,
    status: run.status,
    response: run.response,
    error: run.error,
    model: run.model,
    finish_reason: run.finishReason,
    usage: run.usage === null ? null : publicUsage(run.usage),
    approvals: approvals.map(({ id, tool, callId, question, details, createdAt }) => ({
      approval_id: id,
      tool,
      call_id: callId,
      question,
      details,
      requested_at: timestamp(createdAt),
    })),
    created_at: timestamp(run.createdAt),
    started_at: timestamp(run.startedAt),
    finished_at: timestamp(run.finishedAt),
  };
}

/** The answer to whoever waited for a run: made from the stored record alone, so that a repeat gets the same bytes. */
export function finishedAnswer(admission: Admission, run: Run): Response {
  if (run.status === "completed" && run.usage !== null)
    return json(admission, {
      response: run.response,
      session_id: sessionIdOf(run.sessionKey),
      run_id: run.id,
      model: run.model,
      finish_reason: run.finishReason,
      usage: publicUsage(run.usage),
    });
  return problem(admission, failureOf(run), { run_id: run.id, session_id: sessionIdOf(run.sessionKey) });
}

/** Why a run that ended has no answer. */
export function failureOf({ status, error }: Run): AppError {
  if (status === "cancelled")
    return new AppError("run_cancelled", "The run was cancelled before it had an answer.");
  if (error === null || !isErrorCode(error.code))
    return new AppError("internal", "The run failed.", {
      hint: "The log has the details under the run's id.",
    });
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new AppError(error.code, error.message, hint);
}
