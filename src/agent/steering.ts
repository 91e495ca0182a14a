import type { Log } from "../lib/log.ts";
import type { RunStore } from "../store/contract.ts";
import type { NewMessage, Run } from "../store/records.ts";
import type { Budget } from "./budget.ts";
import type { RunWriter } from "./run-writer.ts";

/** What steering works with. */
export interface SteeringParts {
  run: Pick<Run, "id" | "sessionKey">;
  runs: Pick<RunStore, "openOf">;
  budget: Pick<Budget, "hasStepLeft">;
  writer: Pick<RunWriter, "absorb">;
  /** Those whose messages were taken in have ended in the store. */
  joined: (runIds: readonly string[]) => void;
  signal: AbortSignal;
  log: Log;
}

/**
 * Takes messages that came meanwhile into the turn. `said` is the answer that it is about to end with: it becomes one of several
 * when there are any. What has to be said to the model besides then, oldest first; nothing when nothing came.
 */
export type TakeIn = (said?: NewMessage) => Promise<NewMessage[]>;

/**
 * Most of the time nothing waits, so that is asked first: it is a read, and keeps the streamed text waiting for the next step. A
 * turn that may make no further model call takes nothing in, for it could not answer.
 */
export function createSteering(parts: SteeringParts): TakeIn {
  const { run, runs, budget, writer, joined, signal, log } = parts;
  const somethingWaits = async () => {
    try {
      return (await runs.openOf(run.sessionKey)).some(({ id }) => id !== run.id);
    } catch (error) {
      log.warn("what waits behind a turn could not be looked up", { run: run.id, error });
      return false; // it gets a turn of its own
    }
  };

  return async (said) => {
    if (!budget.hasStepLeft || !(await somethingWaits())) return [];
    signal.throwIfAborted();
    const before = said === undefined ? [] : [said];
    const { runIds, messages } = await writer.absorb(before);
    joined(runIds);
    return messages.length === 0 ? [] : [...before, ...messages];
  };
}

/** Nothing is taken in. */
export const takeNothingIn: TakeIn = async () => [];

/** The answers that a turn gave before messages were taken in behind them. */
export function earlierAnswers(messages: readonly NewMessage[]): NewMessage[] {
  return messages.filter(({ role, toolCalls = [] }) => role === "assistant" && toolCalls.length === 0);
}
