import { webhookEndpoints } from "../../config/webhook-endpoints.ts";
import { type Announcer, type AnnouncerParts, createAnnouncer } from "./announcer.ts";
import { SYSTEM_CLOCK } from "./clock.ts";
import { createLane, type Lane, type LaneParts, type LaneTimings } from "./lane.ts";

const TIMINGS: LaneTimings = { lookMs: 1_000, holdMs: 5_000 };
/** What is being sent may take so long to end at a stop; what does not is sent again at the next start. */
const GRACE_MS = 5_000;

export type OutboundParts = Pick<LaneParts, "store" | "config" | "fetch" | "log" | "holder"> &
  Pick<AnnouncerParts, "redact"> &
  Partial<Pick<LaneParts, "clock" | "random" | "timings">>;

/** The webhooks that Hermes sends. Costs nothing while the configuration has no endpoint. */
export interface Outbound {
  /** What is told to others is made with this, also in a process that sends nothing. */
  announcer: Announcer;
  /** From now on sends what is due, this process's and that of others, and follows the configuration. */
  start(): void;
  /** Lets what is being sent end, and leaves the rest for the next start. */
  stop(): Promise<void>;
}

export function createOutbound({
  redact,
  clock = SYSTEM_CLOCK,
  random = Math.random,
  timings = TIMINGS,
  ...shared
}: OutboundParts): Outbound {
  const { config, log } = shared;
  const parts: LaneParts = { ...shared, clock, random, timings };
  const lanes = new Map<string, Lane>();
  const leaving = new Set<Promise<void>>();
  let stopFollowing: (() => void) | null = null;

  const wake = () => {
    for (const lane of lanes.values()) lane.wake();
  };

  function leave(name: string, lane: Lane): void {
    lanes.delete(name);
    const left = lane
      .stop(GRACE_MS)
      .catch((error: unknown) => log.error("an endpoint could not be let go of", { endpoint: name, error }))
      .finally(() => leaving.delete(left));
    leaving.add(left);
  }

  function follow(): void {
    const names = new Set(webhookEndpoints(config.current).map(({ name }) => name));
    for (const [name, lane] of lanes) if (!names.has(name)) leave(name, lane);
    for (const name of names) if (!lanes.has(name)) lanes.set(name, createLane(name, parts));
    wake();
  }

  return {
    announcer: createAnnouncer({ config, redact, onStored: wake, now: clock.now }),
    start() {
      stopFollowing ??= config.onChange(follow);
      follow();
    },
    async stop() {
      stopFollowing?.();
      for (const [name, lane] of lanes) leave(name, lane);
      await Promise.all(leaving);
    },
  };
}
