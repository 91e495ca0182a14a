import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Db } from "./connection.ts";
import { statement } from "./connection.ts";
import { isBusy, isFileFault, toStoreError } from "./faults.ts";
import type { Lifeline } from "./lifeline.ts";

/** How long a call waits for other processes before it is refused with `store_unavailable`. */
const PATIENCE_MS = 5_000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** Refuses a callback that returns a promise: a transaction must not be left open across an await. */
type NoPromise<T> = T extends PromiseLike<unknown> ? [never] : [];

export interface Access {
  /**
   * Runs `work` in a transaction that it shares with every other write of the same event-loop tick and resolves once
   * that transaction is on disk. An error that `work` throws undoes its own changes only. `work` may be run twice, so it
   * changes nothing but the database.
   */
  write<T>(work: (db: Db) => T, ...none: NoPromise<T>): Promise<T>;
  /** Runs `work` at once, outside of any transaction; it sees everything that was committed. */
  read<T>(work: (db: Db) => T, ...none: NoPromise<T>): Promise<T>;
  /** Commits what waits, then lets go of the file. */
  close(): Promise<void>;
}

interface Job {
  work: (db: Db) => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}
type Outcome = { value: unknown } | { error: unknown };

const begin = statement((db) => db.$client.prepare("BEGIN IMMEDIATE"));
const commit = statement((db) => db.$client.prepare("COMMIT"));
const savepoint = statement((db) => db.$client.prepare("SAVEPOINT job"));
const goBack = statement((db) => db.$client.prepare("ROLLBACK TO job"));
const release = statement((db) => db.$client.prepare("RELEASE job"));

/** The way to the database: group commit for writes, and patience with other processes that does not block the event loop. */
export function createAccess({
  path,
  lifeline,
  log,
}: {
  path: string;
  lifeline: Lifeline;
  log: Log;
}): Access {
  let queue: Job[] = [];
  let scheduled = false;
  let pauses = 0;
  let waitingSince: number | null = null;
  let failing = false;
  let closed = false;
  let idle: (() => void) | null = null;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    const opened = open();
    if (opened === "wait") {
      scheduled = true;
      setTimeout(flush, pauseMs(pauses++));
      return;
    }
    pauses = 0;
    waitingSince = null;
    const jobs = queue;
    queue = [];
    if ("error" in opened) for (const job of jobs) job.reject(opened.error);
    else settle(jobs, opened.db);
    idle?.();
  }

  /** Begins the transaction, or tells that its lock is not to be had now. */
  function open(): { db: Db } | { error: unknown } | "wait" {
    try {
      const db = lifeline.writable();
      begin(db).run();
      return { db };
    } catch (error) {
      waitingSince ??= performance.now();
      if (isBusy(error) && performance.now() - waitingSince < PATIENCE_MS) return "wait";
      return { error: failed(error) };
    }
  }

  function settle(jobs: Job[], db: Db): void {
    let outcomes: Outcome[];
    try {
      outcomes = (jobs.length > 1 && runTogether(jobs, db)) || runApart(jobs, db);
      commit(db).run();
    } catch (error) {
      rollBack(db);
      const refusal = failed(error);
      for (const job of jobs) job.reject(refusal);
      return;
    }
    if (failing) log.info("the database takes writes again");
    failing = false;
    for (const [i, job] of jobs.entries()) {
      const outcome = outcomes[i] as Outcome;
      if ("error" in outcome) job.reject(outcome.error);
      else job.resolve(outcome.value);
    }
  }

  function rollBack(db: Db): void {
    try {
      if (db.$client.inTransaction) db.$client.run("ROLLBACK");
    } catch (error) {
      log.debug("the rollback failed, so the connection is replaced", { error });
      lifeline.abandon();
    }
  }

  /** Notes a failure, replaces the connection where that is due, and gives the error for the caller. */
  function failed(error: unknown): unknown {
    lifeline.failed(error);
    if (!failing) log.error("the database refuses writes", { error });
    failing = true;
    return toStoreError(error, path);
  }

  async function read<T>(work: (db: Db) => T, ..._none: NoPromise<T>): Promise<T> {
    const since = performance.now();
    for (let tries = 0; ; tries++) {
      if (closed) throw closedError();
      try {
        return work(lifeline.readable());
      } catch (error) {
        lifeline.failed(error);
        if (!isBusy(error) || performance.now() - since >= PATIENCE_MS) throw toStoreError(error, path);
      }
      await Bun.sleep(pauseMs(tries));
    }
  }

  return {
    write<T>(work: (db: Db) => T, ..._none: NoPromise<T>) {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(closedError());
        queue.push({ work, resolve: resolve as Job["resolve"], reject });
        schedule();
      });
    },
    read,
    async close() {
      if (closed) return;
      closed = true;
      if (queue.length > 0)
        await new Promise<void>((resolve) => {
          idle = resolve;
        });
      lifeline.close();
    },
  };
}

/** The usual case, in which no job fails. Null when one did: then nothing has happened yet, and the lock is still held. */
function runTogether(jobs: Job[], db: Db): Outcome[] | null {
  savepoint(db).run();
  try {
    return jobs.map((job) => ({ value: job.work(db) }));
  } catch (error) {
    if (isFileFault(error)) throw error;
    goBack(db).run();
    return null;
  }
}

/**
 * Each job on a savepoint, so that one that fails takes nothing of the others back. Not the usual way, because FTS5 writes
 * its index out at every savepoint, which doubles the cost of a message.
 */
function runApart(jobs: Job[], db: Db): Outcome[] {
  return jobs.map((job) => {
    savepoint(db).run();
    let outcome: Outcome;
    try {
      outcome = { value: job.work(db) };
    } catch (error) {
      if (isFileFault(error)) throw error;
      goBack(db).run();
      outcome = { error };
    }
    release(db).run();
    return outcome;
  });
}

function closedError(): AppError {
  return new AppError("shutting_down", "The store is closed.", { hint: "Try again once Hermes runs again." });
}

function pauseMs(tries: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10));
}
