import type { LiveConfig } from "../config/live.ts";
import { AppError, toAppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { SafeFetch } from "../lib/safe-fetch.ts";
import { sleep } from "../lib/waiting.ts";
import type { ModelRouter, ResolvedModel } from "../models/contract.ts";
import type { Store } from "../store/contract.ts";
import type { NewRun, Run } from "../store/records.ts";
import { ID_PATTERN, sessionIdOf, sessionKey, sessionOwner } from "../tools/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import { type Announcer, SILENT_ANNOUNCER } from "../webhooks/outbound/announcer.ts";
import { createApprovals } from "./approvals.ts";
import { checkAttachmentCount } from "./attachments.ts";
import type { AcceptedRequest, AgentService, FetchFile, TurnRequest } from "./contract.ts";
import { publicUsage, startedEvent } from "./events.ts";
import { createHub } from "./hub.ts";
import { createPace } from "./pace.ts";
import { cancelled, createRunningTurns } from "./running.ts";
import { createSchedule, type Waiting } from "./schedule.ts";
import { createRunTeller, isSubTask, toldOfAcceptance } from "./told.ts";
import { NO_USAGE } from "./usage.ts";

/** How often the store is asked for runs that another process left behind. */
const RECOVER_MS = 15_000;
/** How often, while a session is held by another process, it is asked whether that is gone. */
const HOLDER_CHECK_MS = 1_000;
/** How often listeners ask about a run of another process, and about one that waits here but may start elsewhere. */
const ELSEWHERE_POLL_MS = 200;
const WAITING_POLL_MS = 1_000;
/** And so much more rarely for each that waits: what is asked does not grow with their number. */
const WAITING_POLL_MORE_MS = 10;
/** What an aborted turn gets to let go of its model and its tools. */
const ABORT_GRACE_MS = 1_000;
const OVERLOAD_RETRY_MS = 5_000;
/** Of somebody in a chat, and never more than half of all that may wait. */
const MAX_WAITING_OF_PERSON = 1_000;
const SESSION_ID = new RegExp(ID_PATTERN);

/** What the agent works with. */
export interface AgentParts {
  store: Store;
  models: ModelRouter;
  tools: ToolRegistry;
  config: LiveConfig;
  log: Log;
  /** For attachments. */
  fetch: SafeFetch;
  /** For files of chats; absent in a process that connects no platform. */
  fetchFile?: FetchFile;
  /** Makes what others are told by webhook; without it they are told nothing. */
  announcer?: Announcer;
}

/** What the schedule keeps of a run: thousands may wait, and all else of them is on disk. */
interface QueuedRun extends Required<Waiting>, Pick<Run, "kind"> {
  /** The one that was asked for; absent: the default at the start of the turn. */
  model?: string;
}

/** The agent: takes messages on, runs a turn for each, and tells how it goes. */
export function createAgent(parts: AgentParts): AgentService {
  const { store, models, tools, config, log, announcer = SILENT_ANNOUNCER } = parts;
  const parking = new AbortController();
  let stopping: Promise<void> | null = null;
  let recoverTimer: Timer | undefined;
  let holdersCheckedMs = Number.NEGATIVE_INFINITY;

  const schedule = createSchedule({ maxConcurrent: config.current.agent.max_concurrent_turns, execute, log });
  const stopListening = config.onChange(({ agent }) => schedule.setLimit(agent.max_concurrent_turns));
  const approvals = createApprovals({
    store: store.approvals,
    timeoutMs: () => config.current.agent.approval_timeout_ms,
    log,
  });
  const hub = createHub(store.runs, (id) => {
    if (turns.get(id)) return null;
    if (!schedule.isWaiting(id)) return ELSEWHERE_POLL_MS;
    return WAITING_POLL_MS + WAITING_POLL_MORE_MS * schedule.waiting;
  });
  const turns = createRunningTurns({
    ...parts,
    fetchFile: parts.fetchFile,
    announcer,
    joined,
    approvals,
    publish: hub.publish,
    pace: createPace(),
    parked: parking.signal,
    endSubTasks: async (runId) => void (await cancel(runId)),
  });

  async function execute(queued: QueuedRun): Promise<"done" | "busy"> {
    const model = modelOf(queued);
    const teller = createRunTeller(announcer, queued);
    const events = model instanceof AppError ? [] : [teller.encode(startedEvent(queued, model))];
    const started = await store.runs.start(queued.id, store.instance, events);
    teller.stored(events);
    if (started === "busy") {
      await freeSession(queued.sessionKey);
      return "busy";
    }
    hub.wake(queued.id); // whoever listens finds it started, or ended, or follows it into another process
    const isPutBack = started === "started" && (await turns.run(queued.id, model)) === "put back";
    hub.wake(queued.id);
    return isPutBack ? "busy" : "done";
  }

  /** These have ended by a turn that took their messages in. */
  function joined(runIds: readonly string[]): void {
    for (const id of runIds) {
      schedule.remove(id);
      hub.wake(id);
    }
  }

  /** Takes up the runs of this session whose process is gone, which stand before one of ours. Not every process recovers. */
  async function freeSession(sessionKey: string): Promise<void> {
    if (performance.now() - holdersCheckedMs < HOLDER_CHECK_MS) return;
    holdersCheckedMs = performance.now();
    const runs = await store.runs.takeOver(store.instance);
    if (!stopping) schedule.merge(runs.filter((run) => run.sessionKey === sessionKey).map(toQueued));
  }

  /** The model of the turn, or the error with which the turn shall end. */
  function modelOf({ model }: QueuedRun): ResolvedModel | AppError {
    try {
      return models.resolve(model);
    } catch (error) {
      return toAppError(error);
    }
  }

  async function takeOver(): Promise<void> {
    const runs = await store.runs.takeOver(store.instance);
    if (!stopping) schedule.merge(runs.map(toQueued));
  }

  /**
   * The run is in the schedule before it is on disk: when nothing stands before it, its start follows in the same
   * transaction. One that does not get to the disk is not found there when it starts.
   */
  async function accept(request: TurnRequest): Promise<{ run: Run; duplicate: boolean }> {
    const isGivenOut = request.subTask?.parent !== undefined;
    refuseMore(request, isGivenOut);
    const newRun = toRun(request);
    const { id, session } = newRun;
    const written = store.runs.accept(newRun);
    schedule.add(toQueued({ ...newRun, sessionKey: sessionKey(session.owner, session.id) }));
    let isNew = false;
    try {
      const accepted = await written;
      isNew = !accepted.duplicate;
      if (isNew && newRun.told) announcer.stored();
      // A sub-task that a process which is gone left in the queue: not every process takes up all that lies there.
      if (isGivenOut && accepted.duplicate && accepted.run.status === "queued")
        schedule.add(toQueued(accepted.run));
      return accepted;
    } finally {
      if (!isNew) schedule.remove(id);
    }
  }

  /**
   * A sub-task belongs to a turn that runs already, so it is taken on as long as that may go on. Of those who write in chats nobody
   * may take all places: anybody may be among them.
   */
  function refuseMore({ caller }: TurnRequest, isGivenOut: boolean): void {
    if (isGivenOut) {
      parking.signal.throwIfAborted();
      return;
    }
    if (stopping) throw shuttingDown();
    const { max_queued_turns } = config.current.agent;
    if (schedule.waiting >= max_queued_turns) throw overloaded(max_queued_turns);
    const share = Math.min(MAX_WAITING_OF_PERSON, Math.ceil(max_queued_turns / 2));
    if (caller.door === "gateway" && schedule.waitingOf(sessionOwner(caller)) >= share) throw tooMany(share);
  }

  /** Checks the request; everything that can be refused is refused here, before anything is stored. */
  function toRun(request: TurnRequest): NewRun {
    const { caller, text, attachments = [], files = [], model, sessionId, subTask } = request;
    if (sessionId !== undefined && !SESSION_ID.test(sessionId))
      throw new AppError("invalid_request", "This is not a session id.", {
        hint: "Use 1 to 64 letters, digits, `_` or `-`.",
      });
    models.resolve(model);
    if (caller.tools) tools.resolveNames(caller.tools);
    checkAttachmentCount(attachments);
    const accepted: AcceptedRequest = {
      caller,
      attachments,
      ...(files.length === 0 ? {} : { files }),
      ...(request.instructions === undefined ? {} : { instructions: request.instructions }),
      ...(model === undefined ? {} : { model }),
      ...(subTask === undefined ? {} : { subTask }),
    };
    const parent = subTask?.parent;
    const run: NewRun = {
      id: newId("run"),
      kind: request.kind,
      session: {
        owner: sessionOwner(caller),
        id: sessionId ?? newId("ses"),
        ...(parent === undefined ? {} : { parentRunId: parent.runId }),
      },
      request: accepted,
      // Some providers refuse empty text, so beside files there is none.
      message: { role: "user", parts: text === "" && files.length > 0 ? [] : [{ type: "text", text }] },
      joinsRunning: request.joinsRunning === true && attachments.length + files.length === 0,
      replacesLastTurn: request.replacesLastTurn === true,
      ...(request.delivery === undefined ? {} : { delivery: request.delivery }),
      ...(request.reply === undefined ? {} : { reply: request.reply }),
    };
    const told = toldOfAcceptance(announcer, run, { text, attachments: attachments.length + files.length });
    return { ...run, told };
  }

  async function cancel(runId: string): Promise<boolean> {
    const asked = store.runs.requestCancel(runId); // in the store's queue before whatever the abort makes the turn write
    turns.abort(runId, cancelled());
    const open = await asked;
    for (const id of open) if (!turns.abort(id, cancelled())) await cancelWaiting(id);
    return open.includes(runId);
  }

  /** Ends a run that nobody has started; one that runs elsewhere is left to its process, which polls. */
  async function cancelWaiting(runId: string): Promise<void> {
    const run = await store.runs.get(runId);
    if (run?.status !== "queued") return;
    schedule.remove(runId);
    const { code, message } = cancelled();
    const teller = createRunTeller(announcer, toQueued(run));
    const event = teller.encode({
      type: "run.failed",
      status: "cancelled",
      session_id: sessionIdOf(run.sessionKey),
      error: { code, message },
      usage: publicUsage(NO_USAGE),
    });
    const outcome = { status: "cancelled", usage: NO_USAGE } as const;
    hub.publish(runId, await store.runs.finish(runId, outcome, { messages: [], events: [event] }));
    teller.stored([event]);
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
    turns.abortAll(reason);
    const grace = new AbortController();
    await Promise.race([ended, sleep(ABORT_GRACE_MS, grace.signal)]);
    grace.abort();
    turns.stop();
    await store.runs.park(store.instance);
  }

  return {
    accept,
    cancel,
    approvals: store.approvals.open,
    decide: approvals.decide,
    running: turns.get,
    events: hub.events,
    finished: hub.finished,
    waits: schedule.isWaiting,
    onMove: hub.onMove,
    stats: () => ({ running: turns.size, queued: schedule.waiting }),
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

/** A run as the schedule keeps it. */
function toQueued({
  id,
  sessionKey,
  kind,
  request,
}: Pick<Run, "id" | "sessionKey" | "kind" | "request">): QueuedRun {
  const { model } = request as AcceptedRequest;
  return {
    id,
    sessionKey,
    kind,
    isSubTask: isSubTask({ request }),
    ...(model === undefined ? {} : { model }),
  };
}

function shuttingDown(): AppError {
  return new AppError("shutting_down", "Hermes is shutting down.", {
    hint: "Try again in a few seconds.",
    retryAfterMs: 5_000,
  });
}

function tooMany(share: number): AppError {
  return new AppError("rate_limited", `${share} messages of yours wait for an answer already.`, {
    hint: "Wait for the answers, or end the waiting with /stop.",
  });
}

function overloaded(limit: number): AppError {
  return new AppError("overloaded", `${limit} turns are waiting already.`, {
    hint: "Try again later. agent.max_queued_turns sets how many may wait.",
    retryAfterMs: OVERLOAD_RETRY_MS,
  });
}
