import { backoffMs } from "../lib/backoff.ts";
import { toAppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { sleep } from "../lib/waiting.ts";
import type { AbsorbedRuns, RunStore } from "../store/contract.ts";
import type {
  ApprovalDecision,
  NewApproval,
  NewMessage,
  NewRunEvent,
  RunEventRecord,
  RunOutcome,
  ToolCallRecord,
} from "../store/records.ts";
import { textOf } from "./context.ts";
import { ANSWER_GAP, type RunEvent } from "./events.ts";
import type { Pace } from "./pace.ts";
import type { RunTeller } from "./told.ts";

const RETRY = { baseMs: 100, maxMs: 2_000 };
/** Text that may wait for a slow disk before the model is read no further. */
const MAX_PENDING_CHARS = 1_000_000;

/**
 * Writes one run to the store, in order, and publishes what is on disk. A write that the store cannot take now is tried
 * again until it can: a full disk makes a turn wait, never fail. Only `parked` ends that, with its reason.
 */
export interface RunWriter {
  /**
   * Streams text. Never waits: what comes before the next moment of the pace, or while the disk is busy, becomes one event.
   * The first text after anything else waits for no moment.
   */
  delta(text: string): void;
  /** Queues any other event, in order with the text. */
  event(event: RunEvent): void;
  /** When to read the model further: at the next moment of the pace, and when a great deal waits, once that is on disk. */
  room(): Promise<void>;
  /** Resolves once all that was queued is on disk. */
  flush(): Promise<void>;
  recordStep(messages: NewMessage[]): Promise<void>;
  /** Takes in what joins the run, behind what the model has just said; see `RunStore.absorb`. */
  absorb(said: NewMessage[]): Promise<Pick<AbsorbedRuns, "runIds" | "messages">>;
  beginToolCall(call: ToolCallRecord, event: RunEvent): Promise<void>;
  endToolCall(result: NewMessage, event: RunEvent): Promise<void>;
  /** Keeps a question and publishes it. */
  requestApproval(approval: NewApproval): Promise<void>;
  /** Notes and publishes that the turn goes on with this decision. */
  settleApproval(approvalId: string, decision: ApprovalDecision): Promise<void>;
  finish(outcome: RunOutcome, messages: NewMessage[], event: RunEvent): Promise<void>;
}

/** What a writer works with. */
export interface RunWriterParts {
  runId: string;
  runs: Pick<
    RunStore,
    | "appendEvents"
    | "recordStep"
    | "absorb"
    | "beginToolCall"
    | "endToolCall"
    | "requestApproval"
    | "settleApproval"
    | "finish"
  >;
  publish: (events: readonly RunEventRecord[]) => void;
  teller: RunTeller;
  pace: Pace;
  parked: AbortSignal;
  log: Log;
}

type Write = (events: NewRunEvent[]) => Promise<RunEventRecord[]>;
interface Job {
  write: Write;
  events: NewRunEvent[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** The writer of one run that this process holds. */
export function createRunWriter(parts: RunWriterParts): RunWriter {
  const { runId, runs, publish, teller, pace, parked, log } = parts;
  let events: RunEvent[] = [];
  let text = "";
  let jobs: Job[] = [];
  let scheduled = false;
  let busy = false;
  let isPaced = false; // the last that was written is text, which goes on
  let moment: Promise<void> | null = null; // of the pace, when what waits is written then
  let failure: unknown;

  const takeEvents = (): NewRunEvent[] => {
    closeText();
    const taken = events.map(teller.encode);
    events = [];
    return taken;
  };
  const closeText = () => {
    if (text === "") return;
    events.push({ type: "message.delta", delta: text });
    text = "";
  };
  const append: Write = (batch) =>
    batch.length === 0 ? Promise.resolve([]) : runs.appendEvents(runId, batch);

  /** Has what waits written soon: at the end of this tick, or, for text that goes on, at the next moment of the pace. */
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    if (isPaced) {
      moment = pace.next();
      void moment.then(drainNow);
    } else setImmediate(drainNow);
  };
  const drainNow = () => {
    scheduled = false;
    moment = null;
    void drain();
  };

  /** One batch at a time, so that order survives a retry; the jobs of a batch share the store's transaction. */
  const drain = async () => {
    if (busy) return;
    busy = true;
    do {
      const batch = jobs;
      jobs = [];
      if (events.length > 0 || text !== "") {
        isPaced = text !== "";
        batch.push(streamed(takeEvents()));
      }
      const results = await Promise.allSettled(batch.map((job) => job.write(job.events)));
      for (const [i, job] of batch.entries())
        await settle(job, results[i] as PromiseSettledResult<RunEventRecord[]>);
    } while (jobs.length > 0 || events.length > 0);
    busy = false;
    if (text !== "") schedule();
  };
  const streamed = (taken: NewRunEvent[]): Job => ({
    write: append,
    events: taken,
    resolve() {},
    reject(error) {
      failure ??= error; // nobody waits for streamed text: the next to wait for anything hears of it
    },
  });
  const settle = async (job: Job, first: PromiseSettledResult<RunEventRecord[]>) => {
    try {
      publish(first.status === "fulfilled" ? first.value : await persist(job, first.reason));
      teller.stored(job.events);
      job.resolve();
    } catch (error) {
      job.reject(error);
    }
  };
  const persist = async (job: Job, firstError: unknown): Promise<RunEventRecord[]> => {
    let error = firstError;
    for (let retry = 0; ; retry++) {
      parked.throwIfAborted();
      if (toAppError(error).code !== "store_unavailable") throw error;
      if (retry === 0) log.warn("a turn waits for the store", { run: runId, error });
      await sleep(backoffMs(retry, RETRY), parked);
      parked.throwIfAborted();
      try {
        return await job.write(job.events);
      } catch (next) {
        error = next;
      }
    }
  };

  const submit = (write: Write, event?: RunEvent): Promise<void> => {
    if (failure !== undefined) return Promise.reject(failure);
    if (parked.aborted) return Promise.reject(parked.reason);
    const own = event ? [teller.encode(event)] : [];
    isPaced = false;
    return new Promise((resolve, reject) => {
      jobs.push({ write, events: [...takeEvents(), ...own], resolve, reject });
      if (!busy) queueMicrotask(() => void drain()); // a microtask later: writes asked for together go together
    });
  };

  return {
    delta(more) {
      text += more;
      schedule();
    },
    event(event) {
      closeText();
      events.push(event);
      isPaced = false;
      schedule();
    },
    async room() {
      if (failure !== undefined) throw failure;
      if (text.length > MAX_PENDING_CHARS) await submit(append);
      else if (moment) await moment;
    },
    flush: () => submit(append),
    async absorb(said) {
      let absorbed: AbsorbedRuns = { runIds: [], messages: [], events: [] };
      await submit(async (batch) => {
        let steered: NewRunEvent[] = [];
        absorbed = await runs.absorb(runId, said, (messages, runIds) => {
          steered = steeredEvents(teller, said, messages, runIds);
          return [...batch, ...steered];
        });
        teller.stored(steered);
        return absorbed.events;
      });
      return absorbed;
    },
    recordStep: (messages) => submit((batch) => runs.recordStep(runId, { messages, events: batch })),
    beginToolCall: (call, event) => submit((batch) => runs.beginToolCall(runId, call, batch), event),
    endToolCall: (result, event) => submit((batch) => runs.endToolCall(runId, result, batch), event),
    requestApproval: ({ id, callId, tool, question, details }) =>
      submit((batch) => runs.requestApproval(runId, { id, callId, tool, question, details }, batch), {
        type: "approval.requested",
        approval_id: id,
        tool,
        call_id: callId,
        question,
        details,
      }),
    settleApproval: (approvalId, { approved, reason }) =>
      submit((batch) => runs.settleApproval(runId, approvalId, batch), {
        type: "approval.decided",
        approval_id: approvalId,
        approved,
        ...(reason === undefined ? {} : { reason }),
      }),
    finish: (outcome, messages, event) =>
      submit((batch) => runs.finish(runId, outcome, { messages, events: batch }), event),
  };
}

/** What those who read along learn of messages that were taken in: an answer before them is ended as a paragraph. */
function steeredEvents(
  teller: RunTeller,
  said: NewMessage[],
  messages: NewMessage[],
  runIds: readonly string[],
): NewRunEvent[] {
  if (messages.length === 0) return [];
  const gap = said.length > 0 ? [teller.encode({ type: "message.delta", delta: ANSWER_GAP })] : [];
  const steered = messages.map(({ parts }, i) => {
    const event = teller.encode({ type: "message.steered", text: textOf(parts) });
    const runId = runIds[i]; // each of them was of one message
    return runId === undefined ? event : { ...event, told: teller.joined(runId) };
  });
  return [...gap, ...steered];
}
