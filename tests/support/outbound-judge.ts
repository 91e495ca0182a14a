import type { WebhookDeliveryDetails } from "../../src/store/webhook-records.ts";
import { JITTER, RETRY_DELAYS_MS } from "../../src/webhooks/outbound/schedule.ts";
import { schemeOf } from "../../src/webhooks/schemes.ts";
import { BEHAVIOURS, type ReceivedWebhook } from "../fakes/webhook-receiver.ts";
import { type EndpointSettings, type OutboundBench, SECRET, SLOW } from "./outbound.ts";

const HOUR_MS = 3_600_000;
const SUCCEEDS: readonly string[] = ["ok", "accepted", "empty"] satisfies (keyof typeof BEHAVIOURS)[];
/** What those ask for who ask for patience; a longer wait of the schedule stands. */
const ASKS_MS: Partial<Record<string, number>> = {
  tooManySeconds: HOUR_MS,
  tooManyDate: HOUR_MS,
  tooManyForEver: 24 * HOUR_MS,
  unavailable: 2 * HOUR_MS,
};
/** Nothing of ours comes through there. */
const UNREACHED: readonly string[] = ["refuses", "private"];
/** A date has no milliseconds, and waits are rounded. */
const ROUNDING_MS = 1_001;

/** An endpoint for everything that a receiver can do, one that nobody listens at, and one that nothing is sent to. */
export function everyEndpoint(origin: string): EndpointSettings[] {
  return [
    ...Object.keys(BEHAVIOURS).map((name) => ({ name, url: `${origin}/${name}` })),
    { name: "refuses", url: "http://127.0.0.1:1/" },
    { name: "private", url: "http://127.0.0.2:1/" },
  ];
}

/** All that the store knows of each delivery. */
export async function detailsOf(bench: OutboundBench): Promise<WebhookDeliveryDetails[]> {
  const found = await Promise.all((await bench.deliveries()).map(({ id }) => bench.store.webhooks.get(id)));
  return found.filter((details) => details !== null);
}

/** What is wrong with the tries of a delivery, and with what the receiver got of it; each as a sentence. */
export function wrongWith(
  delivery: WebhookDeliveryDetails,
  received: readonly ReceivedWebhook[],
  { isPaused }: { isPaused: boolean },
): string[] {
  const { endpoint, eventId, status, tries } = delivery;
  const wrong: string[] = [];
  const expect = (holds: boolean, what: string) => {
    if (!holds) wrong.push(`${endpoint} ${eventId}: ${what}`);
  };
  const isGood = SUCCEEDS.includes(endpoint);
  const most = isGood || endpoint === "gone" ? 1 : RETRY_DELAYS_MS.length;
  expect(status === (isGood ? "sent" : "dead"), `it is ${status}`);
  // What others have learnt of an endpoint that is gone is not tried out again.
  expect(tries.length === most || (endpoint === "gone" && tries.length === 0), `${tries.length} tries`);
  for (const [i, { startedAt }] of tries.entries()) {
    if (i === 0) continue;
    const waitedMs = startedAt - (tries[i - 1]?.startedAt ?? 0);
    const planned = RETRY_DELAYS_MS[i] ?? 0;
    const asked = ASKS_MS[endpoint] ?? 0;
    expect(
      waitedMs >= Math.max(planned * (1 - JITTER), asked) - ROUNDING_MS,
      `try ${i + 1} too early: ${waitedMs}`,
    );
    // Where others made the whole endpoint wait, it may have been longer.
    const isOthers = isPaused && asked > 0;
    expect(
      isOthers || waitedMs <= Math.max(planned * (1 + JITTER), asked) + ROUNDING_MS,
      `try ${i + 1} too late: ${waitedMs}`,
    );
  }
  const requests = received.filter(({ headers }) => headers["webhook-id"] === eventId);
  const own = requests.filter(({ path }) => path === `/${endpoint}`);
  const reached = UNREACHED.includes(endpoint) ? 0 : tries.length;
  // On a busy machine the little time that a slow one gets may be over before it is reached.
  const isReached = SLOW.test(`/${endpoint}`) ? own.length <= reached : own.length === reached;
  expect(isReached, `${own.length} requests`);
  const times = new Set(tries.map(({ startedAt }) => String(Math.floor(startedAt / 1000))));
  for (const request of own) {
    expect(times.delete(request.headers["webhook-timestamp"] ?? ""), "a try is not signed for its moment");
    expect(Buffer.from(request.body).toString() === delivery.body, "a try has another body");
    expect(isSigned(request), "a try is not signed");
  }
  expect(
    requests.every(({ path }) => path !== "/elsewhere"),
    "a redirect was followed",
  );
  return wrong;
}

/** Both signatures fit the request at the moment at which it came. */
function isSigned({ method, headers, body, atMs }: ReceivedWebhook): boolean {
  const fits = (["standard", "hermes"] as const).every(
    (name) => schemeOf(name).verify({ headers, body }, [SECRET], atMs).ok,
  );
  return fits && method === "POST" && headers["content-type"] === "application/json";
}
