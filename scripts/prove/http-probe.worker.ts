/// <reference lib="webworker" />
/** Asks for /health over and over from a thread of its own, and reports how long each answer took. */
const PAUSE_MS = 10;

let running = true;
const tookMs: number[] = [];

self.onmessage = async ({ data }: MessageEvent<string>) => {
  if (data === "stop") {
    running = false;
    return;
  }
  let failures = 0;
  while (running) {
    const startedMs = performance.now();
    const ok = await fetch(data).then(
      async (answer) => (await answer.arrayBuffer()) && answer.ok,
      () => false,
    );
    if (!ok) failures += 1;
    tookMs.push(performance.now() - startedMs);
    await Bun.sleep(PAUSE_MS);
  }
  self.postMessage({ tookMs, failures });
};
