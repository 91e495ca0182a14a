import { createSafeFetch } from "../../src/lib/safe-fetch.ts";
import type { Store } from "../../src/store/contract.ts";
import type { WebhookStore } from "../../src/store/webhook-contract.ts";
import type { WebhookDelivery } from "../../src/store/webhook-records.ts";
import { createOutbound, type Outbound } from "../../src/webhooks/outbound/outbound.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../fakes/webhook-receiver.ts";
import { liveConfig, type TestConfig } from "./agent.ts";
import { newRun, openTempStore, quietLog, type TempStore } from "./store.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

export const SECRET = "outbound-secret-of-the-tests";
/** Nobody looks by itself: what is due wakes by its time, and what comes by `wake`. */
export const NEVER = Number.POSITIVE_INFINITY;

/** Paths whose answers never end: each try takes real time, so it is a short one. Others never fail for a busy machine. */
export const SLOW = /\/(stalls|stallsInBody|drips)$/;
const SLOW_TIMEOUT_MS = 60;
const PATIENT_TIMEOUT_MS = 30_000;

/** An endpoint of the configuration. */
export interface EndpointSettings {
  name: string;
  url: string;
  secret?: string;
  previous_secret?: string;
  events?: string[];
  enabled?: boolean;
  ordered?: boolean;
}

export interface OutboundBench extends AsyncDisposable {
  readonly temp: TempStore;
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly config: TestConfig;
  readonly receiver: WebhookReceiver;
  readonly outbound: Outbound;
  readonly log: string[];
  /** Something happens that others are told of; the names of those it goes to are by the configuration. */
  happen(count?: number): Promise<void>;
  /** Resolves once nothing more can be done at this moment. */
  settled(): Promise<void>;
  /** Lets time pass until nothing is due any more, or until a moment. */
  run(untilMs?: number): Promise<void>;
  /** All deliveries, oldest first. */
  deliveries(): Promise<WebhookDelivery[]>;
  /** Ends the sending as a kill would, and begins anew on the same file. */
  restart(): Promise<void>;
}

export interface OutboundBenchOptions {
  endpoints: (origin: string) => EndpointSettings[];
  /** Over the settings of `gateway.webhook.outbound`. */
  settings?: Record<string, unknown>;
  network?: Record<string, unknown>;
  random?: () => number;
  /** False: nothing is sent before `restart`. */
  isStarted?: boolean;
}

/** The engine with a real store, real requests to a receiver on 127.0.0.1, and a clock of its own. */
export async function openOutbound(options: OutboundBenchOptions): Promise<OutboundBench> {
  const clock = createVirtualClock();
  const temp = await openTempStore({ clock: clock.now });
  const receiver = await startWebhookReceiver(clock.now);
  const log: string[] = [];
  const config = liveConfig({
    network: { allow_cidrs: ["127.0.0.1/32"], ...options.network },
    gateway: {
      webhook: {
        outbound: {
          enabled: true,
          max_in_flight: 100,
          disable_after_days: 365,
          endpoints: options.endpoints(receiver.origin).map((one) => ({ secret: SECRET, ...one })),
          ...options.settings,
        },
      },
    },
  });
  let pending = 0;
  const counted = <T>(work: Promise<T>): Promise<T> => {
    pending += 1;
    return work.finally(() => {
      pending -= 1;
    });
  };
  const safeFetch = createSafeFetch({ allowCidrs: () => config.current.network.allow_cidrs });
  const make = (store: Store) =>
    createOutbound({
      store: countedStore(store.webhooks, counted),
      config,
      fetch: (url, request) => {
        const timeoutMs = SLOW.test(url) ? SLOW_TIMEOUT_MS : PATIENT_TIMEOUT_MS;
        return counted(safeFetch(url, { ...request, timeoutMs }));
      },
      log: quietLog(log),
      holder: "test",
      redact: (text) => text.replaceAll(SECRET, "[redacted]"),
      clock,
      random: options.random ?? Math.random,
      timings: { lookMs: NEVER, holdMs: 1_000 },
    });
  let outbound = make(temp.store);
  if (options.isStarted !== false) outbound.start();
  const lanes = () => {
    const { endpoints, enabled } = config.current.gateway.webhook.outbound;
    return enabled ? endpoints.filter((one) => one.enabled).length : 0;
  };

  const bench: OutboundBench = {
    temp,
    get store() {
      return temp.store;
    },
    clock,
    config,
    receiver,
    get outbound() {
      return outbound;
    },
    log,
    async happen(count = 1) {
      await Promise.all(
        Array.from({ length: count }, () => {
          const told = outbound.announcer.tell("message.received", () => ({
            run_id: "run_1",
            session_id: "s1",
            owner: "api:owner",
            kind: "chat",
            text: "hello",
            attachments: 0,
          }));
          return temp.store.runs.accept(newRun(told === undefined ? {} : { told }));
        }),
      );
      outbound.announcer.stored();
    },
    async settled() {
      for (let quiet = 0; quiet < 3; quiet++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (pending > 0 || clock.sleeping < lanes()) quiet = -1;
      }
    },
    async run(untilMs = NEVER) {
      for (;;) {
        await bench.settled();
        if (clock.now() >= untilMs || !clock.next()) return;
      }
    },
    async deliveries() {
      const found: WebhookDelivery[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const page = await temp.store.webhooks.list({ limit: 500, ...(cursor === "" ? {} : { cursor }) });
        found.push(...page.items);
        cursor = page.nextCursor;
      }
      return found.reverse();
    },
    async restart() {
      await outbound.stop();
      outbound = make(await temp.restart());
      outbound.start();
    },
    async [Symbol.asyncDispose]() {
      await outbound.stop();
      receiver[Symbol.dispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
  return bench;
}

/** The store, with each of its calls counted while it lasts. */
function countedStore(store: WebhookStore, counted: <T>(work: Promise<T>) => Promise<T>): WebhookStore {
  return new Proxy(store, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== "function") return method;
      return (...values: unknown[]) => counted(method.apply(target, values) as Promise<unknown>);
    },
  });
}
