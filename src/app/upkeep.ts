import type { App } from "./open.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Once an hour drops what is past its keeping time; once a day asks for newer model facts. */
export function startUpkeep({ store, catalogue, config, log }: App): { stop(): void } {
  const stopping = new AbortController();
  const prune = () =>
    store
      .prune({
        deliveriesMs: config.current.store.deliveries_days * DAY_MS,
        eventsMs: config.current.store.run_events_days * DAY_MS,
      })
      .catch((error: unknown) => log.warn("old run events could not be dropped", { error }));
  const refresh = () => catalogue.refresh(stopping.signal);
  const timers = [setInterval(prune, HOUR_MS), setInterval(refresh, DAY_MS)];
  return {
    stop() {
      stopping.abort();
      for (const timer of timers) clearInterval(timer);
    },
  };
}
