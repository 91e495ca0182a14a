import { sleep } from "../../lib/waiting.ts";

/** The time that deliveries go by; another one in tests, where days pass at once. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after the time, but after some weeks at most, or as soon as the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The time of the machine. */
export const SYSTEM_CLOCK: Clock = { now: Date.now, sleep };
