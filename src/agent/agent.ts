import type { LiveConfig } from "../config/live.ts";
import { backoffMs } from "../lib/backoff.ts";
import { AppError, toAppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { SafeFetch } from "../lib/safe-fetch.ts";
import type { ModelRouter, ResolvedModel } from "../models/contract.ts";
import type { NewRun, Run, Store } from "../store/contract.ts";
import { ID_PATTERN, sessionIdOf, sessionKey, sessionOwner } from "../tools/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import { checkAttachmentCount } from "./attachments.ts";
import { createPriceWarning } from "./budget.ts";
import type { AcceptedRequest, AgentService, TurnRequest } from "./contract.ts";
import { encodeEvent, publicUsage, startedEvent } from "./events.ts";
import { createHub } from "./hub.ts";
import { createPace } from "./pace.ts";
import { createRunWriter } from "./run-writer.ts";
import { createSchedule } from "./schedule.ts";
import { sleep } from "./sleep.ts";
import { runTurn } from "./turn.ts";
import { NO_USAGE } from "./usage.ts";

/** How often the store is asked for runs that another process left behind. */
const RECOVER_MS = 15_000;
/** How often, while a session is held by another process, it is asked whether that is gone. */
const HOLDER_CHECK_MS = 1_000;
/** Between two tries to put a run back whose turn could not be written. */
const PUT_BACK = { baseMs: 100, maxMs: 2_000 };
/** How often it is asked whether another process wants one of ours cancelled; only while one runs. */
const CANCEL_POLL_MS = 500;
/** How often listeners ask about a run of another process, and about one that waits here but may start elsewhere. */
const ELSEWHERE_POLL_MS = 200;
const WAITING_POLL_MS = 1_000;
/** What an aborted turn gets to let go of its model and its tools. */
const ABORT_GRACE_MS = 1_000;
/** A run that was started this often and never ended takes the process down with it; it is not started again. */
const MAX_ATTEMPTS = 50;
const OVERLOAD_RETRY_MS = 5_000;
const SESSION_ID = new RegExp(ID_PATTERN);

export interface AgentParts {
  store: Store;
  models: ModelRouter;
  tools: ToolRegistry;
  config: LiveConfig;
  log: Log;
  /** For attachments. */
  fetch: SafeFetch;
}

/** What the schedule keeps of a run. Thousands of them may wait. */
type QueuedRun = Pick<Run, "id" | "sessionKey" | "request">;

/** The agent: takes messages on, runs a turn for each, and tells how it goes. */
export function createAgent(parts: AgentParts): AgentService {
  const { store, models, tools, config, log } = parts;
  const controls = new Map<string, AbortController>(); // of the turns that run here
  const parking = new AbortController();
  const pace = createPace();
  const warnOfPrice = createPriceWarning(log);
  let stopping: Promise<void> | null = null;
  let recoverTimer: Timer | undefined;
  let cancelTimer: Timer | undefined;
  let holdersCheckedMs = Number.NEGATIVE_INFINITY;

  const schedule = createSchedule({ maxConcurrent: config.current.agent.max_concurrent_turns, execute, log });
  const stopListening = config.onChange(({ agent }) => schedule.setLimit(agent.max_concurrent_turns));
  const hub = createHub(store.runs, (id) => {
    if (controls.has(id)) return null;
    return schedule.isWaiting(id) ? WAITING_POLL_MS : ELSEWHERE_POLL_MS;
  });

  async function execute(queued: QueuedRun): Promise<"done" | "busy"> {
    const model = modelOf(queued);
    const events = model instanceof AppError ? [] : [encodeEvent(queued.id, startedEvent(queued, model))];
    const started = await store.runs.start(queued.id, store.instance, events);
    if (started === "busy") {
      await freeSession(queued.sessionKey);
      return "busy";
    }
    hub.wake(queued.id); // whoever listens finds it started, or ended, or follows it into another process
    const isPutBack = started === "started" && (await runHere(queued.id, model)) === "put back";
    hub.wake(queued.id);
    return isPutBack ? "busy" : "done";
  }

  /** Takes up the runs of this session whose process is gone, which stand before one of ours. Not every process recovers. */
  async function freeSession(sessionKey: string): Promise<void> {
    if (performance.now() - holdersCheckedMs < HOLDER_CHECK_MS) return;
    holdersCheckedMs = performance.now();
    const runs = await store.runs.takeOver(store.instance);
    if (!stopping) schedule.merge(runs.filter((run) => run.sessionKey === sessionKey));
  }

  /** The model of the turn, or the error with which the turn shall end. */
  function modelOf({ request }: QueuedRun): ResolvedModel | AppError {
    try {
      return models.resolve((request as AcceptedRequest).model);
    } catch (error) {
      return toAppError(error);
    }
  }

  async function runHere(runId: string, model: ResolvedModel | AppError): Promise<"ended" | "put back"> {
    const control = new AbortController();
    controls.set(runId, control);
    pollCancels();
    if (!(model instanceof AppError)) warnOfPrice(config.current.agent, model.info);
    try {
      const run = await store.runs.get(runId);
      if (run?.status !== "running") return "ended"; // cancelled at the moment it started
      if (parking.signal.aborted) control.abort(parking.signal.reason);
      else if (run.cancelRequested) control.abort(cancelled());
      else if (run.attempts > MAX_ATTEMPTS) control.abort(startedTooOften());
      const publish = hub.publish.bind(null, runId);
      const writer = createRunWriter({ runId, runs: store.runs, publish, pace, parked: parking.signal, log });
      await runTurn(parts, { run, model, writer, control });
    } catch (error) {
      if (hasEndedElsewhere(error)) log.info("a run ended elsewhere while it ran here", { run: runId });
      else if (parking.signal.aborted) log.info("a turn is parked for the next start", { run: runId });
      else {
        log.error("a turn could not be written, and is begun again", { run: runId, error });
        await putBack(runId);
        return "put back";
      }
    } finally {
      controls.delete(runId);
    }
    return "ended";
  }

  /** As nobody else takes a run from a process that lives, it would stay `running` for ever. */
  async function putBack(runId: string): Promise<void> {
    for (let retry = 0; !parking.signal.aborted; retry++) {
      await sleep(backoffMs(retry, PUT_BACK), parking.signal);
      try {
        return await store.runs.park(store.instance, runId);
      } catch (error) {
        log.debug("the run could not be put back yet", { run: runId, error });
      }
    }
  }

  /** Sees cancels that other processes ask for, for as long as something runs here. */
  function pollCancels(): void {
    cancelTimer ??= setInterval(() => {
      if (controls.size === 0) {
        clearInterval(cancelTimer);
        cancelTimer = undefined;
        return;
      }
      store.runs.cancelRequests([...controls.keys()]).then(
        (ids) => {
          for (const id of ids) controls.get(id)?.abort(cancelled());
        },
        (error) => log.warn("cancels could not be looked up", { error }),
      );
    }, CANCEL_POLL_MS);
  }

  async function takeOver(): Promise<void> {
    const runs = await store.runs.takeOver(store.instance);
    if (!stopping) schedule.merge(runs);
  }

  /**
   * The run is in the schedule before it is on disk: when nothing stands before it, its start follows in the same
   * transaction. One that does not get to the disk is not found there when it starts.
   */
  async function accept(request: TurnRequest): Promise<{ run: Run; duplicate: boolean }> {
    if (stopping) throw shuttingDown();
    const newRun = toRun(request);
    const { max_queued_turns } = config.current.agent;
    if (schedule.waiting >= max_queued_turns) throw overloaded(max_queued_turns);
    const { id, session } = newRun;
    const written = store.runs.accept(newRun);
    schedule.add({ id, sessionKey: sessionKey(session.owner, session.id), request: newRun.request });
    let isNew = false;
    try {
      const accepted = await written;
      isNew = !accepted.duplicate;
      return accepted;
    } finally {
      if (!isNew) schedule.remove(id);
    }
  }

  /** Checks the request; everything that can be refused is refused here, before anything is stored. */
  function toRun(request: TurnRequest): NewRun {
    const { caller, text, attachments = [], model, sessionId, delivery } = request;
    if (sessionId !== undefined && !SESSION_ID.test(sessionId))
      throw new AppError("invalid_request", "This is not a session id.", {
        hint: "Use 1 to 64 letters, digits, `_` or `-`.",
      });
    models.resolve(model);
    if (caller.tools) tools.resolveNames(caller.tools);
    checkAttachmentCount(attachments);
    const accepted: AcceptedRequest = { caller, attachments, ...(model === undefined ? {} : { model }) };
    return {
      id: newId("run"),
      kind: request.kind,
      session: { owner: sessionOwner(caller), id: sessionId ?? newId("ses") },
      request: accepted,
      message: { role: "user", parts: [{ type: "text", text }] },
      ...(delivery === undefined ? {} : { delivery }),
    };
  }

  async function cancel(runId: string): Promise<boolean> {
    const asked = store.runs.requestCancel(runId); // in the store's queue before whatever the abort makes the turn write
    const control = controls.get(runId);
    control?.abort(cancelled());
    if (!(await asked)) return false;
    if (!control) await cancelWaiting(runId);
    return true;
  }

  /** Ends a run that nobody has started; one that runs elsewhere is left to its process, which polls. */
  async function cancelWaiting(runId: string): Promise<void> {
    const run = await store.runs.get(runId);
    if (run?.status !== "queued") return;
    schedule.remove(runId);
    const { code, message } = cancelled();
    const event = encodeEvent(runId, {
      type: "run.failed",
      status: "cancelled",
      session_id: sessionIdOf(run.sessionKey),
      error: { code, message },
      usage: publicUsage(NO_USAGE),
    });
    const outcome = { status: "cancelled", usage: NO_USAGE } as const;
    hub.publish(runId, await store.runs.finish(runId, outcome, { messages: [], events: [event] }));
    hub.wake(runId);
  }

  async function stop(deadlineMs: number): Promise<void> {
    clearInterval(recoverTimer);
    stopListening();
    const ended = schedule.stop();
    const deadline = new AbortController();
    await Promise.race([ended, sleep(deadlineMs, deadline.signal)]);
    deadline.abort();
    const reason = shuttingDown();
    parking.abort(reason);
    for (const control of controls.values()) control.abort(reason);
    const grace = new AbortController();
    await Promise.race([ended, sleep(ABORT_GRACE_MS, grace.signal)]);
    grace.abort();
    clearInterval(cancelTimer);
    await store.runs.park(store.instance);
  }

  return {
    accept,
    cancel,
    events: hub.events,
    finished: hub.finished,
    stats: () => ({ running: controls.size, queued: schedule.waiting }),
    async recover() {
      await takeOver();
      recoverTimer ??= setInterval(() => {
        takeOver().catch((error) => log.warn("runs of other processes could not be looked up", { error }));
      }, RECOVER_MS);
    },
    stop(deadlineMs) {
      stopping ??= stop(deadlineMs);
      return stopping;
    },
  };
}

/** The store takes nothing more for a run that has ended or was deleted. */
function hasEndedElsewhere(error: unknown): boolean {
  return error instanceof AppError && (error.code === "conflict" || error.code === "not_found");
}

function cancelled(): AppError {
  return new AppError("run_cancelled", "The run was cancelled.");
}

function startedTooOften(): AppError {
  return new AppError("internal", `The turn was started ${MAX_ATTEMPTS} times and never came to an end.`, {
    hint: "The log tells what ended Hermes each time. Send the message again once that is mended.",
  });
}

function shuttingDown(): AppError {
  return new AppError("shutting_down", "Hermes is shutting down.", {
    hint: "Try again in a few seconds.",
    retryAfterMs: 5_000,
  });
}

function overloaded(limit: number): AppError {
  return new AppError("overloaded", `${limit} turns are waiting already.`, {
    hint: "Try again later. agent.max_queued_turns sets how many may wait.",
    retryAfterMs: OVERLOAD_RETRY_MS,
  });
}
