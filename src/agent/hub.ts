import { AppError } from "../lib/errors.ts";
import type { RunStore } from "../store/contract.ts";
import type { Run, RunEventRecord } from "../store/records.ts";
import { isFinal } from "./events.ts";

const PAGE_EVENTS = 500;
/** What a slow reader may leave lying; past it, the reader goes back to the store. */
const BUFFERED_EVENTS = 2_000;

/** Hands the events of runs to those who listen. Events get here only after they are on disk. */
export interface Hub {
  /** Events of a run of this process, in order. */
  publish(runId: string, events: readonly RunEventRecord[]): void;
  /** Makes listeners look at the store again: the run starts, has left this process or ended without an event. */
  wake(runId: string): void;
  /** See `Agent.onMove`. */
  onMove(listener: (runId: string) => void): () => void;
  /** See `Agent.events`. */
  events(runId: string, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEventRecord[]>;
  /** See `Agent.finished`. */
  finished(runId: string, signal: AbortSignal): Promise<Run>;
}

/** `pollMs` tells how often the store is to be asked about a run; null for one whose events are all published here. */
export function createHub(
  runs: Pick<RunStore, "get" | "events">,
  pollMs: (runId: string) => number | null,
): Hub {
  const listeners = new Map<string, Set<Listener>>();
  const movers = new Set<(runId: string) => void>();

  const listen = (runId: string, signal: AbortSignal): Listener => {
    const listener = createListener();
    signal.addEventListener("abort", listener.lookAgain);
    const set = listeners.get(runId) ?? new Set();
    listeners.set(runId, set.add(listener));
    return listener;
  };
  const leave = (runId: string, signal: AbortSignal, listener: Listener) => {
    signal.removeEventListener("abort", listener.lookAgain);
    const set = listeners.get(runId);
    set?.delete(listener);
    if (set?.size === 0) listeners.delete(runId);
  };
  const find = async (runId: string): Promise<Run> => {
    const run = await runs.get(runId);
    if (!run) throw new AppError("not_found", `There is no run ${runId}.`);
    return run;
  };

  async function* stored(runId: string, afterSeq: number): AsyncGenerator<RunEventRecord[]> {
    let seq = afterSeq;
    for (;;) {
      const page = await runs.events(runId, seq, PAGE_EVENTS);
      if (page.length > 0) yield page;
      if (page.length < PAGE_EVENTS) return;
      seq = page.at(-1)?.seq ?? seq;
    }
  }

  return {
    publish(runId, events) {
      if (events.length === 0) return;
      for (const listener of listeners.get(runId) ?? []) listener.push(events);
    },
    wake(runId) {
      for (const listener of listeners.get(runId) ?? []) listener.lookAgain();
      for (const listener of movers) listener(runId);
    },
    onMove(listener) {
      movers.add(listener);
      return () => movers.delete(listener);
    },

    async *events(runId, afterSeq, signal) {
      const listener = listen(runId, signal); // before the store is read, so that nothing falls between the two
      let seq = afterSeq;
      try {
        while (!signal.aborted) {
          const { status } = await find(runId);
          for await (const page of stored(runId, seq)) {
            if (signal.aborted) return;
            seq = page.at(-1)?.seq ?? seq;
            yield page;
            if (page.some((event) => isFinal(event.type))) return;
          }
          if (hasEnded(status)) return; // its events are past their keeping time, or all behind `afterSeq`
          for (;;) {
            const news = await listener.next(pollMs(runId));
            if (news === "look again") break;
            const fresh = news.filter((event) => event.seq > seq);
            if (fresh.length === 0) continue;
            seq = fresh.at(-1)?.seq ?? seq;
            yield fresh;
            if (fresh.some((event) => isFinal(event.type))) return;
          }
        }
      } finally {
        leave(runId, signal, listener);
      }
    },

    async finished(runId, signal) {
      const listener = listen(runId, signal);
      try {
        for (;;) {
          signal.throwIfAborted();
          const run = await find(runId);
          if (hasEnded(run.status)) return run;
          let news: News;
          do {
            news = await listener.next(pollMs(runId));
          } while (news !== "look again" && !news.some((event) => isFinal(event.type)));
        }
      } finally {
        leave(runId, signal, listener);
      }
    },
  };
}

function hasEnded(status: Run["status"]): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

type News = RunEventRecord[] | "look again";

interface Listener {
  push(events: readonly RunEventRecord[]): void;
  lookAgain(): void;
  /** What came since; `look again` on a wake, after an overflow, or `pollMs` without news. */
  next(pollMs: number | null): Promise<News>;
}

function createListener(): Listener {
  let buffer: RunEventRecord[] = [];
  let stale = false;
  let notify: (() => void) | null = null;

  const wait = (pollMs: number | null) =>
    new Promise<void>((resolve) => {
      const done = () => {
        notify = null;
        clearTimeout(timer);
        resolve();
      };
      const timer = pollMs === null ? undefined : setTimeout(done, pollMs);
      notify = done;
    });

  return {
    push(events) {
      if (stale) return; // the reader goes back to the store anyway
      buffer.push(...events);
      if (buffer.length > BUFFERED_EVENTS) {
        buffer = [];
        stale = true;
      }
      notify?.();
    },
    lookAgain() {
      stale = true;
      notify?.();
    },
    async next(pollMs) {
      if (!stale && buffer.length === 0) await wait(pollMs);
      if (stale || buffer.length === 0) {
        stale = false;
        return "look again";
      }
      const news = buffer;
      buffer = [];
      return news;
    },
  };
}
