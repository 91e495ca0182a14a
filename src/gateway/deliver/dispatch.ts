import { accountLabel } from "../../config/accounts.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { AppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { sleep } from "../../lib/waiting.ts";
import { PlatformError } from "../../platforms/contract.ts";
import type { DeliveryStore } from "../../store/contract.ts";
import type { OutboundDelivery, RunError } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import { extraOf } from "../extra.ts";
import { type Content, type Outgoing, show } from "./outgoing.ts";
import type { Pace } from "./pace.ts";

const RETRY = { baseMs: 500, maxMs: 60_000 };
/** What was tried for so long is given up. The time in which no process runs, or the machine sleeps, is none of it. */
const MAX_TRYING_MS = 24 * 3_600_000;
/** A group moves once, when it becomes a supergroup; who sends a message on and on leads it nowhere. */
const MAX_MOVES = 3;

/** What dispatching works with. */
export interface DispatchParts {
  store: DeliveryStore;
  find(platform: string, account: string): Connection | null;
  paceOf(connection: Connection): Pace;
  /** A chat goes on under another id. */
  followMove(connection: Connection, from: string, to: string): Promise<void>;
  log: Log;
  signal: AbortSignal;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Milliseconds that only rise. */
  elapsedMs?: () => number;
}

/** Sends deliveries, with patience. */
export interface Dispatch {
  /**
   * Sees a delivery through until it is sent or dead. False when the signal aborted before that: it stays in the outbox. Never
   * rejects. `contents` is asked once there is a connection.
   */
  send(outgoing: Outgoing, contents: (connection: Connection) => Promise<Content[]>): Promise<boolean>;
  /** Something can be tried again that could not. */
  wake(): void;
  /** From now on what fails is left in the outbox instead of being tried again here. */
  drain(): void;
}

/** What waits, waits until the platform, the back-off or `wake` says so. */
export function createDispatch(parts: DispatchParts): Dispatch {
  const { store, find, paceOf, followMove, log, signal, now = Date.now } = parts;
  const { elapsedMs = () => performance.now() } = parts;
  /** When each was tried first. */
  const triedAtMs = new WeakMap<Outgoing, number>();
  /** How often each was sent on to another chat. */
  const moves = new WeakMap<Outgoing, number>();
  let waking = new AbortController();
  const draining = new AbortController();
  const isOver = () => signal.aborted || draining.signal.aborted;

  /** Until the time is over or something changes for the better. */
  const pause = (ms: number) => sleep(ms, AbortSignal.any([signal, draining.signal, waking.signal]));

  async function attempt(outgoing: Outgoing, contents: Content[], connection: Connection): Promise<void> {
    const { delivery } = outgoing;
    const pace = paceOf(connection);
    const { scope } = extraOf(delivery);
    const mayCall = async () => {
      await pace.take(delivery.target.chat, scope, signal);
      return true;
    };
    await show(outgoing, contents, { connection, store, isPartial: false, mayCall, signal });
    await store.finish(delivery.id, delivery.parts);
  }

  /** Notes why a try failed, and waits until the next one makes sense. True when there is no next one. */
  async function failed(outgoing: Outgoing, error: PlatformError, connection: Connection): Promise<boolean> {
    const { delivery } = outgoing;
    const account = accountLabel(connection.account);
    if (error.kind === "moved") {
      if (await follow(outgoing, error, connection)) return false;
      await giveUp(outgoing, endless(error), account);
      return true;
    }
    delivery.attempts += 1;
    if (error.kind === "refused" || triedForMs(outgoing) > MAX_TRYING_MS) {
      await giveUp(outgoing, error, account);
      return true;
    }
    const waitMs = error.retryAfterMs ?? backoffMs(delivery.attempts - 1, RETRY);
    if (error.kind === "rate_limited") paceOf(connection).block(delivery.target.chat, waitMs);
    log.debug("a message waits for another try", { account, id: delivery.id, reason: error.message, waitMs });
    const { attempts } = delivery;
    await store.postpone(delivery.id, { attempts, dueAt: now() + waitMs, error: runError(error) });
    await (error.kind === "rate_limited"
      ? sleep(waitMs, AbortSignal.any([signal, draining.signal]))
      : pause(waitMs));
    return false;
  }

  /** Sends the delivery on to where its chat is now; false when it was sent on too often, or to where it is. */
  async function follow(outgoing: Outgoing, { movedTo }: PlatformError, connection: Connection) {
    const { delivery } = outgoing;
    const before = moves.get(outgoing) ?? 0;
    if (movedTo === undefined || movedTo === delivery.target.chat || before >= MAX_MOVES) return false;
    if (before > 0) await pause(backoffMs(before, RETRY));
    await followMove(connection, delivery.target.chat, movedTo);
    moves.set(outgoing, before + 1);
    delivery.target = { ...delivery.target, chat: movedTo };
    return true;
  }

  async function giveUp({ delivery: { id } }: Outgoing, error: PlatformError, account: string) {
    log.warn("a message could not be delivered", { account, id, reason: error.message });
    await store.bury(id, runError(error));
  }

  function triedForMs(outgoing: Outgoing): number {
    const sinceMs = triedAtMs.get(outgoing) ?? elapsedMs();
    triedAtMs.set(outgoing, sinceMs);
    return elapsedMs() - sinceMs;
  }

  async function tryOnce(
    outgoing: Outgoing,
    contents: (connection: Connection) => Promise<Content[]>,
  ): Promise<boolean> {
    const { platform, account } = outgoing.delivery.target;
    const connection = find(platform, account);
    if (connection === null) {
      await pause(RETRY.maxMs);
      return false;
    }
    try {
      await attempt(outgoing, await contents(connection), connection);
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      if (isSettled(thrown)) return true;
      return failed(outgoing, asPlatformError(thrown), connection);
    }
  }

  return {
    async send(outgoing, contents) {
      do {
        try {
          if (await tryOnce(outgoing, contents)) return true;
        } catch (error) {
          if (signal.aborted) return false;
          if (isSettled(error)) return true;
          // The store cannot be written: the message is not noted as sent, so it is tried again.
          log.warn("a delivery could not be noted", { id: outgoing.delivery.id, error });
          await pause(backoffMs(3, RETRY));
        }
      } while (!isOver());
      return false;
    },
    wake() {
      waking.abort();
      waking = new AbortController();
    },
    drain: () => draining.abort(),
  };
}

/** The store takes nothing more for a delivery that is sent or dead already, or gone. */
function isSettled(thrown: unknown): boolean {
  return thrown instanceof AppError && (thrown.code === "conflict" || thrown.code === "not_found");
}

function asPlatformError(thrown: unknown): PlatformError {
  if (thrown instanceof PlatformError) return thrown;
  return new PlatformError("unavailable", "The message could not be sent.", { cause: thrown });
}

function endless({ movedTo = "nowhere" }: PlatformError): PlatformError {
  return new PlatformError(
    "moved",
    `The platform sends it from chat to chat without an end, now to ${movedTo}.`,
    {
      hint: "Ask for the id of the chat with /whoami, write it into the configuration, and retry.",
    },
  );
}

/** Why a delivery waits or is dead, as the store keeps it. */
function runError({ kind, message, hint }: PlatformError): NonNullable<OutboundDelivery["error"]> {
  const error: RunError = { code: kind, message };
  return hint === undefined ? error : { ...error, hint };
}
