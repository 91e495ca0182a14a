import { backoffMs } from "../../../lib/backoff.ts";
import { orAborted, sleep, within } from "../../../lib/waiting.ts";
import { type BotIdentity, type ConnectionHooks, PlatformError } from "../../contract.ts";
import type { Timing } from "../timing.ts";
import type { BotConnection } from "./connection.ts";
import type { Frame } from "./frame.ts";
import type { Link } from "./link.ts";

/** What listening works with. */
export interface BotListenParts {
  identity: BotIdentity;
  link: Link;
  timing: Timing;
  /** Opens the one connection; its callbacks go to `onCallback`. */
  open(onCallback: (frame: Frame) => void, onAlive: () => void, signal: AbortSignal): Promise<BotConnection>;
  /** Takes what WeCom brings; settles once that is on disk or given up. */
  take(frame: Frame, connection: BotConnection, hooks: ConnectionHooks, signal: AbortSignal): Promise<void>;
}

/**
 * Receives over the connection of a bot until the signal aborts, and makes it anew when it ends; never is there more than one. The
 * last one is left to the link, over which answers go that are not ready by then. Rejects with
 * `unauthorized` for wrong credentials, and with `conflict` when another program has taken the bot over: whoever comes back then
 * throws the other out, and is thrown out in turn.
 */
export async function listen(
  parts: BotListenParts,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  const { link, timing } = parts;
  for (let failures = 0; !signal.aborted; failures += 1) {
    link.use(null);
    const openedAtMs = performance.now();
    try {
      await receive(parts, hooks, signal);
    } catch (error) {
      if (signal.aborted) return;
      link.use(null);
      if (!(error instanceof PlatformError) || error.kind === "unauthorized" || error.kind === "conflict")
        throw error;
      if (performance.now() - openedAtMs >= timing.stableMs) failures = 0;
      hooks.reconnecting(error.message, error.hint);
      await sleep(error.retryAfterMs ?? backoffMs(failures, timing.retry), signal);
    }
  }
}

/** One connection, from its beginning to its end, whose reason it throws, or to the signal's abort, which leaves it open. */
async function receive(
  { identity, link, timing, open, take }: BotListenParts,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  const taking = new Set<Promise<void>>();
  const early: Frame[] = [];
  let connection: BotConnection | null = null;
  const onCallback = (frame: Frame) => {
    if (signal.aborted) return; // whoever comes next gets it
    if (connection === null) return void early.push(frame);
    const taken = take(frame, connection, hooks, signal).finally(() => taking.delete(taken));
    taking.add(taken);
  };
  connection = await open(onCallback, () => hooks.alive(), signal);
  try {
    link.use(connection);
    hooks.connected(identity);
    for (const frame of early) onCallback(frame);
    throw await orAborted(connection.ended, signal);
  } finally {
    await within(Promise.allSettled(taking), timing.closeMs);
    if (!signal.aborted) connection.close();
  }
}
