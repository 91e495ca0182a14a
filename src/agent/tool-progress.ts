import type { ToolProgress } from "../tools/contract.ts";

/** Between two that are published: what comes meanwhile is replaced by what comes after it. */
const PACE_MS = 250;

/** The progress of one call, as often as anybody can read it. */
export interface ProgressReport {
  report(step: ToolProgress): void;
  /** The call has ended: what was not published by now is out of date. */
  stop(): void;
}

/** Publishes the first step at once, then the latest one four times a second at most. */
export function createProgressReport(publish: (step: ToolProgress) => void): ProgressReport {
  let latest: ToolProgress | null = null;
  let timer: Timer | null = null;
  let stopped = false;

  const flush = () => {
    timer = null;
    if (latest === null) return;
    const step = latest;
    latest = null;
    timer = setTimeout(flush, PACE_MS);
    publish(step);
  };
  return {
    report(step) {
      if (stopped) return;
      latest = step;
      if (timer === null) flush();
    },
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
