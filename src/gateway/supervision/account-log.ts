import type { Log } from "../../lib/log.ts";
import type { AccountHealth } from "../contract.ts";

/** Reasons come in few kinds; one that brings ever new words does not fill the memory. */
const MAX_REMEMBERED = 50;

/** What the log is told of a change besides the change. */
export interface Aside {
  /** What is not fit for a user. */
  detail?: string | undefined;
  /** It is as it has to be: a warning, no error. */
  isExpected?: true | undefined;
}

/**
 * Tells the log of every change in one line. The same line comes again only after a while; in between it is for those who want
 * to know everything. That an account is connected again is said whenever it was said that it was not.
 */
export function createTeller(log: Log, repeatMs: number): (health: AccountHealth, aside: Aside) => void {
  const toldAtMs = new Map<string, number>();
  let lastTold = "";
  return ({ state, bot, error }, { detail, isExpected }) => {
    if (state === "starting") return;
    const [level, words] = isExpected ? (["warn", LINES[state][1]] as const) : LINES[state];
    const message = state === "connected" && bot ? `connected as ${bot.name}` : words;
    const fields = { reason: error?.message, hint: error?.hint, detail };
    const key = `${message} ${error?.message ?? ""}`;
    const nowMs = performance.now();
    const isRecent = nowMs - (toldAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < repeatMs;
    if (isRecent && (state !== "connected" || lastTold === key)) return log.debug(message, fields);
    log[level](message, fields);
    lastTold = key;
    if (toldAtMs.size >= MAX_REMEMBERED) toldAtMs.clear();
    toldAtMs.set(key, nowMs);
  };
}

const LINES = {
  connected: ["info", "ready"],
  stopped: ["info", "disconnected"],
  reconnecting: ["warn", "no messages come at the moment"],
  waiting: ["warn", "not connected, and tried again after a while"],
  refused: ["error", "it cannot be connected"],
} as const;
