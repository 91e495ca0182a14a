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
   * `idempotency_mismatch`, `attachment_refused` for too many, `overloaded` when too many turns wait. `duplicate` tells that
   * the delivery was known: the run is the first one's.
   */
  accept(request: TurnRequest): Promise<{ run: Run; duplicate: boolean }>;
  /**
   * Resolves with the run once it has ended, wherever it runs. Rejects with `not_found`, or with the signal's reason when that
   * aborts; aborting does not touch the run.
   */
  finished(runId: string, signal: AbortSignal): Promise<Run>;
  /**
   * The stored events after `afterSeq` and then the live ones, without gap or repeat, until the final one. Ends, without an
   * error, when `signal` aborts. Throws `not_found`.
   */
  events(runId: string, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEventRecord[]>;
  /** Asks for the end of the run, wherever it runs or waits. False when it had ended already, or never was. */
  cancel(runId: string): Promise<boolean>;
  stats(): { running: number; queued: number };
}

/** The agent with its life, as the composition root sees it. */
export interface AgentService extends Agent {
  /** Takes up what an earlier process left behind, now and from then on every few seconds. */
  recover(): Promise<void>;
  /**
   * Takes nothing new, gives what runs `deadlineMs` to end, and puts the rest back in the queue for the next process.
   * Nothing fails because of it.
   */
  stop(deadlineMs: number): Promise<void>;
}

/** What the store keeps of a request, for whichever process runs it. */
export interface AcceptedRequest {
  caller: Caller;
  attachments: string[];
  /** Only when one was asked for; otherwise the default of the moment it runs. */
  model?: string;
}
