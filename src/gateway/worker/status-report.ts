import type { BotIdentity } from "../../platforms/contract.ts";
import type { ConnectionStatus } from "../protocol.ts";

/** Between two reports of a change, and of nothing but a sign of life. */
const CHANGE_EVERY_MS = 100;
const ALIVE_EVERY_MS = 1_000;

/** Tells the main thread how the connection is, however often the adapter does. */
export interface StatusReport {
  connected(bot: BotIdentity): void;
  alive(): void;
  reconnecting(reason: string, hint?: string): void;
  /** Sends what was held back. */
  flush(): void;
}

/** The first change is sent at once, those that follow soon after as one. */
export function createStatusReport(post: (status: ConnectionStatus) => void): StatusReport {
  const status: ConnectionStatus = {
    state: "starting",
    bot: null,
    reason: null,
    hint: null,
    reconnects: 0,
    aliveAtMs: null,
  };
  let postedAtMs = Number.NEGATIVE_INFINITY;
  let due: { atMs: number; timer: ReturnType<typeof setTimeout> } | null = null;

  function send(): void {
    if (due) clearTimeout(due.timer);
    due = null;
    postedAtMs = performance.now();
    post({ ...status });
  }

  function sendWithin(everyMs: number): void {
    const atMs = postedAtMs + everyMs;
    if (due && due.atMs <= atMs) return;
    if (due) clearTimeout(due.timer);
    const waitMs = atMs - performance.now();
    if (waitMs <= 0) send();
    else due = { atMs, timer: setTimeout(send, waitMs) };
  }

  return {
    connected(bot) {
      Object.assign(status, { state: "connected", bot, reason: null, hint: null, aliveAtMs: Date.now() });
      sendWithin(CHANGE_EVERY_MS);
    },
    alive() {
      status.aliveAtMs = Date.now();
      sendWithin(ALIVE_EVERY_MS);
    },
    reconnecting(reason, hint) {
      if (status.state !== "reconnecting") status.reconnects += 1;
      Object.assign(status, { state: "reconnecting", reason, hint: hint ?? null });
      sendWithin(CHANGE_EVERY_MS);
    },
    flush() {
      if (due) send();
    },
  };
}
