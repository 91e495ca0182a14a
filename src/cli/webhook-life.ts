import { sleep } from "../lib/waiting.ts";
import type { Store } from "../store/contract.ts";
import type { OutboundDelivery, Run } from "../store/records.ts";
import { targetOf } from "./delivery-json.ts";

/** One thing that became of an event. */
export interface LifeStep {
  status: string;
  /** Since the event was followed. */
  afterMs: number;
  /** The answer, the error or the chat; empty for nothing to add. */
  detail: string;
}

/** What became of an event. */
export interface EventLife {
  steps: LifeStep[];
  /** It came to a good end, as far as it could be followed. */
  isDone: boolean;
}

type Life = Pick<Store, "runs" | "deliveries">;

const LOOK_EVERY_MS = 50;
/** Deliveries that are looked through for the one of a run. */
const LOOK_BACK = 200;

/** Tells each step of a run, of its answer on the way to a chat, or of a message, until nothing more comes. Null: nothing is known. */
export async function followEvent(
  store: Life,
  { runId, deliveryId }: { runId: string | null; deliveryId: string | null },
  tell: (step: LifeStep) => void,
  signal: AbortSignal,
): Promise<EventLife | null> {
  const startedMs = performance.now();
  const steps: LifeStep[] = [];
  const step = (status: string, detail = "") => {
    const next = { status, afterMs: performance.now() - startedMs, detail };
    steps.push(next);
    tell(next);
  };
  const run = runId === null ? null : await followRun(store, runId, step, signal);
  const id = deliveryId ?? (run === null ? null : await deliveryOf(store, run.id));
  const message = id === null ? null : await followMessage(store, id, step, signal);
  if (run === null && message === null) return null;
  const isDone = (run?.status ?? "completed") === "completed" && (message?.status ?? "sent") === "sent";
  return { steps, isDone };
}

async function followRun(
  { runs }: Life,
  id: string,
  step: (status: string, detail?: string) => void,
  signal: AbortSignal,
): Promise<Run | null> {
  return changes(
    () => runs.get(id),
    signal,
    (run) => {
      if (run.status === "failed")
        step(run.status, [run.error?.message, run.error?.hint].filter(Boolean).join("\n"));
      else step(run.status, run.response ?? "");
      return run.finishedAt !== null;
    },
  );
}

async function followMessage(
  { deliveries }: Life,
  id: string,
  step: (status: string, detail?: string) => void,
  signal: AbortSignal,
): Promise<OutboundDelivery | null> {
  return changes(
    () => deliveries.get(id),
    signal,
    (message) => {
      step(
        message.status,
        [`to ${targetOf(message.target)}`, message.error?.message].filter(Boolean).join("\n"),
      );
      return message.finishedAt !== null;
    },
  );
}

/** Calls `look` at each change of the status until it says that there is no other. What was seen last. */
async function changes<T extends { status: string }>(
  read: () => Promise<T | null>,
  signal: AbortSignal,
  look: (seen: T) => boolean,
): Promise<T | null> {
  for (let last = ""; ; ) {
    const seen = await read();
    if (seen === null) return null;
    if (seen.status !== last && look(seen)) return seen;
    last = seen.status;
    if (signal.aborted) return seen;
    await sleep(LOOK_EVERY_MS, signal);
  }
}

/** The answer of a run on its way to a chat; null for one that goes nowhere. */
async function deliveryOf({ deliveries }: Life, runId: string): Promise<string | null> {
  const { items } = await deliveries.list({ limit: LOOK_BACK });
  return items.find((delivery) => delivery.runId === runId)?.id ?? null;
}
