import { backoffMs } from "../lib/backoff.ts";
import { createLimit } from "../lib/lane.ts";
import type { Log } from "../lib/log.ts";
import { sleep } from "./sleep.ts";

/** Between two looks at a session in which another process has a run. */
const BUSY = { baseMs: 10, maxMs: 250 };

/** A run that waits: all that the schedule needs to know of it. */
export interface Waiting {
  id: string;
  sessionKey: string;
}

/** Decides when a run starts: one of a session at a time, in the order of acceptance, and so many at once over all. */
export interface Schedule {
  /** Puts a run behind the others of its session. */
  add(run: Waiting): void;
  /** Adds those that are not known and puts the waiting ones of their sessions into this order, the oldest first. */
  merge(runs: readonly Waiting[]): void;
  /** Takes a waiting run out; false when it does not wait here. */
  remove(id: string): boolean;
  /** True while the run waits here; no longer once it is being started. */
  isWaiting(id: string): boolean;
  setLimit(maxConcurrent: number): void;
  /** Starts nothing more. Resolves once everything that runs has ended. */
  stop(): Promise<void>;
  readonly waiting: number;
}

export interface ScheduleParts {
  maxConcurrent: number;
  /**
   * Starts a run and sees it through. `busy`: it cannot start yet, because another process has a run of its session; it is
   * tried again. Rejections count as `busy` too.
   */
  execute: (id: string) => Promise<"done" | "busy">;
  log: Log;
}

interface Session {
  waiting: Waiting[];
}

export function createSchedule({ maxConcurrent, execute, log }: ScheduleParts): Schedule {
  const sessions = new Map<string, Session>();
  const known = new Map<string, Waiting>();
  const limit = createLimit(maxConcurrent);
  const stopped = new AbortController();
  const workers = new Set<Promise<void>>();
  const active = new Set<string>();

  const attempt = async (session: Session): Promise<"done" | "busy"> => {
    const leave = await limit.enter(stopped.signal);
    const run = session.waiting.shift();
    try {
      if (!run) return "done"; // taken out while it waited for its place
      active.add(run.id);
      const outcome = await execute(run.id);
      if (outcome === "busy") session.waiting.unshift(run);
      else known.delete(run.id);
      return outcome;
    } catch (error) {
      log.error("a run could not be started", { run: run?.id, error });
      if (run) session.waiting.unshift(run);
      return "busy";
    } finally {
      if (run) active.delete(run.id);
      leave();
    }
  };
  const work = async (key: string, session: Session) => {
    let retry = 0;
    while (session.waiting.length > 0 && !stopped.signal.aborted) {
      if ((await attempt(session)) === "done") retry = 0;
      else await sleep(backoffMs(retry++, BUSY), stopped.signal);
    }
    sessions.delete(key);
  };
  const wake = (key: string): Session => {
    const found = sessions.get(key);
    if (found) return found;
    const session: Session = { waiting: [] };
    sessions.set(key, session);
    const worker = Promise.resolve()
      .then(() => work(key, session))
      .catch((error) => {
        if (!stopped.signal.aborted) log.error("a session's queue stopped", { session: key, error });
      })
      .finally(() => workers.delete(worker));
    workers.add(worker);
    return session;
  };
  const add = (run: Waiting): Session | null => {
    if (known.has(run.id) || stopped.signal.aborted) return null;
    known.set(run.id, run);
    const session = wake(run.sessionKey);
    session.waiting.push(run);
    return session;
  };

  return {
    add,
    merge(runs) {
      const touched = new Set<Session>();
      for (const run of runs) {
        const session = add(run);
        if (session) touched.add(session);
      }
      if (touched.size === 0) return;
      const place = new Map(runs.map((run, index) => [run.id, index]));
      const placeOf = (run: Waiting) => place.get(run.id) ?? runs.length; // accepted since: the youngest
      for (const session of touched) session.waiting.sort((a, b) => placeOf(a) - placeOf(b));
    },
    remove(id) {
      const run = known.get(id);
      const waiting = run && sessions.get(run.sessionKey)?.waiting;
      const index = waiting ? waiting.findIndex((one) => one.id === id) : -1;
      if (!waiting || index < 0) return false;
      waiting.splice(index, 1);
      known.delete(id);
      return true;
    },
    isWaiting: (id) => known.has(id) && !active.has(id),
    setLimit: limit.setLimit,
    async stop() {
      stopped.abort(new Error("The schedule has stopped."));
      await Promise.all(workers);
    },
    get waiting() {
      return known.size - active.size;
    },
  };
}
