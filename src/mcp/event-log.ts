import type { EventId, EventStore, JSONRPCMessage, StreamId } from "@modelcontextprotocol/server";

/** What all sessions together may keep, about; what is oldest goes first. */
const MAX_CHARS = 8_000_000;
const MAX_EVENTS = 20_000;

interface Event {
  /** The numbers of the events of its session. */
  session: Set<number>;
  stream: StreamId;
  message: JSONRPCMessage;
  sizeChars: number;
}

/**
 * The last messages of all sessions, for clients whose stream broke off and that come back with `Last-Event-ID`. One budget
 * for all of them, so that sessions nobody comes back to cost nothing.
 */
export interface EventLog {
  ofSession(): SessionEvents;
}

/** The log as one session sees it: the events of others do not exist. */
export interface SessionEvents {
  store: EventStore;
  /** Forgets them all. */
  drop(): void;
}

export function createEventLog(): EventLog {
  const events = new Map<number, Event>(); // in the order of the numbers
  let last = 0;
  let totalChars = 0;

  const append = (event: Event): number => {
    last += 1;
    events.set(last, event);
    event.session.add(last);
    totalChars += event.sizeChars;
    for (const id of events.keys()) {
      if (totalChars <= MAX_CHARS && events.size <= MAX_EVENTS) break;
      remove(id);
    }
    return last;
  };
  const remove = (id: number) => {
    const event = events.get(id);
    if (event === undefined) return;
    events.delete(id);
    event.session.delete(id);
    totalChars -= event.sizeChars;
  };

  return {
    ofSession() {
      const session = new Set<number>();
      const find = (id: EventId): Event | undefined => {
        const event = events.get(Number(id));
        return event?.session === session ? event : undefined;
      };
      return {
        drop() {
          for (const id of session) remove(id);
        },
        store: {
          async storeEvent(stream, message) {
            return String(append({ session, stream, message, sizeChars: sizeOf(message) }));
          },
          async getStreamIdForEventId(id) {
            return find(id)?.stream;
          },
          async replayEventsAfter(id, { send }) {
            const stream = find(id)?.stream ?? "";
            for (const next of session) {
              const event = events.get(next);
              if (next <= Number(id) || event?.stream !== stream) continue;
              if ("jsonrpc" in event.message) await send(String(next), event.message); // the first of a stream is empty
            }
            return stream;
          },
        },
      };
    },
  };
}

/** About the characters of a message as JSON, without making it: only the texts count for much. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length + 8;
  if (typeof value !== "object" || value === null) return 8;
  let size = 16;
  for (const part of Object.values(value)) size += sizeOf(part) + 8;
  return size;
}
