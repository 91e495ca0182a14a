import type { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { FinishReason } from "../models/contract.ts";
import type { NewMessage, Run, RunError, Usage } from "../store/records.ts";
import { sessionIdOf } from "../tools/contract.ts";
import type { Budget } from "./budget.ts";
import { textOf } from "./context.ts";
import { ANSWER_GAP, publicUsage } from "./events.ts";
import type { ModelStep } from "./model-step.ts";
import type { RunWriter } from "./run-writer.ts";
import { earlierAnswers } from "./steering.ts";

/** Ends that are no outcome, and that the writer refuses: the turn was parked, or another process has the run. */
const UNWRITTEN: ReadonlySet<string> = new Set(["shutting_down", "conflict"]);

/** The answer that a turn ends with. */
export interface Answer {
  step: ModelStep;
  /** The step as it is stored. */
  said: NewMessage;
  finish: FinishReason;
}

/** Ends a turn with an answer, and with those that it gave before. */
export async function complete(
  { run, messages, budget }: { run: Run; messages: readonly NewMessage[]; budget: Budget },
  { step: { model }, said, finish }: Answer,
  writer: RunWriter,
): Promise<void> {
  const text = [...earlierAnswers(messages), said].map(({ parts }) => textOf(parts)).join(ANSWER_GAP);
  const usage = budget.usage;
  await writer.finish({ status: "completed", response: text, finishReason: finish, model, usage }, [said], {
    type: "run.completed",
    response: text,
    session_id: sessionIdOf(run.sessionKey),
    model,
    finish_reason: finish,
    usage: publicUsage(usage),
  });
}

/** Ends a turn with an error, or, where that is no outcome of it, leaves it to the writer to refuse. */
export async function fail(
  run: Run,
  error: AppError,
  usage: Usage,
  { writer, log }: { writer: RunWriter; log: Log },
): Promise<void> {
  const cancelled = error.code === "run_cancelled";
  if (!UNWRITTEN.has(error.code) && !cancelled)
    log.warn("a turn failed", { run: run.id, code: error.code, error });
  const shown: RunError = {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
  const status = cancelled ? "cancelled" : "failed";
  await writer.finish(
    cancelled ? { status: "cancelled", usage } : { status: "failed", error: shown, usage },
    [],
    {
      type: "run.failed",
      status,
      session_id: sessionIdOf(run.sessionKey),
      error: shown,
      usage: publicUsage(usage),
    },
  );
}
