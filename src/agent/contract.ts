import type { FetchedFile, InboundFile } from "../platforms/contract.ts";
import type {
  Approval,
  ApprovalDecision,
  Delivery,
  NewOutboundDelivery,
  Run,
  RunEventRecord,
  RunKind,
} from "../store/records.ts";
import type { Caller } from "../tools/contract.ts";
import type { Budget, SpendLimits } from "./budget.ts";

/** A message for the agent, as a door hands it in. */
export interface TurnRequest {
  kind: RunKind;
  caller: Caller;
  /** The session to continue, by its id within the caller's own sessions; a new one when absent. */
  sessionId?: string;
  text: string;
  /** Addresses to fetch through `safeFetch` and hand to the model. */
  attachments?: string[];
  /** Files to fetch through `AgentParts.fetchFile` and hand to the model. */
  files?: MessageFile[];
  /** Said in the system prompt, after the operator's own words. */
  instructions?: string;
  /** `provider/model`; the configured default when absent. */
  model?: string;
  delivery?: Delivery;
  /** How the answer leaves through a platform. */
  reply?: NewOutboundDelivery;
  /**
   * While a turn of the session runs, that one takes the message in; see `message.steered`. A message with attachments or files
   * waits for a turn of its own all the same, as only that one fetches them.
   */
  joinsRunning?: boolean;
  /**
   * Takes the place of the session's last turn, with all that was said in it and came with that instead of `text`. Refused
   * with `not_found` when there is none, and with `conflict` while a run of the session is open.
   */
  replacesLastTurn?: boolean;
  /** For a sub-task. */
  subTask?: SubTaskPlace;
}

/** A file that came with a message in a chat. All that it says of itself is the sender's word. */
export interface MessageFile extends InboundFile {
  platform: string;
  account: string;
}

/** Fetches a file from where it came from. Rejects when it cannot be had, with an `AppError` that says why. */
export type FetchFile = (file: MessageFile, signal: AbortSignal) => Promise<FetchedFile>;

/** Where a sub-task stands. */
export interface SubTaskPlace {
  /** 1 for a sub-task of what a caller asked for, 2 for a sub-task of that, and so on. */
  depth: number;
  /** The run that gave it; absent when a caller did, who is no run. */
  parent?: {
    runId: string;
    /** What it could still spend when it gave the task. */
    limits: SpendLimits;
  };
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
  /** True while the run waits in the queue of this process. */
  waits(runId: string): boolean;
  /**
   * Calls `listener` with each run of this process that starts, ends, or leaves the queue otherwise. For who minds thousands of runs
   * that wait: listening to the events of each costs kilobytes. Returns what ends it.
   */
  onMove(listener: (runId: string) => void): () => void;
  /**
   * Asks for the end of the run and of its sub-tasks, wherever they run or wait. False when the run had ended already, or never
   * was.
   */
  cancel(runId: string): Promise<boolean>;
  /** What the run waits for somebody to decide, oldest first, wherever it runs. */
  approvals(runId: string): Promise<Approval[]>;
  /**
   * Decides what a call asks for, wherever its run runs or waits to be taken up. Rejects with `not_found` when the run has no
   * such approval, and with `conflict` when it is decided already or the run has ended.
   */
  decide(runId: string, approvalId: string, decision: ApprovalDecision): Promise<void>;
  stats(): { running: number; queued: number };
}

/** A turn that this process runs. */
export interface RunningTurn {
  /** Aborting it with an `AppError` ends the turn with that error. */
  readonly control: AbortController;
  /** How many turns above it wait for it: 0 for what a caller asked for. */
  depth: number;
  /** Null until it is known which model answers. */
  budget: Budget | null;
}

/** The agent with its life, as the composition root sees it. */
export interface AgentService extends Agent {
  /** The turn of a run that this process runs at this moment. */
  running(runId: string): RunningTurn | null;
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
  files?: MessageFile[];
  instructions?: string;
  /** Only when one was asked for; otherwise the default of the moment it runs. */
  model?: string;
  subTask?: SubTaskPlace;
}
