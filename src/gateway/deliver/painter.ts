import type { Log } from "../../lib/log.ts";
import { MAX_TIMER_MS } from "../../lib/waiting.ts";

/** Shows something that changes often at most once in a while. */
export interface Painter {
  /** There is something new to show. */
  touch(): void;
  /** Nothing for so long. */
  pause(ms: number): void;
  /** Shows nothing more; resolves once what is being shown is done. */
  stop(): Promise<void>;
}

/** The first showing comes `everyMs` after the first touch, so that what is over sooner is never shown half. */
export function createPainter(everyMs: number, paint: () => Promise<void>, log: Log): Painter {
  let timer: Timer | undefined;
  let painting: Promise<void> | null = null;
  let isTouched = false;
  let isStopped = false;
  let notBeforeMs = 0;

  const schedule = () => {
    if (isStopped || timer !== undefined || painting !== null) return;
    const waitMs = Math.max(everyMs, notBeforeMs - performance.now());
    if (waitMs <= MAX_TIMER_MS) timer = setTimeout(run, waitMs); // otherwise it is over before that
  };
  const run = () => {
    timer = undefined;
    isTouched = false;
    painting = paint()
      .catch((error: unknown) => log.debug("a growing answer could not be shown", { error }))
      .then(() => {
        painting = null;
        if (isTouched) schedule();
      });
  };
  return {
    touch() {
      isTouched = true;
      schedule();
    },
    pause(ms) {
      notBeforeMs = performance.now() + ms;
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await painting;
    },
  };
}
