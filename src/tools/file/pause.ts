import { setImmediate } from "node:timers/promises";

const STRETCH_MS = 8;

/** For long loops: awaited at each step it lets other work of the process go first now and then, and throws once the signal is aborted. */
export function createPause(signal: AbortSignal): () => Promise<void> | undefined {
  let since = performance.now();
  const giveWay = async () => {
    await setImmediate();
    since = performance.now();
  };
  return () => {
    signal.throwIfAborted();
    return performance.now() - since < STRETCH_MS ? undefined : giveWay();
  };
}
