import type { LiveConfig } from "../../config/live.ts";
import { type WebhookEndpoint, webhookEndpoints } from "../../config/webhook-endpoints.ts";
import { within } from "../../lib/waiting.ts";
import type { WebhookDeliveryWithBody } from "../../store/webhook-records.ts";
import { type DeliverParts, deliverOnce, urlDigest } from "./deliver.ts";
import { LONGEST_WAIT_MS } from "./schedule.ts";

/** After a fault of ours or of the store. */
const FAULT_PAUSE_MS = 5_000;

/** How often things are looked at, in milliseconds. */
export interface LaneTimings {
  /** Whether other processes, or a command, have put something in. */
  lookMs: number;
  /** Whether the process that sends to the endpoint is gone. */
  holdMs: number;
}

export interface LaneParts extends DeliverParts {
  config: LiveConfig;
  timings: LaneTimings;
  /** How other processes are told of this one. */
  holder: string;
}

/** What sends to one endpoint. */
export interface Lane {
  /** Something may be due. */
  wake(): void;
  /** Takes nothing new, lets what is being sent end within `graceMs`, and leaves the rest for the next start. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Sends what is due to the endpoint of this name, one process at a time: at most `max_in_flight` events at once, those that are
 * due longest first, or one after another where the endpoint is ordered.
 */
export function createLane(name: string, parts: LaneParts): Lane {
  const { store, config, clock, timings, holder, log } = parts;
  const stopping = new AbortController();
  const cutting = new AbortController();
  const inFlight = new Map<string, Promise<void>>();
  let waking = new AbortController();
  let hold: { release: () => void } | null = null;
  /** The address that events were sent to last. */
  let lastDigest: string | null = null;
  /** An address that is left alone for a while. */
  let pause: { urlDigest: string; until: number } | null = null;

  const pauseFor = (ms: number, endpoint: WebhookEndpoint) => {
    if (ms > pauseOf(endpoint, clock.now()))
      pause = { urlDigest: urlDigest(endpoint), until: clock.now() + ms };
  };

  /** How long the endpoint is still left alone. */
  function pauseOf(endpoint: WebhookEndpoint, now: number): number {
    const leftMs = pause === null || pause.urlDigest !== urlDigest(endpoint) ? 0 : pause.until - now;
    return leftMs > LONGEST_WAIT_MS ? 0 : Math.max(0, leftMs);
  }

  async function isHeld(): Promise<boolean> {
    if (hold !== null) return true;
    const taken = await store.hold(name, holder);
    if ("release" in taken) hold = taken;
    else log.debug("another process sends the webhooks of an endpoint", { endpoint: name, ...taken });
    return hold !== null;
  }

  /** True when nothing is sent to the endpoint; what comes for it is given up at once, and can be replayed. */
  async function isDisabled(endpoint: WebhookEndpoint): Promise<boolean> {
    const digest = urlDigest(endpoint);
    const { disabled } = await store.endpoint(name);
    if (digest !== (disabled?.urlDigest ?? lastDigest ?? digest)) {
      await store.forget(name);
      log.info("an endpoint has a new address", { endpoint: name });
    }
    lastDigest = digest;
    if (disabled?.urlDigest !== digest) return false;
    const error = { code: "endpoint_disabled", message: `The endpoint is disabled: ${disabled.reason}` };
    if ((await store.first(name)) !== null) await store.bury(name, error);
    return true;
  }

  function begin(delivery: WebhookDeliveryWithBody, endpoint: WebhookEndpoint): void {
    const { timeout_ms: timeoutMs, disable_after_days: disableAfterDays } = settings();
    const isCurrent = () => configured()?.url === endpoint.url;
    const how = { timeoutMs, disableAfterDays, isCurrent };
    const done = deliverOnce(delivery, endpoint, how, parts, cutting.signal)
      .then((pauseMs) => pauseFor(pauseMs, endpoint))
      .catch((error: unknown) => {
        if (cutting.signal.aborted) return;
        log.error("a webhook could not be sent", { endpoint: name, delivery: delivery.id, error });
        pauseFor(FAULT_PAUSE_MS, endpoint);
      })
      .finally(() => {
        inFlight.delete(delivery.id);
        waking.abort();
      });
    inFlight.set(delivery.id, done);
  }

  const settings = () => config.current.gateway.webhook.outbound;
  const configured = () => webhookEndpoints(config.current).find((one) => one.name === name);

  /** Begins what is due; gives how long there is nothing to do, unless something wakes the lane. */
  async function step(): Promise<number> {
    const endpoint = configured();
    if (endpoint === undefined) return timings.lookMs; // the engine is about to stop this lane
    if (!(await isHeld())) return timings.holdMs;
    if (await isDisabled(endpoint)) return timings.lookMs;
    const now = clock.now();
    const pausedMs = pauseOf(endpoint, now);
    if (pausedMs > 0) return pausedMs;
    const most = endpoint.ordered ? 1 : settings().max_in_flight;
    const next = endpoint.ordered ? await takeFirst(endpoint, now) : await takeDue(endpoint, now, most);
    // Whatever ends wakes the lane.
    return inFlight.size >= most ? Number.POSITIVE_INFINITY : Math.min(timings.lookMs, next);
  }

  /** `now` is later than the time of the clock for what was put off before somebody set that back. */
  async function takeDue(endpoint: WebhookEndpoint, now: number, most: number): Promise<number> {
    const due = (await store.due(name, now, most)).filter(({ id }) => !inFlight.has(id));
    if (stopping.signal.aborted) return 0;
    for (const delivery of due.slice(0, most - inFlight.size)) begin(delivery, endpoint);
    const nextAt = await store.nextDueAt(name, now);
    if (nextAt === null) return Number.POSITIVE_INFINITY;
    return nextAt - now > LONGEST_WAIT_MS ? takeDue(endpoint, nextAt, most) : nextAt - now;
  }

  async function takeFirst(endpoint: WebhookEndpoint, now: number): Promise<number> {
    if (inFlight.size > 0) return Number.POSITIVE_INFINITY;
    const first = await store.first(name);
    if (first === null) return Number.POSITIVE_INFINITY;
    const waitMs = first.dueAt - now;
    if (waitMs > 0 && waitMs <= LONGEST_WAIT_MS) return waitMs;
    if (!stopping.signal.aborted) begin(first, endpoint);
    return Number.POSITIVE_INFINITY;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      waking = new AbortController();
      const waitMs = await step().catch((error: unknown) => {
        log.warn("webhooks could not be looked up", { endpoint: name, error });
        return FAULT_PAUSE_MS;
      });
      await clock.sleep(waitMs, AbortSignal.any([stopping.signal, waking.signal]));
    }
  }

  const running = run();
  return {
    wake: () => waking.abort(),
    async stop(graceMs) {
      stopping.abort();
      await running;
      await within(Promise.all(inFlight.values()), graceMs);
      cutting.abort(new Error("Hermes is stopping."));
      await Promise.all(inFlight.values());
      hold?.release();
    },
  };
}
