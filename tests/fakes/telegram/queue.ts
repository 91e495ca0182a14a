import type { Update } from "grammy/types";
import { Refusal } from "./contract.ts";

export interface Poll {
  /** 0 for all that are not confirmed. */
  offset: number;
  limit: number;
  timeoutMs: number;
  /** The client has gone away. */
  signal: AbortSignal;
}

/** Updates that wait for the bot. */
export interface Queue {
  add(update: Omit<Update, "update_id">): Update;
  redeliver(which: number | readonly number[]): Update[];
  readonly pending: readonly Update[];
  /** Polls that wait. */
  readonly pollers: number;
  /** A client waits for updates. */
  readonly isPolled: boolean;
  /** Takes an update as confirmed. */
  confirm(id: number): void;
  /** `getUpdates`. */
  poll(poll: Poll): Promise<Update[]>;
  /** Ends the poll that is waiting. */
  abortPoll(words: string): void;
  clear(): void;
}

const OTHER_POLL =
  "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
const FIRST_ID = 700_001;

/** Asked for the same updates so soon, the Bot API answers with one (`process_get_updates_query`). */
const SAME_AGAIN_MS = 500;

/** Makes a queue; `changed` is called when updates are confirmed and when a poll begins to wait. */
export function createQueue(changed: () => void): Queue {
  let pending: Update[] = [];
  const all: Update[] = [];
  /** Delivered once more, whatever the offset is. */
  let again: Update[] = [];
  let waiting: { wake(): void; fail(refusal: Refusal): void } | null = null;
  let pollers = 0;
  let before = { offset: -1, atMs: 0 };

  const ready = (offset: number, limit: number): Update[] => {
    pending = pending.filter(({ update_id: id }) => id >= offset);
    // In the order of their ids, as always: a client takes everything before the last one for delivered.
    const updates = [...again, ...pending].sort((a, b) => a.update_id - b.update_id).slice(0, limit);
    for (const update of updates) if (again.includes(update)) again.splice(again.indexOf(update), 1);
    return updates;
  };
  const abortPoll = (words: string) => waiting?.fail(new Refusal(409, words));

  return {
    add(update) {
      const whole = { ...update, update_id: FIRST_ID + all.length } as Update;
      all.push(whole);
      pending.push(whole);
      waiting?.wake();
      return whole;
    },
    redeliver(which) {
      const chosen =
        typeof which === "number"
          ? all.slice(-which)
          : which.flatMap((id) => all.filter(({ update_id }) => update_id === id));
      again.push(...chosen);
      waiting?.wake();
      return chosen;
    },
    get pending() {
      return pending;
    },
    get isPolled() {
      return waiting !== null;
    },
    get pollers() {
      return pollers;
    },
    confirm(id) {
      pending = pending.filter(({ update_id }) => update_id !== id);
      again = again.filter(({ update_id }) => update_id !== id);
      changed();
    },
    async poll(poll) {
      const { offset } = poll;
      const isSoon = before.offset === offset && performance.now() - before.atMs < SAME_AGAIN_MS;
      const limit = isSoon ? 1 : poll.limit;
      before = { offset, atMs: performance.now() };
      const updates = ready(offset, limit);
      changed();
      if (updates.length > 0 || poll.timeoutMs === 0) return updates;
      abortPoll(OTHER_POLL);
      const done = Promise.withResolvers<void>();
      const mine = { wake: done.resolve, fail: done.reject };
      waiting = mine;
      pollers += 1;
      changed();
      const timer = setTimeout(done.resolve, poll.timeoutMs);
      poll.signal.addEventListener("abort", () => done.resolve(), { once: true });
      try {
        await done.promise;
      } finally {
        clearTimeout(timer);
        pollers -= 1;
        if (waiting === mine) waiting = null;
      }
      return poll.signal.aborted ? [] : ready(offset, limit);
    },
    abortPoll,
    clear() {
      pending = [];
      again = [];
    },
  };
}
