import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/waiting.ts";
import type { ConnectionHooks } from "../contract.ts";
import type { Journal, Pending } from "./journal.ts";
import type { Timing } from "./timing.ts";

export interface IntakeOptions {
  hooks: ConnectionHooks;
  journal: Journal;
  timing: Timing;
  /** Ends the handing on. What is not stored by then, Discord is asked for again by the next process. */
  signal: AbortSignal;
}

/** Hands on what comes: that of one channel in order, that of different channels side by side. */
export interface Intake {
  /**
   * Does this once everything that came to the channel before is done. It is tried again until it resolves, and only then
   * counts as stored. `isOutside`: it is no event of the session.
   */
  add(channel: string, work: () => Promise<void>, isOutside?: boolean): void;
}

export function createIntake({ hooks, journal, timing, signal }: IntakeOptions): Intake {
  /** The last promise of each channel. */
  const lines = new Map<string, Promise<void>>();

  async function untilDone(channel: string, work: () => Promise<void>, pending: Pending): Promise<void> {
    for (let retry = 0; !signal.aborted; retry++)
      try {
        await work();
        pending.stored();
        return;
      } catch (error) {
        if (signal.aborted) return;
        hooks.log("warn", "a message could not be kept; it is tried again", { channel, error });
        await sleep(backoffMs(retry, timing.emitRetry), signal);
      }
  }

  return {
    add(channel, work, isOutside = false) {
      const pending = journal.open(isOutside);
      const before = lines.get(channel);
      // Without anything before it, it begins in this very tick.
      const done =
        before === undefined
          ? untilDone(channel, work, pending)
          : before.then(() => untilDone(channel, work, pending));
      lines.set(channel, done);
      void done.then(() => lines.get(channel) === done && lines.delete(channel));
    },
  };
}
