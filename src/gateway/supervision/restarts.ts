import { backoffMs } from "../../lib/backoff.ts";
import type { SupervisionTimings } from "./timings.ts";
import type { WorkerEnd } from "./worker-link.ts";

/** When an account that failed is tried again. */
export interface Restarts {
  /** How long to wait, after a worker that was connected for so long. */
  pauseAfter(end: Exclude<WorkerEnd, { type: "stopped" }>, connectedMs: number): number;
  /** True while crashes follow one another so closely that tries are rare. */
  readonly isBroken: boolean;
}

/**
 * Failures in a row wait longer and longer, up to a minute. Crashes in a row do harm: after some of them tries become rare, until
 * one goes well. A refusal by the platform is tried rarely from the start, for only somebody who changes something can end it.
 */
export function createRestarts(timings: SupervisionTimings): Restarts {
  let failures = 0;
  let crashes = 0;

  const isBroken = () => crashes >= timings.breakerCrashes;
  const backoff = () => {
    failures += 1;
    return backoffMs(failures - 1, { baseMs: timings.retryBaseMs, maxMs: timings.retryMaxMs });
  };

  return {
    get isBroken() {
      return isBroken();
    },
    pauseAfter(end, connectedMs) {
      if (connectedMs >= timings.settledMs) {
        failures = 0;
        crashes = 0;
      }
      if (end.type === "crashed") {
        crashes += 1;
        const pauseMs = backoff();
        return isBroken() ? timings.breakerPauseMs : pauseMs;
      }
      crashes = 0;
      const { kind, retryAfterMs = 0 } = end.failure;
      if (kind === "unauthorized") return timings.refusedPauseMs;
      if (kind === "conflict") return Math.max(timings.conflictPauseMs, retryAfterMs);
      return Math.max(backoff(), retryAfterMs);
    },
  };
}
