/** How other requests fared meanwhile. */
export interface Probed {
  count: number;
  failures: number;
  p99Ms: number;
  maxMs: number;
}

/** Asks the server for its health in the background, from a thread that has nothing else to do. */
export function startProbe(url: string): { stop(): Promise<Probed> } {
  const worker = new Worker(new URL("./http-probe.worker.ts", import.meta.url));
  const ended = new Promise<{ tookMs: number[]; failures: number }>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<{ tookMs: number[]; failures: number }>) => resolve(data);
    worker.onerror = reject;
  });
  worker.postMessage(`${url}/health`);
  return {
    async stop() {
      worker.postMessage("stop");
      const { tookMs, failures } = await ended;
      worker.terminate();
      const sorted = tookMs.sort((a, b) => a - b);
      return {
        count: sorted.length,
        failures,
        p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
        maxMs: sorted.at(-1) ?? 0,
      };
    },
  };
}
