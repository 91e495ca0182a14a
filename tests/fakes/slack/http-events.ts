import { createHmac } from "node:crypto";
import type { Delivery, HttpAnswer } from "./contract.ts";
import type { Ended } from "./envelopes.ts";

/** Slack tries three times more: at once, after a minute, and after five (docs.slack.dev/apis/events-api, retries). */
const RETRIES_AFTER_MS = [0, 60_000, 300_000];
const ANSWER_TIMEOUT_MS = 3000;

/** Calls the address of an app, as the Events API does. */
export interface HttpEvents {
  deliver(url: string, delivery: Delivery): void;
  readonly answers: HttpAnswer[];
  /** Deliveries that are under way or will be tried again. */
  readonly pending: number;
  stop(): void;
}

/** The headers and the body of a request that Slack signs. */
function signedRequest(signingSecret: string, delivery: Delivery, nowMs = Date.now()) {
  const body = bodyOf(delivery);
  const timestamp = String(Math.floor(nowMs / 1000));
  const isJson = delivery.kind === "events_api";
  const headers: Record<string, string> = {
    "content-type": isJson ? "application/json" : "application/x-www-form-urlencoded",
    "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": signatureOf(signingSecret, timestamp, body),
  };
  if (delivery.retry > 0) {
    headers["x-slack-retry-num"] = String(delivery.retry);
    headers["x-slack-retry-reason"] = "http_error";
  }
  return { headers, body };
}

/** docs.slack.dev/authentication/verifying-requests-from-slack */
export function signatureOf(signingSecret: string, timestamp: string, body: string | Uint8Array): string {
  return `v0=${createHmac("sha256", signingSecret).update(`v0:${timestamp}:`).update(body).digest("hex")}`;
}

/** `clock` is how much faster the retries come than Slack's. */
export function createHttpEvents(signingSecret: string, clock: number, ended: Ended): HttpEvents {
  const answers: HttpAnswer[] = [];
  const timers = new Set<Timer>();
  let pending = 0;

  const attempt = async (url: string, delivery: Delivery): Promise<void> => {
    const { headers, body } = signedRequest(signingSecret, delivery);
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const { status, text } = await fetch(url, { method: "POST", headers, body, signal }).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      () => ({ status: 0, text: "" }),
    );
    answers.push({ delivery, status, body: text });
    const waitMs = RETRIES_AFTER_MS[delivery.retry];
    const isTaken = status >= 200 && status < 300;
    // Commands and buttons are not delivered again: the person sees that it failed.
    if (isTaken || waitMs === undefined || delivery.kind !== "events_api") {
      pending -= 1;
      ended(delivery, isTaken);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      void attempt(url, { ...delivery, retry: delivery.retry + 1 });
    }, waitMs / clock);
    timers.add(timer);
  };

  return {
    answers,
    get pending() {
      return pending;
    },
    deliver(url, delivery) {
      pending += 1;
      void attempt(url, delivery);
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function bodyOf({ kind, payload }: Delivery): string {
  if (kind === "events_api") return JSON.stringify(payload);
  if (kind === "interactive") return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  return new URLSearchParams(payload as Record<string, string>).toString();
}
