import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "../lib/backoff.ts";
import { AppError, type ErrorCode } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Model } from "./contract.ts";

/** A model to try. */
export interface Candidate {
  ref: string;
  model: Model;
}

export interface RetryOptions {
  /** How often a failed call to one candidate is made again. */
  retries: number;
  log: Log;
  /** The first wait, doubled with each further one up to 8 seconds; 500 unless a test says otherwise. */
  baseMs?: number;
}

const MAX_WAIT_MS = 8_000;
/** A provider that asks for more patience than this is left for the next candidate. */
const MAX_RETRY_AFTER_MS = 30_000;
const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  "model_bad_answer",
  "model_unreachable",
  "model_rate_limited",
  "model_timeout",
]);

/**
 * The candidates as one model: each is tried `retries` times more when it fails, then the next one. Refusals are not tried
 * again; they go to the next candidate at once. A new attempt after something was yielded begins with `restart`. When
 * nothing is left, the last error is thrown with a hint that names what was tried. An abort ends it at once.
 */
export function withRetries(
  candidates: readonly Candidate[],
  { retries, log, baseMs = 500 }: RetryOptions,
): Model {
  return {
    async *stream(request, signal) {
      const tried: string[] = [];
      let failure: AppError | null = null;
      let yielded = false;
      for (const { ref, model } of candidates) {
        for (let retry = 0; retry <= retries; retry++) {
          if (failure && yielded) yield [{ type: "restart", reason: failure.message }];
          yielded = false;
          try {
            for await (const events of model.stream(request, signal)) {
              yielded = true;
              yield events;
            }
            return;
          } catch (thrown) {
            signal.throwIfAborted();
            if (!(thrown instanceof AppError)) throw thrown;
            failure = thrown;
          }
          log.warn("A model call failed.", { model: ref, code: failure.code, error: failure, retry });
          tried.push(ref);
          const waitMs = retry < retries ? waitBefore(failure, retry, baseMs) : null;
          if (waitMs === null) break;
          await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
        }
      }
      throw failure === null ? new Error("there was no candidate") : withHistory(failure, tried);
    },
  };
}

/** How long to wait before this retry; null when a retry makes no sense. */
function waitBefore(failure: AppError, retry: number, baseMs: number): number | null {
  if (!RETRYABLE.has(failure.code)) return null;
  const askedMs = failure.retryAfterMs ?? 0;
  if (askedMs > MAX_RETRY_AFTER_MS) return null;
  return failure.retryAfterMs ?? backoffMs(retry, { baseMs, maxMs: MAX_WAIT_MS });
}

function withHistory(failure: AppError, tried: string[]): AppError {
  const counts = new Map<string, number>();
  for (const ref of tried) counts.set(ref, (counts.get(ref) ?? 0) + 1);
  const names = [...counts].map(([ref, count]) => (count === 1 ? ref : `${ref} (${count} times)`));
  const hint = [failure.hint, `Tried: ${names.join(", ")}.`].filter(Boolean).join(" ");
  return new AppError(failure.code, failure.message, {
    hint,
    cause: failure,
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
}
