import type { Update } from "grammy/types";
import { backoffMs } from "../../lib/backoff.ts";
import { orAborted, sleep, within } from "../../lib/waiting.ts";
import type { ConnectionHooks, InboundEvent } from "../contract.ts";
import { acknowledge } from "./acknowledge.ts";
import { endingAlbum, merged, readTaken, withAlbums, withTaken } from "./album.ts";
import type { TelegramClient } from "./client.ts";
import { eventOf } from "./event.ts";
import { lineOf } from "./parse.ts";
import type { Me } from "./text.ts";
import type { Timing } from "./timing.ts";

/** Hands updates on and knows which of them may be forgotten by Telegram. */
export interface Intake {
  /**
   * Begins to hand on those of a poll's updates that are new; tells how many they are. An album at the end of a poll may go
   * on in the next one, and is left to that.
   */
  take(updates: readonly Update[]): number;
  /** What the next poll asks for: the first update that is not on disk yet. Telegram forgets those before it. */
  offset(): number | undefined;
  /** Resolves once everything is on disk, or when the time is up. */
  settled(timeoutMs: number): Promise<void>;
}

export interface IntakeOptions {
  client: TelegramClient;
  hooks: ConnectionHooks;
  timing: Timing;
  me: Me;
  /** Ends the handing on. What is not on disk by then is delivered again to the next process. */
  signal: AbortSignal;
}

/**
 * Makes an intake. The updates of one chat are handed on one after another, those of different chats side by side; one that
 * is not taken is handed on again until it is. Telegram tells apart only updates before and after an offset, and sends
 * at most 100: a chat whose events are not taken lets the others go on for 99 updates.
 */
export function createIntake({ client, hooks, timing, me, signal }: IntakeOptions): Intake {
  /** Being handed on. */
  const open = new Map<number, Promise<void>>();
  /** On disk, but not before the offset yet, so that Telegram sends them again. */
  const kept = new Set<number>();
  /** The last promise of each chat. */
  const lines = new Map<number, Promise<void>>();
  let next: number | undefined;
  /** The album at the end of the last poll, which is taken with the next, when all of it is there. */
  let heldBack: string | undefined;
  /** On disk before any of it is handed on: a part that is late must not have the others answered again after a crash. */
  let albums = readTaken(hooks.state);

  const isKnown = ({ update_id: id }: Update) => open.has(id) || kept.has(id);
  const hand = async (updates: readonly Update[]) => {
    const event = merged(updates.flatMap((update) => eventOf(update, me, hooks.log) ?? []));
    if (event !== null && !(await emitUntilTaken(event, updates))) return;
    for (const update of updates) {
      open.delete(update.update_id);
      kept.add(update.update_id);
      void acknowledge(update, client, hooks.log, signal);
    }
  };
  const emitUntilTaken = async (event: InboundEvent, updates: readonly Update[]): Promise<boolean> => {
    for (let retry = 0; !signal.aborted; retry++)
      try {
        if (updates[0]?.message?.media_group_id !== undefined) await hooks.saveState({ albums });
        await hooks.emit(event);
        return true;
      } catch (error) {
        hooks.log("warn", "a message could not be kept; it is tried again", { update: event.id, error });
        await sleep(backoffMs(retry, timing.emitRetry), signal);
      }
    return false;
  };

  const begin = (group: readonly [Update, ...Update[]]) => {
    const line = lineOf(group[0]);
    const handed = (lines.get(line) ?? Promise.resolve()).then(() => hand(group));
    for (const { update_id: id } of group) open.set(id, handed);
    lines.set(line, handed);
    void handed.then(() => lines.get(line) === handed && lines.delete(line));
  };

  return {
    take(updates) {
      const last = updates.at(-1);
      if (!last) return 0;
      const held = isKnown(last) ? undefined : endingAlbum(updates, heldBack);
      heldBack = held?.message?.media_group_id;
      next = held?.update_id ?? last.update_id + 1; // not the highest: ids begin anywhere after a week without updates
      const taken = held ? updates.slice(0, updates.indexOf(held)) : updates;
      const fresh = new Map(taken.map((update) => [update.update_id, update]));
      for (const [id, update] of fresh) if (isKnown(update)) fresh.delete(id);
      for (const group of withAlbums([...fresh.values()], albums)) {
        albums = withTaken(albums, group);
        begin(group);
      }
      return fresh.size;
    },
    offset() {
      const offset = open.size === 0 ? next : Math.min(...open.keys());
      for (const id of kept) if (offset !== undefined && id < offset) kept.delete(id);
      return offset;
    },
    async settled(timeoutMs) {
      if (heldBack !== undefined) await sleep(timeoutMs, signal);
      const all = within(Promise.all(open.values()), timeoutMs);
      await orAborted(all, signal).catch(() => hooks.log("debug", "stopped while messages were being kept"));
    },
  };
}
