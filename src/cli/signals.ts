import { Interrupted } from "./output.ts";

/**
 * Resolves at the first SIGINT or SIGTERM. A second one rejects the returned `forced` promise with `Interrupted`, for a
 * stop that takes longer than the user wants to wait.
 */
export function stopSignals(): { stopped: Promise<void>; forced: Promise<never> } {
  let stop = () => {};
  let force = (_: Error) => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const forced = new Promise<never>((_, reject) => {
    force = reject;
  });
  forced.catch(() => {}); // nobody may be waiting for it
  let seen = 0;
  const onSignal = () => (++seen === 1 ? stop() : force(new Interrupted("interrupted twice")));
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return { stopped, forced };
}

export function untilStopped(): Promise<void> {
  return stopSignals().stopped;
}
