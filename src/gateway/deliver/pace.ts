import { createInOrder } from "../../lib/in-order.ts";
import { sleep } from "../../lib/waiting.ts";
import type { PlatformLimits, Rate } from "../../platforms/contract.ts";

type Scope = "direct" | "group";

/** How fast an account may send: so much per chat and so much in all, and not at all for as long as the platform says. */
export interface Pace {
  /** Waits for the turn of a message to this chat. Rejects with the reason of the signal. */
  take(chat: string, scope: Scope, signal: AbortSignal): Promise<void>;
  /** Takes a turn if there is one at this moment, for what can be left out; leaves some for what cannot, which so has not to wait. */
  tryTake(chat: string, scope: Scope): boolean;
  /** Nothing to this chat for so long. */
  block(chat: string, ms: number): void;
}

interface Bucket {
  rate: Rate;
  tokens: number;
  atMs: number;
  blockedUntilMs: number;
}

/** So many turns are left, but no more than half of a burst. */
const RESERVE = 2;

/**
 * Full buckets are as good as none, and are forgotten once there are so many, or twice what was left of them then: one that stays
 * keeps a whole block of memory from being given back.
 */
const LEAST_BUCKETS = 50;

/** Everything may be sent at once, up to the bursts. `now` gives milliseconds that only rise. */
export function createPace({ pace }: PlatformLimits, now: () => number = () => performance.now()): Pace {
  const chats = new Map<string, Bucket>();
  const account = newBucket(pace.account, now());
  const inLine = createInOrder();
  let forgetAt = LEAST_BUCKETS;

  const bucketOf = (chat: string, rate: Rate): Bucket => {
    let bucket = chats.get(chat);
    if (bucket === undefined) {
      if (chats.size >= forgetAt) forgetFull();
      bucket = newBucket(rate, now());
      chats.set(chat, bucket);
    }
    bucket.rate = rate; // it may have been made by `block`, which knows no scope
    return bucket;
  };
  const forgetFull = () => {
    const nowMs = now();
    for (const [chat, bucket] of chats) if (isFull(bucket, nowMs)) chats.delete(chat);
    forgetAt = Math.max(LEAST_BUCKETS, 2 * chats.size);
  };
  const waitOfChat = (chat: string, scope: Scope, reserve: number) =>
    waitOf(bucketOf(chat, pace[scope]), reserve, now());
  const waitOfAccount = (reserve: number) => waitOf(account, reserve, now());
  const spend = (chat: string, scope: Scope) => {
    bucketOf(chat, pace[scope]).tokens -= 1;
    account.tokens -= 1;
  };
  /** Waits for a turn of the account. False when the chat has none any more by then. */
  const takeOfAccount = async (chat: string, scope: Scope, signal: AbortSignal): Promise<boolean> => {
    for (let waitMs = waitOfAccount(0); waitMs > 0; waitMs = waitOfAccount(0)) {
      signal.throwIfAborted();
      await sleep(waitMs, signal);
    }
    signal.throwIfAborted();
    if (waitOfChat(chat, scope, 0) > 0) return false;
    spend(chat, scope);
    return true;
  };

  return {
    async take(chat, scope, signal) {
      for (;;) {
        signal.throwIfAborted();
        const waitMs = waitOfChat(chat, scope, 0);
        if (waitMs > 0) await sleep(waitMs, signal);
        // One after another, or each turn would wake all who wait for one.
        else if (await inLine("account", () => takeOfAccount(chat, scope, signal))) return;
      }
    },
    tryTake(chat, scope) {
      const isFree = waitOfChat(chat, scope, RESERVE) === 0 && waitOfAccount(RESERVE) === 0;
      if (isFree) spend(chat, scope);
      return isFree;
    },
    block(chat, ms) {
      bucketOf(chat, pace.direct).blockedUntilMs = now() + ms;
    },
  };
}

function newBucket(rate: Rate, atMs: number): Bucket {
  return { rate, tokens: rate.burst, atMs, blockedUntilMs: 0 };
}

function tokensAt({ rate: { burst, perSecond }, tokens, atMs }: Bucket, nowMs: number): number {
  return Math.min(burst, tokens + ((nowMs - atMs) / 1000) * perSecond);
}

function isFull(bucket: Bucket, nowMs: number): boolean {
  return nowMs >= bucket.blockedUntilMs && tokensAt(bucket, nowMs) >= bucket.rate.burst;
}

/** Fills the bucket up to now. Returns how long it takes until it holds a whole token besides the reserve, and 0 when it does. */
function waitOf(bucket: Bucket, reserve: number, nowMs: number): number {
  const { burst, perSecond } = bucket.rate;
  bucket.tokens = tokensAt(bucket, nowMs);
  bucket.atMs = nowMs;
  if (nowMs < bucket.blockedUntilMs) return Math.ceil(bucket.blockedUntilMs - nowMs);
  const needed = 1 + Math.min(reserve, Math.floor(burst / 2));
  return bucket.tokens >= needed ? 0 : Math.ceil(((needed - bucket.tokens) / perSecond) * 1000);
}
