import type { Delivery, Run, RunEventRecord, RunKind } from "../store/contract.ts";
import type { Caller } from "../tools/contract.ts";

/** A message for the agent, as a door hands it in. */
export interface TurnRequest {
  kind: RunKind;
  caller: Caller;
  /** The session to continue, by its id within the caller's own sessions; a new one when absent. */
  sessionId?: string;
  text: string;
  /** Addresses to fetch through `safeFetch` and hand to the model. */
  attachments?: string[];
  /** `provider/model`; the configured default when absent. */
  model?: string;
  delivery?: Delivery;
}

/** The agent as the doors see it. */
export interface Agent {
  /**
   * Takes a message on. Resolves once it is on disk: from then on it is answered, whatever happens to this process.
   * Rejects with `unknown_model` or `unknown_tool` before anything is stored, `shutting_down`, `store_unavailable`,
   * `idempotency_mismatch`. `duplicate` tells that the delivery was known: the run is the first one's.
   */
  accept(request: TurnRequest): Promise<{ run: Run; duplicate: boolean }>;
  /** Resolves with the run once it has ended; rejects when `signal` aborts. Aborting does not touch the run. */
  finished(runId: string, signal: AbortSignal): Promise<Run>;
  /** The stored events after `afterSeq` and then the live ones, until the final one or until `signal` aborts. */
  events(runId: string, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEventRecord[]>;
  /** False when the run had ended already. */
  cancel(runId: string): Promise<boolean>;
  stats(): { running: number; queued: number };
}

/** The owner of a caller's sessions: the door and the principal, so that doors never share sessions by accident. */
export function sessionOwner(caller: Caller): string {
  return `${caller.door}:${caller.principal}`;
}

export function sessionKey(owner: string, id: string): string {
  return `${owner}/${id}`;
}
