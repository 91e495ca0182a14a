import { shrinkThread } from "../../lib/memory.ts";
import {
  type ConnectionHooks,
  type Platform,
  type PlatformAdapter,
  PlatformError,
  type PlatformId,
} from "../../platforms/contract.ts";
import type { Ability } from "../contract.ts";
import {
  type Connect,
  type FromWorker,
  handedOver,
  type PlatformFailure,
  type RemoteMethod,
  type ToWorker,
  toFailure,
} from "../protocol.ts";
import { createEmitQueue } from "./emit-queue.ts";
import { createLogQuota } from "./log-quota.ts";
import { createStatusReport } from "./status-report.ts";

const ABILITIES: readonly Ability[] = [
  "webhook",
  "edit",
  "draft",
  "remove",
  "typing",
  "react",
  "fetchFile",
  "registerCommands",
];

/** An adapter in its worker, and what it does at the moment. */
interface Hosted {
  adapter: PlatformAdapter;
  title: string;
  hooks: ConnectionHooks;
}

const post = (message: FromWorker, handed: ArrayBuffer[] = []): void => postMessage(message, handed);

/**
 * Makes this worker the home of one adapter: the main thread says which, by `connect`. `load` gives the platform. What is thrown
 * and caught by nobody is told to the main thread, which then ends the worker.
 */
export function serveAdapter(load: (id: PlatformId) => Promise<Platform | null>): void {
  let wantsDebug = true;
  const log = createLogQuota(
    (level, message, fields) => post({ type: "log", level, message, fields }),
    () => wantsDebug,
  );
  const queue = createEmitQueue((items) => post({ type: "emitted", items }));
  const report = createStatusReport((status) => post({ type: "status", status }));
  const calls = new Map<number, { abort: AbortController; settled: Promise<void> }>();
  let hosted: Hosted | null = null;
  let listening: { abort: AbortController; settled: Promise<void> } | null = null;

  async function connect({ platform: id, settings, ...more }: Connect): Promise<void> {
    wantsDebug = more.wantsDebug;
    let title: string = id;
    try {
      const platform = await load(id);
      if (!platform) throw new PlatformError("refused", `This version does not connect ${id}.`);
      title = platform.title;
      const adapter = await platform.connect(settings);
      hosted = { adapter, title, hooks: hooksWith(more) };
      const abilities = ABILITIES.filter((ability) => adapter[ability] !== undefined);
      post({ type: "ready", abilities, listens: adapter.listen !== undefined });
    } catch (error) {
      post({ type: "unready", failure: failureOf(error, title) });
    }
  }

  function hooksWith({ state: saved, webhookPath }: Pick<Connect, "state" | "webhookPath">): ConnectionHooks {
    let state = saved;
    return {
      emit: queue.emit,
      connected: report.connected,
      alive: report.alive,
      reconnecting: report.reconnecting,
      get state() {
        return state;
      },
      webhookPath,
      saveState(next) {
        state = next;
        return queue.saveState(next);
      },
      log,
    };
  }

  function listen(): void {
    if (listening || !hosted) return;
    const abort = new AbortController();
    listening = { abort, settled: untilListened(hosted, abort.signal) };
  }

  /** What was received is on disk, or refused, before the main thread hears that nothing more will come. */
  async function untilListened({ adapter, title, hooks }: Hosted, signal: AbortSignal): Promise<void> {
    let failure: PlatformFailure | null = null;
    try {
      await adapter.listen?.(hooks, signal);
      if (signal.aborted) await queue.drained();
      else failure = { kind: "unavailable", message: `${title} stopped receiving by itself.` };
    } catch (error) {
      if (!signal.aborted) failure = failureOf(error, title);
      else log("debug", "receiving ended with an error", { error });
    }
    report.flush();
    post({ type: "listened", failure });
  }

  function call(message: ToWorker & { type: "call" }): void {
    const abort = new AbortController();
    calls.set(message.id, { abort, settled: answer(message, abort.signal) });
  }

  async function answer(
    { id, method, args }: ToWorker & { type: "call" },
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const value = await invoke(method, args, signal);
      post({ type: "answer", id, value }, handedOver((value as { bytes?: unknown } | undefined)?.bytes));
    } catch (error) {
      const isGivenUp = signal.aborted && !(error instanceof PlatformError);
      const failure = isGivenUp ? GIVEN_UP : failureOf(error, hosted?.title ?? "the platform");
      post({ type: "failure", id, failure });
    } finally {
      calls.delete(id);
    }
  }

  async function invoke(
    method: RemoteMethod,
    args: readonly unknown[],
    signal: AbortSignal,
  ): Promise<unknown> {
    if (!hosted) throw new PlatformError("unavailable", "It is not connected yet.");
    const { adapter, title, hooks } = hosted;
    const ability = adapter[method] as ((...args: unknown[]) => Promise<unknown>) | undefined;
    if (!ability) throw new PlatformError("refused", `${title} has no ${method}.`);
    return await ability.call(adapter, ...args, method === "webhook" ? hooks : signal);
  }

  /** Errors that are no `PlatformError` may hold anything, a token too: they go to the log, which takes secrets out. */
  function failureOf(error: unknown, title: string): PlatformFailure {
    if (error instanceof PlatformError) return toFailure(error);
    log("warn", "an adapter failed in a way that it does not name", { error });
    return { kind: "unavailable", message: `Something went wrong with ${title} (${nameOf(error)}).` };
  }

  /** What is being sent may end; the main thread does not wait for long. */
  async function end(): Promise<void> {
    listening?.abort.abort();
    await Promise.all([listening?.settled, ...[...calls.values()].map(({ settled }) => settled)]);
    await hosted?.adapter.close?.();
    post({ type: "ended" });
  }

  const answers: { [Type in ToWorker["type"]]: (message: ToWorker & { type: Type }) => unknown } = {
    connect,
    listen,
    stopListening: () => listening?.abort.abort(),
    call,
    abort: ({ id }) => calls.get(id)?.abort.abort(),
    settled: ({ id, problem }) => queue.settle(id, problem),
    ping(message) {
      wantsDebug = message.wantsDebug;
      post({ type: "pong" });
    },
    shrink: shrinkThread,
    end,
  };
  const crash = (error: unknown) => post({ type: "crashed", thrown: String(error) });
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
    (answers[data.type] as (message: ToWorker) => unknown)(data);
  });
}

const GIVEN_UP: PlatformFailure = { kind: "unavailable", message: "The call was given up." };

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "no error";
}
