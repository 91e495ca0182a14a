import { createHmac } from "node:crypto";
import type { Fates } from "../fates.ts";
import type { CallbackAnswer } from "./contract.ts";

/** Nothing is documented of how often and when; three times is what other callbacks of its kind get. */
const TRIES = 3;
const ANSWER_TIMEOUT_MS = 5000;

/** Posts messages to the address of a robot, with the headers that DingTalk signs. */
export interface Callbacks {
  post(url: string, payload: { msgId?: unknown }): void;
  readonly answers: CallbackAnswer[];
  readonly pending: number;
  stop(): void;
}

export function createCallbacks(secret: () => string, retryAfterMs: number, fates: Fates): Callbacks {
  const answers: CallbackAnswer[] = [];
  const timers = new Set<Timer>();
  let pending = 0;

  const attempt = async (url: string, payload: { msgId?: unknown }, triesLeft: number): Promise<void> => {
    const timestamp = String(Date.now());
    const sign = createHmac("sha256", secret()).update(`${timestamp}\n${secret()}`).digest("base64");
    const headers = { "content-type": "application/json; charset=utf-8", timestamp, sign };
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const request = { method: "POST", headers, body: JSON.stringify(payload), signal };
    const status = await fetch(url, request).then(
      (answer) => answer.status,
      () => 0,
    );
    answers.push({ msgId: String(payload.msgId), status });
    const isTaken = status >= 200 && status < 300;
    if (isTaken || triesLeft === 1) {
      pending -= 1;
      fates.end(String(payload.msgId), isTaken);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      void attempt(url, payload, triesLeft - 1);
    }, retryAfterMs);
    timers.add(timer);
  };
  return {
    answers,
    get pending() {
      return pending;
    },
    post(url, payload) {
      pending += 1;
      void attempt(url, payload, TRIES);
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
