import { readFileSync } from "node:fs";
import { AppError } from "../../lib/errors.ts";
import { createLimit } from "../../lib/limit.ts";
import { orAborted } from "../../lib/waiting.ts";
import { READING_ARGUMENT, SELF } from "../self.ts";
import type { Page, PageSource, ReadingAnswer } from "./contract.ts";

/** Processes that read at once; more pages wait. */
const MAX_PROCESSES = 2;
/** A process that had nothing to read for so long is ended. */
const IDLE_MS = 60_000;
/** Pages that one process reads before a fresh one takes its place. */
const PAGES_PER_PROCESS = 200;
/** A process that has grown beyond this is not kept. */
const KEPT_MEMORY_BYTES = 256 * 1024 * 1024;
const WATCH_MS = 50;
const TIMEOUT_MS = 20_000;
const MAX_MEMORY_BYTES = 768 * 1024 * 1024;

export interface ReaderLimits {
  /** For one page, the start of the process included. */
  timeoutMs: number;
  /** Resident memory of the process. */
  maxMemoryBytes: number;
}

/**
 * Reads an HTML page or a PDF. Raises `page_unreadable` for one that is broken, takes too long or too much memory, and the
 * reason of `signal`.
 */
export type ReadPage = (source: PageSource, signal: AbortSignal) => Promise<Page>;

/**
 * Makes a reader that parses in processes of its own, without this process's environment. A process and not a thread: a
 * thread cannot be ended within a long regular expression, and its memory has no limit. They are started when first
 * needed, end after a while without work, and with this process.
 */
export function createReader(limits: Partial<ReaderLimits> = {}): ReadPage {
  const { timeoutMs = TIMEOUT_MS, maxMemoryBytes = MAX_MEMORY_BYTES } = limits;
  const idle: ReadingProcess[] = [];
  const oneOfFew = createLimit(MAX_PROCESSES);

  const readInTurn: ReadPage = async (source, signal) => {
    signal.throwIfAborted();
    const reading = idle.pop() ?? startProcess((ended) => void remove(idle, ended));
    const answer = await reading.read(source, { timeoutMs, maxMemoryBytes }, signal);
    if (reading.keep()) idle.push(reading);
    if ("page" in answer) return answer.page;
    throw unreadable(source, answer.problem);
  };

  return (source, signal) =>
    orAborted(
      oneOfFew(() => readInTurn(source, signal)),
      signal,
    ); // also while it waits for its turn
}

/** The reader of this process, shared by all that read pages, so that its limits hold for all of them together. */
export const readPage: ReadPage = createReader();

interface ReadingProcess {
  read(source: PageSource, limits: ReaderLimits, signal: AbortSignal): Promise<ReadingAnswer>;
  /** Whether it may read another page; ends it when not. */
  keep(): boolean;
}

function startProcess(onEnd: (ended: ReadingProcess) => void): ReadingProcess {
  let waiting: PromiseWithResolvers<ReadingAnswer> | null = null;
  let pages = 0;
  let alive = true;
  let idleTimer: ReturnType<typeof setTimeout> | undefined;
  const child = Bun.spawn([...SELF, READING_ARGUMENT], {
    cwd: "/",
    env: {},
    stdio: ["ignore", "ignore", "ignore"],
    serialization: "advanced",
    ipc: (message) => waiting?.resolve(message as ReadingAnswer),
    onExit() {
      alive = false;
      clearTimeout(idleTimer);
      waiting?.reject(endedEarly());
      onEnd(self);
    },
  });
  child.unref();
  const end = () => void child.kill("SIGKILL");

  const self: ReadingProcess = {
    async read(source, limits, signal) {
      clearTimeout(idleTimer);
      pages += 1;
      waiting = Promise.withResolvers<ReadingAnswer>();
      const stop = (reason: unknown) => waiting?.reject(reason);
      const abort = () => stop(signal.reason);
      const deadline = setTimeout(() => stop(takesTooLong(limits.timeoutMs)), limits.timeoutMs);
      const watch = setInterval(() => {
        if (memoryOf(child.pid) > limits.maxMemoryBytes) stop(takesTooMuch());
      }, WATCH_MS);
      signal.addEventListener("abort", abort, { once: true });
      try {
        child.send(source);
        return await waiting.promise;
      } catch (error) {
        end(); // nothing but its end stops what it does
        throw error;
      } finally {
        clearTimeout(deadline);
        clearInterval(watch);
        signal.removeEventListener("abort", abort);
        waiting = null;
      }
    },
    keep() {
      if (!alive || pages >= PAGES_PER_PROCESS || memoryOf(child.pid) > KEPT_MEMORY_BYTES) {
        end();
        return false;
      }
      idleTimer = setTimeout(end, IDLE_MS);
      idleTimer.unref();
      return true;
    },
  };
  return self;
}

/** Resident memory of a process in bytes; 0 when it has gone (proc(5)). */
function memoryOf(pid: number): number {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0; // it ended a moment ago, which its end tells
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

function unreadable({ kind }: PageSource, problem: string): AppError {
  const locked = kind === "pdf" && /password/i.test(problem);
  return new AppError(
    "page_unreadable",
    locked
      ? "The PDF is locked with a password."
      : `The ${kind === "pdf" ? "PDF" : "page"} is broken and cannot be read.`,
    { cause: problem, hint: "Try another source of the same." },
  );
}

function endedEarly(): AppError {
  return new AppError("page_unreadable", "The page could not be read: the process that read it ended.", {
    hint: "Try again, or another source of the same.",
  });
}

function takesTooLong(timeoutMs: number): AppError {
  return new AppError("page_unreadable", `The page could not be read within ${timeoutMs} ms.`, {
    hint: "It is too large or made to be slow. Try another source of the same.",
  });
}

function takesTooMuch(): AppError {
  return new AppError("page_unreadable", "The page takes too much memory to be read.", {
    hint: "It is too large or made to be. Try another source of the same.",
  });
}
