import { setNewest } from "../../lib/newest.ts";
import type { ConnectionHooks } from "../contract.ts";
import { idBefore, isLater } from "./snowflakes.ts";
import { readState, type Session } from "./state.ts";
import type { Timing } from "./timing.ts";

/** Of so many channels it is remembered what came last. */
const MAX_CHANNELS = 200;

/** Something that came and is not stored yet. */
export interface Pending {
  stored(): void;
}

/** Knows what came and what of it is stored, and keeps over restarts from where Discord has to be asked again. */
export interface Journal {
  /** To be resumed by this process: the session with all that came, stored or not. */
  readonly session: Session | null;
  /** How many events are not stored yet. */
  readonly pending: number;
  /** A new session, with its first event. */
  begin(session: Session): void;
  /** The session is of no use any more. */
  lose(): void;
  /** An event came. False for one that came before. */
  received(sequence: number): boolean;
  /** The last event is not stored; or with `isOutside`, something is not that no session brings back. */
  open(isOutside?: boolean): Pending;
  /** A message of the channel came: should the session be lost, it is asked for. */
  expect(channel: string, message: string): void;
  /** Everything of the channel up to this message is stored. */
  stored(channel: string, message: string): void;
  /** The last message of the channel that is stored; undefined when nothing is known of it. */
  lastOf(channel: string): string | undefined;
  forget(channel: string): void;
  /** The channels to which something came. */
  channels(): string[];
  /** Saves the state now, together with what is emitted in this tick. */
  save(): void;
  /** Saves it soon, and once for many calls. */
  saveSoon(): void;
  /** Saves it for the last time. */
  close(): void;
}

/**
 * Opens the journal with the state of the process before. What it saves never lies behind an event that is not stored: a session
 * is saved with the sequence number before the first such event, and not at all while something waits that only the lists
 * of messages would bring again.
 */
export function createJournal(hooks: ConnectionHooks, timing: Timing): Journal {
  const saved = readState(hooks.state);
  let { session } = saved;
  const last = new Map(saved.channels);
  /** The events of this session that are not stored, the oldest first. */
  let open = new Set<number>();
  /** How much else is not stored: of earlier sessions, or never part of one. */
  let outside = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let isClosed = false;

  function safeSession(): Session | null {
    if (session === null || outside > 0) return null;
    const [first] = open;
    return first === undefined ? session : { ...session, sequence: first - 1 };
  }

  function leaveSession(next: Session | null): void {
    outside += open.size;
    open = new Set();
    session = next;
  }

  const journal: Journal = {
    get session() {
      return session;
    },
    get pending() {
      return open.size + outside;
    },
    begin: leaveSession,
    lose: () => leaveSession(null),
    received(sequence) {
      if (session === null || sequence <= session.sequence) return false;
      session = { ...session, sequence };
      return true;
    },
    open(isOutside = false) {
      const own = open;
      const sequence = session?.sequence;
      if (isOutside || sequence === undefined) outside++;
      else own.add(sequence);
      let isStored = false;
      return {
        stored() {
          if (isStored) return;
          isStored = true;
          const isOfThisSession = !isOutside && sequence !== undefined && own === open;
          if (isOfThisSession) own.delete(sequence);
          else outside--;
          journal.saveSoon();
        },
      };
    },
    expect(channel, message) {
      const before = last.get(channel) ?? idBefore(message);
      setNewest(last, channel, before, MAX_CHANNELS);
    },
    stored(channel, message) {
      const before = last.get(channel);
      if (before !== undefined && isLater(message, before)) last.set(channel, message);
    },
    forget: (channel) => void last.delete(channel),
    lastOf: (channel) => last.get(channel),
    channels: () => [...last.keys()],
    save() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      hooks.saveState({ session: safeSession(), channels: [...last] });
    },
    saveSoon() {
      if (!isClosed) timer ??= setTimeout(journal.save, timing.saveEveryMs);
    },
    close() {
      journal.save();
      isClosed = true;
    },
  };
  return journal;
}
