import type { LiveConfig } from "../config/live.ts";
import { backoffMs } from "../lib/backoff.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { sleep } from "../lib/waiting.ts";
import type { ResolvedModel } from "../models/contract.ts";
import type { Store } from "../store/contract.ts";
import type { Run } from "../store/records.ts";
import type { Announcer } from "../webhooks/outbound/announcer.ts";
import type { Approvals } from "./approvals.ts";
import { createPriceWarning, type UpperBudget } from "./budget.ts";
import type { AcceptedRequest, RunningTurn } from "./contract.ts";
import type { Hub } from "./hub.ts";
import type { Pace } from "./pace.ts";
import { createRunWriter } from "./run-writer.ts";
import { createRunTeller, isSubTask } from "./told.ts";
import { runTurn, type TurnParts } from "./turn.ts";

/** Between two tries to put a run back whose turn could not be written. */
const PUT_BACK = { baseMs: 100, maxMs: 2_000 };
/** How often it is asked what other processes want of ours: cancels, decisions; only while something runs here. */
const POLL_MS = 500;
/** A run that was started this often and never ended takes the process down with it; it is not started again. */
const MAX_ATTEMPTS = 50;

/** The turns that run in this process. */
export interface RunningTurns {
  /** Sees a started run through. `put back`: its outcome could not be written, and it waits to be started again. */
  run(runId: string, model: ResolvedModel | AppError): Promise<"ended" | "put back">;
  get(runId: string): RunningTurn | null;
  /** Ends the turn with this error; false when it does not run here. */
  abort(runId: string, error: AppError): boolean;
  abortAll(error: AppError): void;
  /** Looks no more for what other processes want. */
  stop(): void;
  readonly size: number;
}

/** What running turns work with. */
export interface RunningTurnsParts extends Omit<TurnParts, "store"> {
  store: Pick<Store, "instance" | "runs" | "sessions">;
  config: LiveConfig;
  approvals: Approvals;
  publish: Hub["publish"];
  announcer: Announcer;
  pace: Pace;
  /** Aborts when the process lets go of what runs; nothing fails because of that. */
  parked: AbortSignal;
  /** Ends the sub-tasks that a run has left behind. */
  endSubTasks: (runId: string) => Promise<void>;
  log: Log;
}

/** Nothing runs here yet. */
export function createRunningTurns(parts: RunningTurnsParts): RunningTurns {
  const { store, config, approvals, parked, log } = parts;
  const turns = new Map<string, RunningTurn>();
  const warnOfPrice = createPriceWarning(log);
  let pollTimer: Timer | undefined;

  async function run(runId: string, model: ResolvedModel | AppError): Promise<"ended" | "put back"> {
    const turn: RunningTurn = { control: new AbortController(), depth: 0, budget: null };
    turns.set(runId, turn);
    pollOthers();
    if (!(model instanceof AppError)) warnOfPrice(config.current.agent, model.info);
    try {
      const started = await store.runs.get(runId);
      if (started?.status === "running") await runHere(started, turn, model);
    } catch (error) {
      if (hasEndedElsewhere(error)) log.info("a run ended elsewhere while it ran here", { run: runId });
      else if (parked.aborted) log.info("a turn is parked for the next start", { run: runId });
      else {
        log.error("a turn could not be written, and is begun again", { run: runId, error });
        await putBack(runId);
        return "put back";
      }
    } finally {
      turns.delete(runId);
    }
    return "ended";
  }

  async function runHere(started: Run, turn: RunningTurn, model: ResolvedModel | AppError): Promise<void> {
    const { subTask } = started.request as AcceptedRequest; // written by `accept`
    turn.depth = subTask?.depth ?? 0;
    const { control } = turn;
    if (parked.aborted) control.abort(parked.reason);
    else if (started.cancelRequested || (await isOrphan(subTask?.parent))) control.abort(cancelled());
    else if (started.attempts > MAX_ATTEMPTS) control.abort(startedTooOften());
    const writer = createRunWriter({
      runId: started.id,
      runs: store.runs,
      publish: parts.publish.bind(null, started.id),
      teller: createRunTeller(parts.announcer, { ...started, isSubTask: isSubTask(started) }),
      pace: parts.pace,
      parked,
      log,
    });
    const upper = () => upperBudget(started.id, subTask?.parent?.runId);
    await runTurn(parts, { run: started, model, writer, turn, approvals, upper });
    if (started.attempts > 1 || turn.budget?.hasSubTasks) await parts.endSubTasks(started.id);
  }

  /** True for a sub-task that nobody waits for any more: its parent ended while neither could be told. */
  async function isOrphan(parent: { runId: string } | undefined): Promise<boolean> {
    if (!parent) return false;
    const status = (await store.runs.get(parent.runId))?.status;
    return status !== "queued" && status !== "running";
  }

  /** The parent's, while the parent runs here; elsewhere it counts the sub-task once that has ended. */
  function upperBudget(runId: string, parentId: string | undefined): UpperBudget | null {
    const budget = parentId === undefined ? null : turns.get(parentId)?.budget;
    if (!budget) return null;
    return { check: () => budget.check(), charge: (usage) => budget.charge(runId, usage) };
  }

  /** As nobody else takes a run from a process that lives, it would stay `running` for ever. */
  async function putBack(runId: string): Promise<void> {
    for (let retry = 0; !parked.aborted; retry++) {
      await sleep(backoffMs(retry, PUT_BACK), parked);
      try {
        return await store.runs.park(store.instance, runId);
      } catch (error) {
        log.debug("the run could not be put back yet", { run: runId, error });
      }
    }
  }

  function pollOthers(): void {
    pollTimer ??= setInterval(() => {
      if (turns.size === 0) return stop();
      store.runs.cancelRequests([...turns.keys()]).then(
        (ids) => {
          for (const id of ids) abort(id, cancelled());
        },
        (error) => log.warn("cancels could not be looked up", { error }),
      );
      approvals
        .lookUp()
        .catch((error) => log.warn("decisions on approvals could not be looked up", { error }));
    }, POLL_MS);
  }

  function stop(): void {
    clearInterval(pollTimer);
    pollTimer = undefined;
  }

  function abort(runId: string, error: AppError): boolean {
    const turn = turns.get(runId);
    turn?.control.abort(error);
    return turn !== undefined;
  }

  return {
    run,
    get: (runId) => turns.get(runId) ?? null,
    abort,
    abortAll(error) {
      for (const { control } of turns.values()) control.abort(error);
    },
    stop,
    get size() {
      return turns.size;
    },
  };
}

/** The store takes nothing more for a run that has ended or was deleted. */
function hasEndedElsewhere(error: unknown): boolean {
  return error instanceof AppError && (error.code === "conflict" || error.code === "not_found");
}

/** The error of a run that somebody cancelled. */
export function cancelled(): AppError {
  return new AppError("run_cancelled", "The run was cancelled.");
}

function startedTooOften(): AppError {
  return new AppError("internal", `The turn was started ${MAX_ATTEMPTS} times and never came to an end.`, {
    hint: "The log tells what ended Hermes each time. Send the message again once that is mended.",
  });
}
