import { AppError } from "../lib/errors.ts";
import type { Endpoint } from "./endpoint.ts";

/** Watches one attempt: aborts it when the caller does, when the first token is late or when the answer stalls. */
export interface Watch {
  /** For `fetch`; aborting it closes the connection to the provider. */
  readonly signal: AbortSignal;
  /** Waits for something from the provider. Only this waiting counts: a slow consumer is no stall. */
  wait<T>(work: PromiseLike<T>): Promise<T>;
  /** A token has come. */
  progress(): void;
  /** What a thrown value really was: the caller's abort reason, the timeout, or the value itself. */
  explain(thrown: unknown): unknown;
  /** Ends the watch and closes the connection if it is still open. */
  stop(): void;
}

/** Starts the watch. `explain` yields `model_timeout` after a late first token or a stall. */
export function startWatch(endpoint: Endpoint, outer: AbortSignal): Watch {
  const controller = new AbortController();
  let limitMs = endpoint.firstTokenTimeoutMs;
  let started = false;
  let waiting = false;
  let waitedMs = 0; // since the last token, without the present wait
  let sinceMs = 0;
  let timedOut: AppError | null = null;
  let timer = setTimeout(check, limitMs);

  function check(): void {
    const idleMs = waitedMs + (waiting ? performance.now() - sinceMs : 0);
    if (idleMs >= limitMs) {
      timedOut = timeout(endpoint, started);
      controller.abort(timedOut);
    } else timer = setTimeout(check, Math.ceil(limitMs - idleMs));
  }
  const abort = () => controller.abort(outer.reason);
  if (outer.aborted) abort();
  else outer.addEventListener("abort", abort, { once: true });

  return {
    signal: controller.signal,
    async wait(work) {
      waiting = true;
      sinceMs = performance.now();
      try {
        return await work;
      } finally {
        waiting = false;
        waitedMs += performance.now() - sinceMs;
      }
    },
    progress() {
      waitedMs = 0;
      if (started) return;
      started = true;
      limitMs = endpoint.stallTimeoutMs;
      clearTimeout(timer);
      timer = setTimeout(check, limitMs);
    },
    explain: (thrown) => (outer.aborted ? outer.reason : (timedOut ?? thrown)),
    stop() {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
      controller.abort();
    },
  };
}

function timeout(endpoint: Endpoint, started: boolean): AppError {
  return started
    ? new AppError(
        "model_timeout",
        `${endpoint.provider} stopped inside its answer for ${endpoint.stallTimeoutMs} ms.`,
        {
          hint: "Try again; model.stall_timeout_ms sets how long to wait.",
        },
      )
    : new AppError(
        "model_timeout",
        `${endpoint.provider} sent no token within ${endpoint.firstTokenTimeoutMs} ms.`,
        {
          hint: "Try again; model.first_token_timeout_ms sets how long to wait.",
        },
      );
}
