import { backoffMs } from "../lib/backoff.ts";
import type { Log } from "../lib/log.ts";
import { ownerOf } from "../tools/contract.ts";

/** Between two looks at a session in which another process has a run. */
const BUSY = { baseMs: 10, maxMs: 250 };

/** A run that waits: all that the schedule needs to know of it. */
export interface Waiting {
  id: string;
  sessionKey: string;
  /** A sub-task, for which a run that has a place waits: it needs none of its own. */
  isSubTask?: boolean;
}

/**
 * Decides when a run starts: one of a session at a time, in the order of acceptance, and so many at once over all. Sessions take
 * turns, and whoever has half of the places lets others go first. Sub-tasks stand outside of that number, so that parents that
 * wait for them can never take up all the places they need; how many there are is bounded by the depth and the number of
 * sub-tasks that each parent may have.
 */
export interface Schedule<Run extends Waiting> {
  /** Puts a run behind the others of its session. It may start within this very tick of the event loop. */
  add(run: Run): void;
  /** Adds those that are not known and puts the waiting ones of their sessions into this order, the oldest first. */
  merge(runs: readonly Run[]): void;
  /** Forgets a run: while it waits it never starts, and while it is being started it is not tried again. */
  remove(id: string): void;
  /** True while the run waits here; no longer once it is being started. */
  isWaiting(id: string): boolean;
  /** How many of this owner's runs wait here. */
  waitingOf(owner: string): number;
  setLimit(maxConcurrent: number): void;
  /** Starts nothing more. Resolves once everything that runs has ended. */
  stop(): Promise<void>;
  readonly waiting: number;
}

/** What a schedule works with. */
export interface ScheduleParts<Run extends Waiting> {
  maxConcurrent: number;
  /**
   * Starts a run and sees it through. `busy`: it cannot start yet, because another process has a run of its session; it is
   * tried again. Rejections count as `busy` too.
   */
  execute: (run: Run) => Promise<"done" | "busy">;
  log: Log;
}

/** A session with waiting runs. It is either ready, or its oldest run is being executed, or it pauses after a `busy`. */
interface Session<Run> {
  key: string;
  waiting: Run[];
  /** How often in a row its oldest run was busy. */
  retries: number;
}

/** What waits costs no timer, no promise and no listener: thousands of sessions may wait for a place. */
export function createSchedule<Run extends Waiting>(parts: ScheduleParts<Run>): Schedule<Run> {
  const { execute, log } = parts;
  const sessions = new Map<string, Session<Run>>();
  const ready = new Set<Session<Run>>(); // a Set keeps the order
  const readySubTasks = new Set<Session<Run>>(); // whose oldest run is one
  const waiting = new Map<string, Run>();
  const waitingByOwner = new Map<string, number>();
  const placesByOwner = new Map<string, number>();
  const active = new Map<string, Promise<void>>();
  const removed = new Set<string>(); // of the active ones
  let order = new Map<string, number>(); // of acceptance, as the store told it last
  let places = parts.maxConcurrent;
  let taken = 0;
  let stopped = false;

  const fillPlaces = () => {
    for (const session of readySubTasks) {
      if (stopped) return;
      readySubTasks.delete(session);
      startOldest(session);
    }
    for (const mayBeGreedy of [false, true])
      for (const session of ready) {
        if (stopped || taken >= places) return;
        if (!mayBeGreedy && isGreedy(session)) continue;
        ready.delete(session);
        startOldest(session);
      }
  };
  /** Its owner has half of the places: others go first, if there are any. */
  const isGreedy = ({ key }: Session<Run>) => 2 * countOf(placesByOwner, ownerOf(key)) >= places;
  const noteWaiting = (run: Run) => {
    waiting.set(run.id, run);
    change(waitingByOwner, ownerOf(run.sessionKey), 1);
  };
  const forgetWaiting = (run: Run) => {
    if (waiting.delete(run.id)) change(waitingByOwner, ownerOf(run.sessionKey), -1);
  };
  const takePlace = ({ sessionKey }: Run, places: 1 | -1) => {
    taken += places;
    change(placesByOwner, ownerOf(sessionKey), places);
  };
  /** Of a session that is ready. */
  const startOldest = (session: Session<Run>) => {
    const run = session.waiting.shift();
    if (!run) return void sessions.delete(session.key);
    forgetWaiting(run);
    if (!run.isSubTask) takePlace(run, 1);
    active.set(run.id, serve(session, run));
  };
  const queue = (session: Session<Run>) => {
    if (session.waiting.length === 0) return void sessions.delete(session.key);
    (session.waiting[0]?.isSubTask ? readySubTasks : ready).add(session);
  };
  const serve = async (session: Session<Run>, run: Run) => {
    const outcome = await attempt(run);
    active.delete(run.id);
    if (!run.isSubTask) takePlace(run, -1);
    const isRemoved = removed.delete(run.id);
    if (outcome === "busy" && !isRemoved) {
      session.waiting.unshift(run);
      noteWaiting(run);
      sort(session); // an older run may have come meanwhile, perhaps the very one that makes this one wait
      setTimeout(makeReady, backoffMs(session.retries++, BUSY), session);
    } else {
      session.retries = 0;
      queue(session);
    }
    fillPlaces();
  };
  const attempt = async (run: Run): Promise<"done" | "busy"> => {
    try {
      return await execute(run);
    } catch (error) {
      if (!removed.has(run.id)) log.error("a run could not be started", { run: run.id, error });
      return "busy";
    }
  };
  const sort = (session: Session<Run>) => {
    const place = ({ id }: Run) => order.get(id) ?? Number.MAX_SAFE_INTEGER; // accepted since: the youngest
    session.waiting.sort((a, b) => place(a) - place(b));
  };
  const makeReady = (session: Session<Run>) => {
    queue(session);
    fillPlaces();
  };
  const enqueue = (run: Run): Session<Run> | null => {
    if (stopped || waiting.has(run.id) || active.has(run.id)) return null;
    noteWaiting(run);
    let session = sessions.get(run.sessionKey);
    if (!session) {
      session = { key: run.sessionKey, waiting: [], retries: 0 };
      sessions.set(session.key, session);
      session.waiting.push(run);
      queue(session);
    } else session.waiting.push(run);
    return session;
  };

  return {
    add(run) {
      if (enqueue(run)) fillPlaces();
    },
    merge(runs) {
      order = new Map(runs.map((run, index) => [run.id, index]));
      const touched = new Set<Session<Run>>();
      for (const run of runs) {
        const session = enqueue(run);
        if (session) touched.add(session);
      }
      for (const session of touched) sort(session);
      fillPlaces();
    },
    remove(id) {
      if (active.has(id)) removed.add(id);
      const run = waiting.get(id);
      if (!run) return;
      forgetWaiting(run);
      const queue = sessions.get(run.sessionKey)?.waiting ?? [];
      queue.splice(queue.indexOf(run), 1);
    },
    isWaiting: (id) => waiting.has(id),
    waitingOf: (owner) => countOf(waitingByOwner, owner),
    setLimit(maxConcurrent) {
      places = maxConcurrent;
      fillPlaces();
    },
    async stop() {
      stopped = true;
      await Promise.all(active.values());
    },
    get waiting() {
      return waiting.size;
    },
  };
}

function countOf(counts: ReadonlyMap<string, number>, owner: string): number {
  return counts.get(owner) ?? 0;
}

/** Owners of nothing are forgotten. */
function change(counts: Map<string, number>, owner: string, by: 1 | -1): void {
  const count = countOf(counts, owner) + by;
  if (count === 0) counts.delete(owner);
  else counts.set(owner, count);
}
