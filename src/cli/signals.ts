import { Interrupted } from "./report.ts";

/**
 * Resolves at the first SIGINT or SIGTERM. A second one rejects the returned `forced` promise with `Interrupted`, for a
 * stop that takes longer than the user wants to wait.
 */
export function stopSignals(): { stopped: Promise<void>; forced: Promise<never> } {
  const stop = Promise.withResolvers<void>();
  const force = Promise.withResolvers<never>();
  force.promise.catch(() => undefined); // nobody may be waiting for it
  let seen = 0;
  const onSignal = () => {
    seen += 1;
    if (seen === 1) stop.resolve();
    else force.reject(new Interrupted("interrupted twice"));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return { stopped: stop.promise, forced: force.promise };
}
