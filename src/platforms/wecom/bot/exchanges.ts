/** A message that can be answered in place for some minutes: by a stream with its `req_id`. */
export interface Exchange {
  readonly msgId: string;
  reqId: string;
  readonly chat: string;
  readonly user: string;
  readonly openedAtMs: number;
  stream: Stream | null;
  /** What answers it, by the id of that message; null: nothing yet. */
  answeredBy: string | null;
}

/** A growing message. */
export interface Stream {
  readonly id: string;
  readonly exchange: Exchange;
  /** What it shows; empty for the sign that the bot is at work. */
  content: string;
  isFinished: boolean;
  touchedAtMs: number;
}

/** Which message is meant. */
export interface Wanted {
  /** The id of the answer. */
  by?: string;
  msgId?: string | undefined;
  user?: string;
}

/** The messages that can be answered in place, oldest first. */
export interface Exchanges {
  /** A message came. When it came before and nothing has answered it, it is answered by the newer `reqId`. */
  open(message: { msgId: string; reqId: string; chat: string; user: string }): void;
  /** The message that this answers already, or else the oldest one of the person in the chat that nothing answers. */
  answerable(chat: string, wanted: Wanted): Exchange | null;
  /** The stream of this id. */
  stream(id: string): Stream | null;
  /** A stream of the chat that is growing. */
  growingIn(chat: string): Stream | null;
}

const MAX_EXCHANGES = 1000;

/** Remembers each message for `answerableMs`. `now` gives milliseconds that only rise. */
export function createExchanges(answerableMs: number, now: () => number): Exchanges {
  const open = new Map<string, Exchange>();

  const forgetOld = () => {
    for (const [id, { openedAtMs }] of open) {
      if (now() - openedAtMs < answerableMs && open.size <= MAX_EXCHANGES) return;
      open.delete(id);
    }
  };
  const all = () => {
    forgetOld();
    return [...open.values()];
  };
  const streams = () => all().flatMap(({ stream }) => stream ?? []);

  return {
    open({ msgId, reqId, chat, user }) {
      const known = open.get(msgId);
      if (known === undefined) {
        const openedAtMs = now();
        open.set(msgId, { msgId, reqId, chat, user, openedAtMs, stream: null, answeredBy: null });
      } else if (known.stream === null) known.reqId = reqId;
      forgetOld();
    },
    answerable(chat, { by, msgId, user }) {
      const fitting = all().filter(
        (one) =>
          one.chat === chat &&
          (msgId === undefined || one.msgId === msgId) &&
          (user === undefined || one.user === user),
      );
      const own = by === undefined ? undefined : fitting.find(({ answeredBy }) => answeredBy === by);
      return own ?? fitting.find(({ answeredBy }) => answeredBy === null) ?? null;
    },
    stream: (id) => streams().find((stream) => stream.id === id) ?? null,
    growingIn: (chat) =>
      streams().find(({ exchange, isFinished }) => exchange.chat === chat && !isFinished) ?? null,
  };
}
