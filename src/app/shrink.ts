import type { Log } from "../lib/log.ts";
import { shrinkThread } from "../lib/memory.ts";
import type { App } from "./open.ts";

const LOOK_MS = 2_000;
/** Below this share of a core since the last look, nothing is going on. */
const QUIET_SHARE = 0.05;
/** The next message pays for memory that is given back, by some milliseconds: that shall be worth it, and rare. */
const WORTH_BYTES = 12e6;
const SELDOM_MS = 10_000;

/** What is looked at. */
export interface Meter {
  /** Milliseconds that only rise. */
  nowMs(): number;
  /** The processor time of all threads of the process so far. */
  processorMs(): number;
  residentBytes(): number;
}

/**
 * Looks every two seconds whether the process is quiet and has grown since it was last shrunk. The engine by itself keeps what a
 * burst of work has left, for hours if nothing more is asked of it: garbage, compiled code, freed pages, pages of the database.
 */
export function startShrinking(
  app: Pick<App, "store" | "gateway"> & { log: Log },
  isDue = createQuietWatch(PROCESS),
): { stop(): void } {
  const timer = setInterval(() => {
    if (!isDue()) return;
    app.gateway?.shrink();
    app.store.shrink().catch((error: unknown) => app.log.debug("the database keeps its memory", { error }));
    shrinkThread();
  }, LOOK_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Tells at each look whether now is the moment to shrink; the first comes with the first quiet after the start. */
export function createQuietWatch({ nowMs, processorMs, residentBytes }: Meter): () => boolean {
  let last = { nowMs: nowMs(), processorMs: processorMs() };
  let shrunkAtMs = Number.NEGATIVE_INFINITY;
  /** The least that was seen since it was shrunk: memory comes back bit by bit. */
  let leastBytes = 0;
  return () => {
    const now = { nowMs: nowMs(), processorMs: processorMs() };
    const share = (now.processorMs - last.processorMs) / (now.nowMs - last.nowMs);
    last = now;
    const bytes = residentBytes();
    leastBytes = Math.min(leastBytes, bytes);
    const isWorth = bytes - leastBytes >= WORTH_BYTES;
    if (share >= QUIET_SHARE || !isWorth || now.nowMs - shrunkAtMs < SELDOM_MS) return false;
    shrunkAtMs = now.nowMs;
    leastBytes = bytes;
    return true;
  };
}

const PROCESS: Meter = {
  nowMs: () => performance.now(),
  processorMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3;
  },
  residentBytes: () => process.memoryUsage.rss(),
};
