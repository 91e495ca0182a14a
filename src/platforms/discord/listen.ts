import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/waiting.ts";
import { type ConnectionHooks, PlatformError } from "../contract.ts";
import type { DiscordClient } from "./client.ts";
import { type ConnectionEnd, openConnection } from "./connection.ts";
import { createEvents } from "./events.ts";
import { createJournal, type Journal } from "./journal.ts";
import type { Timing } from "./timing.ts";

/** Events that wait to be stored. With more of them it connects no more: Discord keeps them, and memory does not. */
const MAX_PENDING = 5000;
/** After so many connections to the address of the session that failed, it is resumed at the usual address. */
const RESUME_TRIES = 3;

export interface ListenOptions {
  client: DiscordClient;
  hooks: ConnectionHooks;
  timing: Timing;
  signal: AbortSignal;
}

/**
 * Receives over the gateway until the signal aborts, always over one connection. A connection that ends is made again and
 * the session resumed, in the next process too, so that Discord sends what was missed. Rejects with `unauthorized` when
 * Discord takes no connection of this bot, and with `rate_limited` when it has begun too many sessions today.
 */
export async function listen(options: ListenOptions): Promise<void> {
  const { hooks, timing } = options;
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  const journal = createJournal(hooks, timing);
  try {
    await keepConnected({ ...options, signal }, journal);
  } catch (error) {
    if (!options.signal.aborted) throw error;
  } finally {
    over.abort();
    journal.close();
  }
}

async function keepConnected(options: ListenOptions, journal: Journal): Promise<void> {
  const { hooks, timing, signal } = options;
  let failures = 0;
  let readyAtMs = Number.POSITIVE_INFINITY;
  const identifies = createTurns(timing.identifyEveryMs, signal);
  const onEvent = createEvents({
    ...options,
    journal,
    onReady(bot) {
      readyAtMs = performance.now();
      hooks.connected(bot);
    },
  });

  async function connectOnce(): Promise<ConnectionEnd> {
    const { session } = journal;
    let url = session?.resumeUrl;
    if (url === undefined || failures >= RESUME_TRIES) {
      const isNew = session === null;
      if (isNew) await identifies.next();
      url = await gatewayUrl(options, isNew);
    }
    signal.throwIfAborted();
    const connection = openConnection({
      url,
      token: options.client.token,
      session,
      timing,
      sequence: () => journal.session?.sequence ?? null,
      onAlive: () => hooks.alive(),
      onEvent(event) {
        onEvent(event);
        if (journal.pending > MAX_PENDING) connection.leave("too much waits to be stored");
      },
    });
    const leave = () => connection.leave("it shall stop");
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await connection.over;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  while (!signal.aborted) {
    readyAtMs = Number.POSITIVE_INFINITY;
    const end = await connectOnce().catch(toEnd);
    if (signal.aborted) return;
    if (performance.now() - readyAtMs >= timing.settledMs) failures = 0;
    if (end.type === "refused") throw end.error;
    if (end.type === "invalid") journal.lose();
    hooks.reconnecting(end.reason);
    hooks.log("debug", "the connection is made again", { reason: end.reason, failures });
    await sleep(pauseAfter(end, failures++, timing), signal);
    await untilStored(journal, hooks, signal);
  }
}

/** Longer and longer while connections do not last; no time at all for one that did and that Discord moves elsewhere. */
function pauseAfter(end: ConnectionEnd, failures: number, { reconnect, invalid }: Timing): number {
  if (end.type === "lost" && end.isAsked && failures === 0) return 0;
  const leastMs = end.type === "invalid" ? invalid.leastMs + Math.random() * invalid.spreadMs : 0;
  return Math.max(leastMs, backoffMs(failures, reconnect));
}

/** What made it impossible to connect; the errors that stay are thrown on. */
function toEnd(error: unknown): ConnectionEnd {
  if (!(error instanceof PlatformError) || error.kind !== "unavailable") throw error;
  return { type: "lost", reason: error.message };
}

/** Where to connect; for a new session, if one may be begun: Discord resets the token of a bot that begins too many. */
async function gatewayUrl({ client, hooks, signal }: ListenOptions, isNew: boolean): Promise<string> {
  const found = await client.call((api, ended) => api.gateway.getBot({ signal: ended }), signal);
  const { remaining, total, reset_after: retryAfterMs } = found.session_start_limit;
  if (isNew && remaining < 1)
    throw new PlatformError(
      "rate_limited",
      `Discord lets a bot begin ${total} sessions a day, and no more.`,
      {
        retryAfterMs,
        hint: "Look in the log why its connection breaks so often, and whether another program uses the bot.",
      },
    );
  if (isNew && remaining < total / 10)
    hooks.log("warn", "the bot has begun nearly all sessions of this day", { remaining, retryAfterMs });
  return found.url;
}

/** Turns that come no faster than this. */
function createTurns(everyMs: number, signal: AbortSignal): { next(): Promise<void> } {
  let freeAtMs = 0;
  return {
    async next() {
      await sleep(Math.max(0, freeAtMs - performance.now()), signal);
      freeAtMs = performance.now() + everyMs;
    },
  };
}

/** Waits while too much waits to be stored; says so from time to time, because that is a sign of life. */
async function untilStored(journal: Journal, hooks: ConnectionHooks, signal: AbortSignal): Promise<void> {
  while (journal.pending > MAX_PENDING / 2 && !signal.aborted) {
    hooks.reconnecting("too much waits to be stored");
    await sleep(1000, signal);
  }
}
