import { type Emit, type InboundEvent, PlatformError } from "../../platforms/contract.ts";
import type { EmittedItem } from "../protocol.ts";

/** So many items may wait for the main thread to have them on disk; the rest wait here. */
export const MAX_IN_FLIGHT = 64;
/** An adapter that emits more than this without waiting gets refusals. */
const MAX_QUEUED = 10_000;

/** What an adapter emits and saves, on its way to the main thread. */
export interface EmitQueue {
  emit: Emit;
  saveState(state: unknown): Promise<void>;
  /** What became of an item; null: it is on disk or refused for good. */
  settle(id: number, problem: string | null): void;
  /** Resolves once nothing is on its way. */
  drained(): Promise<void>;
}

type Payload = { event: InboundEvent } | { state: unknown };
type Item = Payload & { done: PromiseWithResolvers<void> };

/** What was emitted and saved in one tick of the event loop; its state goes behind its events. */
interface Tick {
  state: Item | null;
}

/** Sends in the order of emission, once per tick, and never more than `MAX_IN_FLIGHT` items ahead of the main thread. */
export function createEmitQueue(post: (items: readonly EmittedItem[]) => void): EmitQueue {
  const queue: Item[] = [];
  const inFlight = new Map<number, Item>();
  let tick: Tick | null = null;
  let lastId = 0;
  let empty = Promise.withResolvers<void>();
  empty.resolve();

  const isEmpty = () => tick === null && queue.length === 0 && inFlight.size === 0;

  function currentTick(): Tick {
    if (tick) return tick;
    if (isEmpty()) empty = Promise.withResolvers();
    setImmediate(endTick);
    tick = { state: null };
    return tick;
  }

  function endTick(): void {
    if (tick?.state) push(tick.state);
    tick = null;
    send();
  }

  /** A state that waits still is overtaken by a newer one: nothing stands between them. */
  function push(item: Item): void {
    const last = queue.at(-1);
    if (last && "state" in last && "state" in item) {
      queue.pop();
      item.done.promise.then(last.done.resolve, last.done.reject);
    }
    queue.push(item);
  }

  function send(): void {
    const items = queue.splice(0, MAX_IN_FLIGHT - inFlight.size).map((item) => {
      lastId += 1;
      inFlight.set(lastId, item);
      return "event" in item ? { id: lastId, event: item.event } : { id: lastId, state: item.state };
    });
    if (items.length === 0) return;
    try {
      post(items);
    } catch (error) {
      // Something in it is no plain value.
      for (const { id } of items) settle(id, `it cannot cross over: ${String(error)}`);
    }
  }

  function settle(id: number, problem: string | null): void {
    const item = inFlight.get(id);
    if (!item) return;
    inFlight.delete(id);
    if (problem === null) item.done.resolve();
    else item.done.reject(new PlatformError("unavailable", `The event is not stored: ${problem}`));
    send();
    if (isEmpty()) empty.resolve();
  }

  return {
    async emit(event) {
      if (queue.length >= MAX_QUEUED)
        throw new PlatformError("unavailable", `${MAX_QUEUED} events wait to be stored already.`);
      const own = currentTick();
      const done = Promise.withResolvers<void>();
      push({ event, done });
      await done.promise;
      await own.state?.done.promise;
    },
    saveState(state) {
      const own = currentTick();
      const done = own.state?.done ?? newDone();
      own.state = { state, done };
      return done.promise;
    },
    settle,
    drained: () => empty.promise,
  };
}

/** Nobody may be waiting for it when it rejects: who saves a state without an event is not told. */
function newDone(): PromiseWithResolvers<void> {
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined);
  return done;
}
