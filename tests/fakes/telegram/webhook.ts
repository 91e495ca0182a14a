import type { Update } from "grammy/types";
import type { Queue } from "./queue.ts";

/** Telegram waits longer between the tries of a call. */
const RETRY_MS = 30;

/** Telegram's calls to the webhook of the bot. */
export interface WebhookCaller {
  readonly url: string;
  set(url: string, secret: string): void;
  /** Calls the webhook with an update until it is taken. Does nothing without a webhook. */
  deliver(update: Update): void;
  /** For `getWebhookInfo`. */
  readonly lastError: { last_error_date: number; last_error_message: string } | null;
  stop(): void;
}

/** Makes the caller. One call at a time, in order. */
export function createWebhookCaller(queue: Queue): WebhookCaller {
  let target = { url: "", secret: "" };
  let lastError: WebhookCaller["lastError"] = null;
  let line = Promise.resolve();
  let isStopped = false;

  const call = async (update: Update): Promise<boolean> => {
    const secret = target.secret === "" ? {} : { "x-telegram-bot-api-secret-token": target.secret };
    const headers = { "content-type": "application/json", ...secret };
    try {
      const response = await fetch(target.url, { method: "POST", headers, body: JSON.stringify(update) });
      if (response.ok) return true;
      fail(`Wrong response from the webhook: ${response.status} ${response.statusText}`);
    } catch {
      fail("Connection refused");
    }
    return false;
  };
  const fail = (message: string) => {
    lastError = { last_error_date: Math.ceil(Date.now() / 1000), last_error_message: message };
  };
  const deliver = async (update: Update) => {
    while (target.url !== "" && !isStopped) {
      if (await call(update)) return queue.confirm(update.update_id);
      await Bun.sleep(RETRY_MS);
    }
  };

  return {
    get url() {
      return target.url;
    },
    get lastError() {
      return lastError;
    },
    set(url, secret) {
      target = { url, secret };
      lastError = null;
      if (url !== "") for (const update of queue.pending) this.deliver(update);
    },
    deliver(update) {
      if (target.url !== "") line = line.then(() => deliver(update));
    },
    stop() {
      isStopped = true;
    },
  };
}
