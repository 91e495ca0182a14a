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
  tokens: number;
  atMs: number;
  blockedUntilMs: number;
}

/** So many turns are left, but no more than half of a burst. */
const RESERVE = 2;

/** Chats that were silent for long have full buckets, and are forgotten. */
const MAX_BUCKETS = 2_000;

/** Everything may be sent at once, up to the bursts. `now` gives milliseconds that only rise. */
export function createPace({ pace }: PlatformLimits, now: () => number = () => performance.now()): Pace {
  const chats = new Map<string, Bucket>();
  const account = newBucket(pace.account, now());
  const inLine = createInOrder();

  const bucketOf = (chat: string, rate: Rate): Bucket => {
    let bucket = chats.get(chat);
    if (bucket === undefined) {
      if (chats.size >= MAX_BUCKETS) forgetFull();
      bucket = newBucket(rate, now());
      chats.set(chat, bucket);
    }
    return bucket;
  };
  const forgetFull = () => {
    for (const [chat, bucket] of chats)
      if (now() - bucket.atMs > 60_000 && bucket.blockedUntilMs < now()) chats.delete(chat);
  };
  const waitOfChat = (chat: string, scope: Scope, reserve: number) =>
    waitOf(bucketOf(chat, pace[scope]), pace[scope], reserve, now());
  const waitOfAccount = (reserve: number) => waitOf(account, pace.account, reserve, now());
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

function newBucket({ burst }: Rate, atMs: number): Bucket {
  return { tokens: burst, atMs, blockedUntilMs: 0 };
}

/** Fills the bucket up to now. Returns how long it takes until it holds a whole token besides the reserve, and 0 when it does. */
function waitOf(bucket: Bucket, { burst, perSecond }: Rate, reserve: number, nowMs: number): number {
  bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
  bucket.atMs = nowMs;
  if (nowMs < bucket.blockedUntilMs) return Math.ceil(bucket.blockedUntilMs - nowMs);
  const needed = 1 + Math.min(reserve, Math.floor(burst / 2));
  return bucket.tokens >= needed ? 0 : Math.ceil(((needed - bucket.tokens) / perSecond) * 1000);
}
