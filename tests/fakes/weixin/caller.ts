import { createFates, type Fate } from "../fates.ts";

/** WeCom and WeChat call three times in all; each time they hang up after five seconds. */
const TRIES = 3;
const HANG_UP_AFTER_MS = 5000;
/** After an answer that is an error. */
const TRY_AGAIN_AFTER_MS = 20;

/** How a call of a webhook was answered. */
export interface CallAnswer {
  /** The message that it was about. */
  id: string;
  /** 1, 2 or 3. */
  attempt: number;
  /** 0: nothing was answered in time. */
  status: number;
  body: string;
}

/** A call of a webhook, made anew for every try: its time and its signature are of the moment. */
export type MakeCall = () => { query: Readonly<Record<string, string>>; contentType?: string; body: string };

/** Calls the address of an account, as the platforms do. */
export interface Caller {
  /** Events go to this address from now on; null: they are kept nowhere. */
  sendTo(url: string | null): void;
  /** Calls until it is answered, three times at most. Resolves to the last answer. */
  deliver(id: string, make: MakeCall): Promise<CallAnswer>;
  readonly answers: readonly CallAnswer[];
  /** What became of a message. */
  fate(id: string): Fate;
  /** Deliveries that are under way. */
  readonly pending: number;
}

/** `clock`: how much faster time goes than on the platform. */
export function createCaller(clock: number): Caller {
  const answers: CallAnswer[] = [];
  const fates = createFates();
  let address: string | null = null;
  let pending = 0;

  async function attempt(id: string, number: number, make: MakeCall): Promise<CallAnswer> {
    const { query, contentType = "text/xml", body } = make();
    const url = new URL(address ?? "http://127.0.0.1:1/");
    url.search = new URLSearchParams(query).toString();
    const sinceMs = performance.now();
    const { status, text } = await fetch(url, {
      method: "POST",
      headers: { "content-type": contentType },
      body,
      signal: AbortSignal.timeout(HANG_UP_AFTER_MS / clock),
    }).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      () => ({ status: 0, text: "" }),
    );
    const answer = { id, attempt: number, status, body: text };
    answers.push(answer);
    if (status === 200 || number === TRIES) return answer;
    // Where nobody is there, it takes as long as where nobody answers.
    const restMs = HANG_UP_AFTER_MS / clock - (performance.now() - sinceMs);
    await Bun.sleep(status === 0 ? Math.max(0, restMs) : TRY_AGAIN_AFTER_MS);
    return attempt(id, number + 1, make);
  }

  return {
    answers,
    fate: fates.of,
    get pending() {
      return pending;
    },
    sendTo(url) {
      address = url;
    },
    async deliver(id, make) {
      pending += 1;
      fates.begin(id);
      const answer = await attempt(id, 1, make);
      pending -= 1;
      fates.end(id, answer.status === 200);
      return answer;
    },
  };
}
