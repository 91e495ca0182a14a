import { within } from "../../lib/waiting.ts";
import { PlatformError } from "../../platforms/contract.ts";
import {
  type Connect,
  type FromWorker,
  fromFailure,
  type PlatformFailure,
  type RemoteMethod,
  type ToWorker,
} from "../protocol.ts";
import type { SupervisionTimings } from "./timings.ts";

/** Why a worker is of no use any more. */
export type WorkerEnd =
  /** `reason` is fit for a user; `detail` is for the log alone. */
  | { type: "crashed"; reason: string; detail?: string }
  /** The adapter gave up by itself: the worker is alive, and what it still can it does. */
  | { type: "failed"; failure: PlatformFailure }
  /** It was asked to. */
  | { type: "stopped" };

/** What a worker tells by itself; answers to calls and to pings are the link's own business. */
export type WorkerNews = Extract<FromWorker, { type: "ready" | "emitted" | "status" | "log" }>;

/** One worker, from its start to its end. */
export interface WorkerLink {
  /** Resolves once, with the first reason. From then on calls reject with `unavailable`, but for `failed`. */
  readonly over: Promise<WorkerEnd>;
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>;
  /** `handed`: memory that goes over instead of being copied. */
  call(
    method: RemoteMethod,
    args: readonly unknown[],
    signal?: AbortSignal,
    handed?: ArrayBuffer[],
  ): Promise<unknown>;
  listen(): void;
  /** Resolves once the adapter has stopped receiving, and what it received is on disk. */
  stopListening(): Promise<void>;
  settle(id: number, problem: string | null): void;
  /** Has it give back the memory that it does not need. */
  shrink(): void;
  /** Ends it at once. */
  terminate(end: WorkerEnd): void;
  /** Lets it give its work up, and ends it after `endMs` at most. */
  end(): Promise<void>;
}

/** What a link works with. */
export interface WorkerLinkParts {
  worker: Worker;
  connect: Omit<Connect, "wantsDebug">;
  /** Whether the log keeps lines of `debug`. The worker is told when it begins, and with every ping. */
  wantsDebug(): boolean;
  onNews(news: WorkerNews): void;
  timings: SupervisionTimings;
}

/** Tells the worker which adapter it is the home of, and keeps an eye on it. */
export function linkWorker({ worker, connect, wantsDebug, onNews, timings }: WorkerLinkParts): WorkerLink {
  const over = Promise.withResolvers<WorkerEnd>();
  const gone = Promise.withResolvers<void>();
  const listened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const post = (message: ToWorker, handed: ArrayBuffer[] = []) => worker.postMessage(message, handed);
  const calls = createCalls(post, timings.callMs);
  const ping = () => post({ type: "ping", wantsDebug: wantsDebug() });
  const pulse = watchPulse(ping, timings, () => terminate(HUNG));

  function terminate(end: WorkerEnd): void {
    over.resolve(end);
    pulse.stop();
    calls.close();
    listened.resolve();
    ended.resolve();
    worker.terminate();
  }

  function hear(message: FromWorker): void {
    if (message.type === "pong") pulse.beat();
    else if (message.type === "answer") calls.answer(message.id, message.value);
    else if (message.type === "failure") calls.fail(message.id, message.failure);
    else if (message.type === "unready") over.resolve({ type: "failed", failure: message.failure });
    else if (message.type === "listened") {
      if (message.failure) over.resolve({ type: "failed", failure: message.failure });
      listened.resolve();
    } else if (message.type === "ended") ended.resolve();
    else if (message.type === "crashed") terminate(crashOf(message.thrown));
    else onNews(message);
  }

  worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => hear(data));
  worker.addEventListener("error", (event) => {
    event.preventDefault(); // or Bun prints it
    terminate(crashOf(event.message));
  });
  // Its code says nothing: it is 0 for much that is no orderly end. Every end that was not asked for is a crash.
  worker.addEventListener("close", () => {
    terminate({ type: "crashed", reason: "Its worker ended by itself." });
    gone.resolve();
  });
  worker.unref();
  post({ type: "connect", ...connect, wantsDebug: wantsDebug() });

  return {
    over: over.promise,
    gone: gone.promise,
    call: calls.call,
    listen: () => post({ type: "listen" }),
    stopListening() {
      post({ type: "stopListening" });
      return listened.promise;
    },
    settle: (id, problem) => post({ type: "settled", id, problem }),
    shrink: () => post({ type: "shrink" }),
    terminate,
    async end() {
      post({ type: "end" });
      await within(ended.promise, timings.endMs);
      terminate({ type: "stopped" });
    },
  };
}

/** What was thrown may hold anything: a user is told its kind alone. Bun writes the source around it, which nobody needs. */
function crashOf(thrown: string): WorkerEnd {
  const [line, name] = /^(\w*(?:Error|Exception))\b.*$/m.exec(thrown) ?? [thrown];
  return {
    type: "crashed",
    reason: `Its worker crashed${name === undefined ? "" : ` (${name})`}.`,
    detail: line,
  };
}

const HUNG: WorkerEnd = { type: "crashed", reason: "Its worker hung and was ended." };

/**
 * Calls `onStop` when pings stay without an answer. They are counted instead of timed, so that a pause of the whole process,
 * such as the sleep of the machine, is no reason.
 */
function watchPulse(ping: () => void, timings: SupervisionTimings, onStop: () => void) {
  let missed = 0;
  const timer = setInterval(() => {
    missed += 1;
    if (missed > timings.missedPings) onStop();
    else ping();
  }, timings.pingEveryMs);
  timer.unref();
  return {
    beat() {
      missed = 0;
    },
    stop: () => clearInterval(timer),
  };
}

/** The calls that wait for an answer. */
function createCalls(post: (message: ToWorker, handed?: ArrayBuffer[]) => void, timeoutMs: number) {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  let isClosed = false;

  return {
    async call(method: RemoteMethod, args: readonly unknown[], signal?: AbortSignal, handed?: ArrayBuffer[]) {
      if (isClosed) throw workerGone();
      if (signal?.aborted) throw new PlatformError("unavailable", "The call was given up.");
      lastId += 1;
      const id = lastId;
      const answer = Promise.withResolvers<unknown>();
      const abort = () => post({ type: "abort", id });
      const timer = setTimeout(() => {
        abort();
        answer.reject(new PlatformError("unavailable", `The call took longer than ${timeoutMs / 1000} s.`));
      }, timeoutMs);
      timer.unref();
      signal?.addEventListener("abort", abort, { once: true });
      waiting.set(id, answer);
      try {
        post({ type: "call", id, method, args }, handed);
        return await answer.promise;
      } finally {
        waiting.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      }
    },
    answer: (id: number, value: unknown) => waiting.get(id)?.resolve(value),
    fail: (id: number, failure: PlatformFailure) => waiting.get(id)?.reject(fromFailure(failure)),
    close() {
      isClosed = true;
      for (const answer of waiting.values()) answer.reject(workerGone());
    },
  };
}

const workerGone = () => new PlatformError("unavailable", "Its worker ended.");
