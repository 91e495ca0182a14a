import type { Agent } from "../../agent/contract.ts";
import type { Log } from "../../lib/log.ts";
import { sleep } from "../../lib/waiting.ts";
import type { Store } from "../../store/contract.ts";
import { type Outgoing, resumed } from "./outgoing.ts";

/** How often it is looked whether other processes have ended runs that wait here, and at how many at a time. */
const LOOK_MS = 1_000;
const LOOKED_AT = 50;
/** After a fault of the store. */
const AGAIN_MS = 1_000;

/** An answer whose run waits for its turn: all else of it is on disk. */
export interface Sleeper {
  /** Of the delivery. */
  id: string;
  order: number;
  /** It was in the outbox already when this process took it up. */
  isResumed: boolean;
}

/** What sleepers need. */
export interface SleepersParts {
  store: Pick<Store, "deliveries" | "runs">;
  agent: Pick<Agent, "waits" | "onMove">;
  log: Log;
  signal: AbortSignal;
  /** Takes the answer from here on: its run waits no longer. */
  woken(outgoing: Outgoing, order: number): void;
  /** There is no such delivery any more, or the signal aborted. */
  leave(id: string): void;
}

/** Keeps the answers of runs that wait. Thousands may: one that is asleep has no timer, no listener and no promise. */
export interface Sleepers {
  add(runId: string, sleeper: Sleeper): void;
  /** Leaves all that are asleep. */
  stop(): void;
}

export function createSleepers({ store, agent, log, signal, woken, leave }: SleepersParts): Sleepers {
  const asleep = new Map<string, Sleeper>();
  let timer: Timer | undefined;

  const unfollow = agent.onMove(wake);

  function wake(runId: string): void {
    const sleeper = asleep.get(runId);
    if (sleeper === undefined) return;
    asleep.delete(runId);
    if (asleep.size === 0) stopLooking();
    void fetch(sleeper);
  }

  async function fetch({ id, order, isResumed }: Sleeper): Promise<void> {
    while (!signal.aborted)
      try {
        const delivery = await store.deliveries.get(id);
        if (delivery === null || delivery.finishedAt !== null) return leave(id);
        return woken(isResumed ? resumed(delivery) : { delivery, shown: [] }, order);
      } catch (error) {
        log.warn("an answer could not be read", { id, error });
        await sleep(AGAIN_MS, signal);
      }
    leave(id);
  }

  /** The oldest first; whoever was looked at goes behind the others. */
  async function look(): Promise<void> {
    for (const [runId, sleeper] of asleep.entries().take(LOOKED_AT).toArray()) {
      const status = agent.waits(runId) ? (await store.runs.get(runId))?.status : undefined;
      if (status !== "queued") wake(runId);
      else if (asleep.delete(runId)) asleep.set(runId, sleeper);
    }
  }

  function startLooking(): void {
    timer ??= setInterval(
      () => look().catch((error: unknown) => log.debug("waiting runs could not be looked at", { error })),
      LOOK_MS,
    );
  }

  function stopLooking(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    add(runId, sleeper) {
      asleep.set(runId, sleeper);
      startLooking();
    },
    stop() {
      unfollow();
      stopLooking();
      for (const { id } of asleep.values()) leave(id);
      asleep.clear();
    },
  };
}
