import { createCipheriv, createHash, randomBytes } from "node:crypto";
import type { CallbackAnswer, FakeFeishuOptions, Json } from "./contract.ts";

/** 15 seconds, 5 minutes, an hour and 6 hours. */
const REDELIVERIES_MS = [15_000, 300_000, 3_600_000, 21_600_000];
/** Later answers are none. */
const ANSWER_TIMEOUT_MS = 3000;
const BLOCK_BYTES = 16;

/** A request as Feishu makes it. */
export interface SignedRequest {
  headers: Record<string, string>;
  body: string;
}

/** Feishu's calls of the address that an app has given. */
export interface Callbacks {
  deliver(url: string, event: Json, eventId: string): void;
  readonly answers: readonly CallbackAnswer[];
  readonly pending: number;
  stop(): void;
}

/** Calls again, on Feishu's clock made faster, what is not answered with 200. */
export function createCallbacks(
  options: FakeFeishuOptions,
  ended: (eventId: string, isTaken: boolean) => void,
): Callbacks {
  const { clock = 1000 } = options;
  const answers: CallbackAnswer[] = [];
  const timers = new Set<Timer>();
  let pending = 0;

  const attempt = async (url: string, event: Json, eventId: string, tries: number) => {
    const { headers, body } = callbackOf(event, options);
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const answer = await fetch(url, { method: "POST", headers, body, signal }).then(
      async (response) => ({ status: response.status, body: await response.text() }),
      () => ({ status: 0, body: "" }),
    );
    answers.push({ eventId, ...answer });
    const afterMs = REDELIVERIES_MS[tries];
    const isTaken = answer.status === 200;
    if (isTaken || afterMs === undefined) {
      pending -= 1;
      ended(eventId, isTaken);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      void attempt(url, event, eventId, tries + 1);
    }, afterMs / clock);
    timers.add(timer);
  };
  return {
    answers,
    deliver(url, event, eventId) {
      pending += 1;
      void attempt(url, event, eventId, 0);
    },
    get pending() {
      return pending;
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** The request that tells of an event: encrypted and signed when there is a key for it. */
export function callbackOf(
  event: Json,
  { encryptKey, atMs = Date.now() }: { encryptKey?: string; atMs?: number },
): SignedRequest {
  const plain = JSON.stringify(event);
  if (encryptKey === undefined) return { headers: { "content-type": "application/json" }, body: plain };
  return signed(JSON.stringify({ encrypt: encrypt(plain, encryptKey) }), { encryptKey, atMs });
}

/** A body with the headers that sign it. */
export function signed(
  body: string,
  { encryptKey, atMs = Date.now() }: { encryptKey: string; atMs?: number },
): SignedRequest {
  const timestamp = String(Math.floor(atMs / 1000));
  const nonce = randomBytes(8).toString("hex");
  return {
    headers: {
      "content-type": "application/json; charset=utf-8",
      "x-lark-request-timestamp": timestamp,
      "x-lark-request-nonce": nonce,
      "x-lark-signature": createHash("sha256")
        .update(timestamp + nonce + encryptKey + body)
        .digest("hex"),
    },
    body,
  };
}

/** As the platform's page on receiving events says it: the padding is made by hand. */
export function encrypt(plain: string, encryptKey: string): string {
  const bytes = Buffer.from(plain);
  const missing = BLOCK_BYTES - (bytes.length % BLOCK_BYTES);
  const padded = Buffer.concat([bytes, Buffer.alloc(missing, missing)]);
  const iv = randomBytes(BLOCK_BYTES);
  const cipher = createCipheriv("aes-256-cbc", createHash("sha256").update(encryptKey).digest(), iv);
  cipher.setAutoPadding(false);
  return Buffer.concat([iv, cipher.update(padded), cipher.final()]).toString("base64");
}
