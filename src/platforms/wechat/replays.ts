import { hash } from "node:crypto";

/** Longer than a signature is fresh, before and after the time that it names. */
const KEPT_MS = 11 * 60_000;

/** Binds each signature to the first body that came with it, where it does not cover the body. */
export interface Replays {
  /** False for a signature that came with another body before. */
  admits(signature: string, body: Uint8Array): boolean;
}

/**
 * In plain mode, WeChat signs a time and a random number alone: whoever has seen one call could send any text with its signature.
 * To be asked for right signatures only.
 */
export function createReplays(now: () => number = () => performance.now()): Replays {
  const bodies = new Map<string, { digest: string; untilMs: number }>();
  return {
    admits(signature, body) {
      for (const [old, { untilMs }] of bodies) {
        if (untilMs > now()) break; // they are in the order of their time
        bodies.delete(old);
      }
      const digest = hash("sha256", body, "base64");
      const known = bodies.get(signature);
      if (known !== undefined) return known.digest === digest;
      bodies.set(signature, { digest, untilMs: now() + KEPT_MS });
      return true;
    },
  };
}
