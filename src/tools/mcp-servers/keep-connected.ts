import { type BackoffOptions, backoffMs } from "../../lib/backoff.ts";
import type { Log } from "../../lib/log.ts";
import { orAborted, sleep } from "../../lib/waiting.ts";
import type { Connection } from "./connect.ts";

/** A connection that lasted this long has shown that the server is well: what failed before is forgotten. */
const WELL_AFTER_MS = 60_000;

export type State =
  | { kind: "connecting"; over: PromiseWithResolvers<void> }
  | { kind: "ready"; connection: Connection }
  | { kind: "failed"; reason: string; retryAtMs: number }
  | { kind: "stopped" };

export interface KeepConnectedParts {
  /** Connects and makes everything ready for calls. */
  open(signal: AbortSignal): Promise<Connection>;
  /** Why `open` failed, in words. */
  describe(error: unknown): string;
  retry: BackoffOptions;
  log: Log;
  onChange(): void;
}

export interface KeptConnection {
  readonly state: State;
  /** Waits while it is being connected. A text instead of a connection says why there is none. */
  usable(signal: AbortSignal): Promise<Connection | string>;
  /** Gives this connection up, so that a new one is made. */
  lose(connection: Connection, reason: string): Promise<void>;
  /** Resolves once no attempt is under way. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Connects in the background, and again whenever the connection is lost: at once the first time, then with growing pauses.
 * During a pause calls fail without waiting, so that a broken server costs a turn no time; the next attempt that succeeds
 * lets them through again.
 */
export function keepConnected({ open, describe, retry, log, onChange }: KeepConnectedParts): KeptConnection {
  const stopping = new AbortController();
  let state: State = { kind: "connecting", over: Promise.withResolvers() };

  const enter = (next: State) => {
    if (state.kind === "stopped") return;
    const before = state;
    state = next;
    if (before.kind === "connecting") before.over.resolve();
    onChange();
  };
  const enterConnecting = () => {
    if (state.kind !== "connecting") enter({ kind: "connecting", over: Promise.withResolvers() });
  };

  const lose = async (connection: Connection, reason: string) => {
    if (state.kind === "ready" && state.connection === connection) enterConnecting();
    await connection.end(reason);
  };

  /** Connects, and comes back once the connection is no more, or there was none. */
  const attempt = async (): Promise<{ reason: string; lastedMs: number | null }> => {
    let connection: Connection;
    try {
      connection = await open(stopping.signal);
    } catch (error) {
      const reason = describe(error);
      if (!stopping.signal.aborted) log.warn("an MCP server is not connected", { reason, error });
      return { reason, lastedMs: null };
    }
    const sinceMs = Date.now();
    enter({ kind: "ready", connection });
    log.info("an MCP server is connected", { protocol: connection.protocol });
    if (stopping.signal.aborted) await connection.end("Hermes has stopped");
    const reason = await connection.ended;
    if (!stopping.signal.aborted) log.warn("the connection to an MCP server is lost", { reason });
    await lose(connection, reason);
    return { reason, lastedMs: Date.now() - sinceMs };
  };

  const run = async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      enterConnecting();
      const { reason, lastedMs } = await attempt();
      failures = lastedMs !== null && lastedMs >= WELL_AFTER_MS ? 0 : failures + 1;
      if (lastedMs !== null && failures <= 1) continue;
      const waitMs = backoffMs(failures - 1, retry);
      enter({ kind: "failed", reason, retryAtMs: Date.now() + waitMs });
      await sleep(waitMs, stopping.signal);
    }
  };
  const running = run();

  return {
    get state() {
      return state;
    },
    async usable(signal) {
      while (state.kind === "connecting") await orAborted(state.over.promise, signal);
      if (state.kind === "ready") return state.connection;
      if (state.kind === "stopped") return "it is no longer configured";
      const seconds = Math.max(0, Math.ceil((state.retryAtMs - Date.now()) / 1000));
      return `${state.reason}; it is tried again in ${seconds} s`;
    },
    lose,
    async settled() {
      if (state.kind === "connecting") await state.over.promise;
    },
    async stop() {
      const before = state;
      stopping.abort();
      enter({ kind: "stopped" });
      if (before.kind === "ready") await before.connection.end("Hermes ends it");
      await running;
    },
  };
}
