import type { LiveConfig } from "../config/live.ts";
import { AppError, toAppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { SafeFetch } from "../lib/safe-fetch.ts";
import type { ResolvedModel } from "../models/contract.ts";
import type { RunStore, Store } from "../store/contract.ts";
import type { NewMessage, Run, RunEventRecord, ToolCallState } from "../store/records.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import type { Approvals, Approver } from "./approvals.ts";
import { fetchAttachments } from "./attachments.ts";
import { type Budget, createBudget, narrowLimits, timeExceeded, type UpperBudget } from "./budget.ts";
import type { AcceptedRequest, FetchFile, RunningTurn } from "./contract.ts";
import { startedEvent } from "./events.ts";
import { fetchFiles } from "./files.ts";
import { assistantMessage, callModel, type ModelStep, takeBack } from "./model-step.ts";
import { modelTool } from "./model-tools.ts";
import { type Answer, complete, fail } from "./outcome.ts";
import { toolNotes } from "./prompt.ts";
import { createRequestBuilder, type RequestBuilder } from "./request.ts";
import type { RunWriter } from "./run-writer.ts";
import { createSteering, type TakeIn, takeNothingIn } from "./steering.ts";
import { openCalls, runToolCalls } from "./tool-step.ts";
import { createTurnClock, type TurnClock } from "./turn-clock.ts";
import { NO_USAGE } from "./usage.ts";

const EVENT_PAGE = 1_000;

/** What turns work with. */
export interface TurnParts {
  store: Pick<Store, "runs" | "sessions">;
  tools: ToolRegistry;
  config: LiveConfig;
  fetch: SafeFetch;
  fetchFile: FetchFile | undefined;
  /** See `SteeringParts.joined`. */
  joined: (runIds: readonly string[]) => void;
  log: Log;
}

/** What a turn is made of. */
export interface TurnStart {
  /** Started already, `run.started` included when this is its first start. */
  run: Run;
  /** The model, or why there is none. */
  model: ResolvedModel | AppError;
  writer: RunWriter;
  /** The turn as others see it; its budget is put there. */
  turn: RunningTurn;
  approvals: Approvals;
  /** What a sub-task's spending counts against too. */
  upper: () => UpperBudget | null;
}

/** A turn under way: what it was asked, what it has said so far, and what it works with. */
interface Turn {
  run: Run;
  request: AcceptedRequest;
  model: ResolvedModel;
  budget: Budget;
  messages: NewMessage[];
  /** The calls that the journal knows of; empty once they have been dealt with. */
  callStates: ToolCallState[];
  nextRequest: RequestBuilder;
  takeIn: TakeIn;
  approver: Approver;
  signal: AbortSignal;
}

/**
 * Runs a started turn to its end, from the beginning or from where its journal breaks off, and writes the outcome. Each step
 * is on disk before the next one begins. Ends without an outcome, by a rejection, only when the writer can write no more: the
 * turn was parked, or the run has ended elsewhere.
 */
export async function runTurn(parts: TurnParts, start: TurnStart): Promise<void> {
  const { run, writer } = start;
  const { control } = start.turn;
  const timeoutMs = parts.config.current.agent.turn_timeout_ms;
  const clock = createTurnClock(timeoutMs, () => control.abort(timeExceeded(timeoutMs)));
  let turn: Turn | null = null;
  try {
    control.signal.throwIfAborted();
    turn = await openTurn(parts, start, clock);
    const answer = await answerOf(turn, parts, writer);
    await complete(turn, answer, writer);
  } catch (thrown) {
    const error = control.signal.aborted ? control.signal.reason : thrown;
    await fail(run, toAppError(error), turn?.budget.usage ?? NO_USAGE, { writer, log: parts.log });
  } finally {
    clock.stop();
  }
}

async function openTurn(parts: TurnParts, start: TurnStart, clock: TurnClock): Promise<Turn> {
  const { run, model, writer, approvals } = start;
  if (model instanceof AppError) throw model;
  const { store, config, log } = parts;
  const { signal } = start.turn.control;
  const request = run.request as AcceptedRequest; // written by `accept`, read by nobody else
  const resumed = run.attempts > 1;
  const budget = budgetOf(request, start, parts, model);
  if (resumed)
    for (const { id, usage } of await store.runs.subTasks(run.id)) budget.charge(id, usage ?? NO_USAGE);
  const journal = await store.runs.journal(run.id);
  for (const message of journal.messages) if (message.usage) budget.spend(message.usage);
  const first = journal.messages[0];
  if (!first) throw new AppError("internal", "The message of this turn is missing.");

  const current = { sessionKey: run.sessionKey, runId: run.id, firstMessageId: first.id };
  const turn: Turn = {
    run,
    request,
    model,
    budget,
    messages: journal.messages,
    callStates: journal.toolCalls,
    nextRequest: createRequestBuilder({
      model,
      config,
      sessions: store.sessions,
      budget,
      current,
      instructions: request.instructions,
      notes: async () => (model.info.tools ? toolNotes(parts.tools.list(request.caller), log) : []),
      signal,
      log,
    }),
    takeIn:
      request.caller.door === "gateway" && !request.subTask
        ? createSteering({ run, runs: store.runs, budget, writer, joined: parts.joined, signal, log })
        : takeNothingIn,
    approver: approvals.approver({ runId: run.id, resumed, writer, clock, signal }),
    signal,
  };
  if (resumed) {
    // Text of a model call whose answer is not in the journal: the call is made again.
    if (openCalls(journal.messages).length === 0 && (await endsInText(store.runs, run.id)))
      writer.event({ type: "message.delta", delta: "", reset: true });
    writer.event({ ...startedEvent(run, model), resumed: true });
  }
  await attach(turn, parts, writer);
  return turn;
}

/** What the turn may spend: what the configuration says, and of that no more than its parent had left. */
function budgetOf(
  { subTask }: AcceptedRequest,
  { turn, upper }: TurnStart,
  { config }: TurnParts,
  model: ResolvedModel,
): Budget {
  const given = subTask?.parent?.limits;
  const limits = () => (given ? narrowLimits(config.current.agent, given) : config.current.agent);
  turn.budget = createBudget(limits, model.info, upper);
  return turn.budget;
}

/** True when the last thing that clients saw is text that no later event took back. */
async function endsInText(runs: Pick<RunStore, "events">, runId: string): Promise<boolean> {
  let last: RunEventRecord | null = null;
  let seq = 0;
  for (;;) {
    const page = await runs.events(runId, seq, EVENT_PAGE);
    last = page.findLast((event) => event.type !== "run.started") ?? last;
    if (page.length < EVENT_PAGE) break;
    seq = page.at(-1)?.seq ?? seq;
  }
  return last?.type === "message.delta" && !(JSON.parse(last.data) as { reset?: boolean }).reset;
}

/** Fetches attachments and files once: after a restart their messages are in the journal. */
async function attach(turn: Turn, { fetch, fetchFile, log }: TurnParts, writer: RunWriter): Promise<void> {
  const { request, messages, signal } = turn;
  const { attachments, files = [] } = request;
  if (messages.length > 1) return;
  const fetched = await Promise.all([
    ...(attachments.length > 0 ? [fetchAttachments(attachments, fetch, signal)] : []),
    ...(files.length > 0 ? [fetchFiles(files, { fetchFile, signal, log })] : []),
  ]);
  if (fetched.length === 0) return;
  await writer.recordStep(fetched);
  messages.push(...fetched);
}

/** The loop: model, tools, model, until the model has nothing more to ask for, and nobody has said more meanwhile. */
async function answerOf(turn: Turn, parts: TurnParts, writer: RunWriter): Promise<Answer> {
  const { run, request, messages, budget, model, approver, signal } = turn;
  const context = { caller: request.caller, sessionKey: run.sessionKey, runId: run.id, signal };
  for (let emptyAnswers = 0; ; ) {
    const open = openCalls(messages, turn.callStates);
    turn.callStates = [];
    if (open.length > 0)
      messages.push(...(await runToolCalls(open, { tools: parts.tools, writer, approver, context })));
    messages.push(...(await turn.takeIn()));

    budget.beforeStep();
    const tools = model.info.tools ? parts.tools.list(request.caller).map(modelTool) : [];
    const step = await callModel({
      model,
      request: await turn.nextRequest(messages, tools),
      budget,
      writer,
      signal,
    });
    if (step.finish === "content_filter")
      throw new AppError("model_refused", "The model provider's content filter stopped the answer.", {
        hint: "Put the request in other words, or use another model.",
      });
    if (step.toolCalls.length > 0) {
      const message = assistantMessage(step, messages);
      await writer.recordStep([message]);
      messages.push(message);
      continue;
    }
    if (step.text.trim() !== "") {
      const said = assistantMessage(step, messages);
      const taken = await turn.takeIn(said);
      if (taken.length === 0) return { step, said, finish: step.finish === "length" ? "length" : "stop" };
      messages.push(...taken);
      continue;
    }
    refuseEmpty(step, emptyAnswers++);
    takeBack(step, writer);
  }
}

/** An empty answer is asked for once more, and never passed on. */
function refuseEmpty(step: ModelStep, before: number): void {
  if (step.finish === "length")
    throw new AppError(
      "model_bad_answer",
      "The model used all of its output tokens without writing an answer.",
      {
        hint: "Raise model.max_output_tokens, or use another model.",
      },
    );
  if (before > 0)
    throw new AppError("model_bad_answer", "The model gave an empty answer, twice.", {
      hint: "Try again, or use another model.",
    });
}
