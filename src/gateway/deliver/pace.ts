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
  /** Takes a turn, or tells how long it takes until there may be one. */
  const attempt = (chat: string, scope: Scope, reserve: number): number => {
    const rate = pace[scope];
    const bucket = bucketOf(chat, rate);
    const waitMs = Math.max(
      waitOf(bucket, rate, reserve, now()),
      waitOf(account, pace.account, reserve, now()),
    );
    if (waitMs > 0) return waitMs;
    bucket.tokens -= 1;
    account.tokens -= 1;
    return 0;
  };

  return {
    async take(chat, scope, signal) {
      for (;;) {
        signal.throwIfAborted();
        const waitMs = attempt(chat, scope, 0);
        if (waitMs === 0) return;
        await sleep(waitMs, signal);
      }
    },
    tryTake: (chat, scope) => attempt(chat, scope, RESERVE) === 0,
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
