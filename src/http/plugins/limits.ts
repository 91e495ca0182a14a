/** What a token bucket says to a request. */
export interface Allowance {
  allowed: boolean;
  /** Requests that are left at this moment. */
  remaining: number;
  /** Until the next request is let through; 0 when one is left. */
  retryAfterMs: number;
}

export interface RateLimit {
  /** Takes one request from the allowance of `key`. */
  take(key: string, nowMs: number): Allowance;
  readonly size: number;
}

export interface RateLimitOptions {
  /** Asked at every request, so that a change counts at once. */
  requestsPerMinute: () => number;
  /** Keys to remember; the one that was quiet for longest is forgotten first. */
  maxKeys?: number;
}

/** A token bucket per key: a full minute's allowance at once, then as much as flows back. */
export function createRateLimit({ requestsPerMinute, maxKeys = 10_000 }: RateLimitOptions): RateLimit {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return {
    take(key, nowMs) {
      const capacity = requestsPerMinute();
      const perMs = capacity / 60_000;
      let bucket = buckets.get(key);
      if (bucket) {
        const elapsedMs = Math.max(0, nowMs - bucket.atMs);
        bucket.tokens = Math.min(capacity, bucket.tokens + elapsedMs * perMs);
        bucket.atMs = nowMs;
        if (buckets.size * 2 > maxKeys) refresh(buckets, key, bucket); // keeping order costs, and few keys need none
      } else {
        if (buckets.size >= maxKeys) forgetOldest(buckets);
        bucket = { tokens: capacity, atMs: nowMs };
        buckets.set(key, bucket);
      }
      const allowed = bucket.tokens >= 1;
      if (allowed) bucket.tokens -= 1;
      const missing = 1 - bucket.tokens;
      return {
        allowed,
        remaining: Math.floor(bucket.tokens),
        retryAfterMs: missing > 0 ? Math.ceil(missing / perMs) : 0,
      };
    },
    get size() {
      return buckets.size;
    },
  };
}

/** Remembers who tried wrong keys. */
export interface Lockout {
  /** How long the address stays locked out; 0 when it is not. */
  lockedForMs(address: string, nowMs: number): number;
  /** Notes a wrong key. True when this one locks the address out. */
  fail(address: string, nowMs: number): boolean;
  readonly size: number;
}

export interface LockoutOptions {
  maxFailures?: number;
  windowMs?: number;
  /** Addresses to remember; the one that failed least recently is forgotten first. */
  maxAddresses?: number;
}

/** Locks an address out for a window after `maxFailures` failures within one. Loopback is an address like any other. */
export function createLockout(options: LockoutOptions = {}): Lockout {
  const { maxFailures = 10, windowMs = 60_000, maxAddresses = 10_000 } = options;
  const failures = new Map<string, { count: number; untilMs: number }>();
  return {
    lockedForMs(address, nowMs) {
      const entry = failures.get(address);
      if (!entry || entry.count < maxFailures) return 0;
      return Math.max(0, entry.untilMs - nowMs);
    },
    fail(address, nowMs) {
      const known = failures.get(address);
      const entry = known && known.untilMs > nowMs ? known : { count: 0, untilMs: nowMs + windowMs };
      entry.count += 1;
      if (entry.count === maxFailures) entry.untilMs = nowMs + windowMs;
      if (!known && failures.size >= maxAddresses) forgetOldest(failures);
      refresh(failures, address, entry);
      return entry.count === maxFailures;
    },
    get size() {
      return failures.size;
    },
  };
}

/** Puts an entry at the end of the order in which a map forgets. */
function refresh<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
}

/** Forgets the oldest tenth at once: a map that loses one entry at a time is slow to find its first. */
function forgetOldest(map: Map<string, unknown>): void {
  let left = Math.ceil(map.size / 10);
  for (const key of map.keys()) {
    if (left-- === 0) return;
    map.delete(key);
  }
}
