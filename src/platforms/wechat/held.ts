/** A message, and who wrote it. */
export interface Brought {
  id: string;
  user: string;
}

/** The calls by which WeChat brings messages, while they wait for their answer. */
export interface Held {
  /** One more call for this message. */
  open(message: Brought): HeldCall;
  /**
   * Gives the text to the oldest message of the person that waits. Resolves once a call is answered with it; null when none waits.
   */
  give(user: string, text: string): Promise<void> | null;
  /** True while a call of the person waits. */
  isWaiting(user: string): boolean;
}

/** One call. */
export interface HeldCall {
  /** 1 for the first call of its message. */
  readonly attempt: number;
  /** Whether its message was taken, by this call or an earlier one. */
  isTaken: boolean;
  /** The answer to its message, however many calls ask for it; null when there is none in this time. */
  answer(waitMs: number): Promise<string | null>;
  /** The same for a call that may not get through any more: no text is given to it, unless another call gets it. */
  overhear(waitMs: number): Promise<string | null>;
  /** It is answered just now, with the answer to its message. */
  answered(): void;
}

type Tell = (text: string) => void;

interface Exchange extends Brought {
  attempts: number;
  isTaken: boolean;
  text: string | null;
  /** Tells the calls that wait for it. */
  waiting: Set<Tell>;
  /** Tells those that only overhear it. */
  overhearing: Set<Tell>;
  /** A call was answered with the text. */
  given: PromiseWithResolvers<void>;
  openedAtMs: number;
}

/** More messages than this are not remembered at once. */
const MAX_EXCHANGES = 2000;

/**
 * Remembers the answer to a message for `repeatMs`: when WeChat has not heard it, it brings the message once more. `now` gives
 * milliseconds that only rise.
 */
export function createHeld(repeatMs: number, now: () => number = () => performance.now()): Held {
  const exchanges = new Map<string, Exchange>();

  const forgetOld = () => {
    for (const [id, { openedAtMs, waiting }] of exchanges) {
      if (waiting.size > 0 || (now() - openedAtMs < repeatMs && exchanges.size <= MAX_EXCHANGES)) break;
      exchanges.delete(id);
    }
  };
  const waitingFor = (user: string): Exchange | undefined => {
    for (const exchange of exchanges.values())
      if (exchange.user === user && exchange.text === null && exchange.waiting.size > 0) return exchange;
    return undefined;
  };

  return {
    open(message) {
      forgetOld();
      const known = exchanges.get(message.id);
      const exchange = known ?? {
        ...message,
        attempts: 0,
        isTaken: false,
        text: null,
        waiting: new Set(),
        overhearing: new Set(),
        given: Promise.withResolvers(),
        openedAtMs: now(),
      };
      exchanges.set(message.id, exchange);
      exchange.attempts += 1;
      return {
        attempt: exchange.attempts,
        get isTaken() {
          return exchange.isTaken;
        },
        set isTaken(isTaken) {
          exchange.isTaken = isTaken;
        },
        answer: (waitMs) => answerOf(exchange, exchange.waiting, waitMs),
        overhear: (waitMs) => answerOf(exchange, exchange.overhearing, waitMs),
        answered: exchange.given.resolve,
      };
    },
    give(user, text) {
      const exchange = waitingFor(user);
      if (exchange === undefined) return null;
      exchange.text = text;
      for (const tell of [...exchange.waiting, ...exchange.overhearing]) tell(text);
      return exchange.given.promise;
    },
    isWaiting: (user) => waitingFor(user) !== undefined,
  };
}

function answerOf(exchange: Exchange, told: Set<Tell>, waitMs: number): Promise<string | null> {
  if (exchange.text !== null || waitMs <= 0) return Promise.resolve(exchange.text);
  return new Promise((resolve) => {
    const end = (text: string | null) => {
      clearTimeout(timer);
      told.delete(end);
      resolve(text);
    };
    const timer = setTimeout(end, waitMs, null);
    told.add(end);
  });
}
