import { expect, test } from "bun:test";
import type { WebhookDeliveryDetails } from "../../../src/store/webhook-records.ts";
import { JITTER, RETRY_DELAYS_MS } from "../../../src/webhooks/outbound/schedule.ts";
import { schemeOf } from "../../../src/webhooks/schemes.ts";
import { BEHAVIOURS, type ReceivedWebhook } from "../../fakes/webhook-receiver.ts";
import { type OutboundBench, openOutbound, SECRET } from "../../support/outbound.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
type BehaviourName = keyof typeof BEHAVIOURS;
const NAMES = Object.keys(BEHAVIOURS) as BehaviourName[];
const SUCCEEDS: readonly string[] = ["ok", "accepted", "empty"];
/** What those ask for who ask for patience; a longer wait of the schedule stands. */
const ASKS_MS: Partial<Record<string, number>> = {
  tooManySeconds: HOUR_MS,
  tooManyDate: HOUR_MS,
  tooManyForEver: DAY_MS,
  unavailable: 2 * HOUR_MS,
};

const detailsOf = async (bench: OutboundBench): Promise<WebhookDeliveryDetails[]> =>
  Promise.all(
    (await bench.deliveries()).map(async ({ id }) => {
      const details = await bench.store.webhooks.get(id);
      if (details === null) throw new Error(`${id} is gone`);
      return details;
    }),
  );

/** Both signatures fit the request at the moment at which it came. */
function isSigned({ headers, body, atMs }: ReceivedWebhook, secret = SECRET): boolean {
  const request = { headers, body };
  return (["standard", "hermes"] as const).every((name) => schemeOf(name).verify(request, [secret], atMs).ok);
}

/** Every try was made when it was due: at once, and then by the schedule, longer only where the endpoint asks for it. */
function expectOnSchedule({ tries, endpoint }: WebhookDeliveryDetails): void {
  for (const [i, { startedAt }] of tries.entries()) {
    if (i === 0) continue;
    const waitedMs = startedAt - (tries[i - 1]?.startedAt ?? 0);
    const planned = RETRY_DELAYS_MS[i] ?? 0;
    const asked = ASKS_MS[endpoint] ?? 0;
    expect(waitedMs).toBeGreaterThanOrEqual(Math.max(planned * (1 - JITTER), asked - 1_000) - 1);
    expect(waitedMs).toBeLessThanOrEqual(Math.max(planned * (1 + JITTER), asked) + 1);
  }
}

test("whatever a receiver does, each try is made on schedule, with the same id and body and a fresh signature", async () => {
  await using bench = await openOutbound({
    endpoints: (origin) => [
      ...NAMES.map((name) => ({ name, url: `${origin}/${name}` })),
      { name: "refuses", url: "http://127.0.0.1:1/" },
      { name: "private", url: "http://127.0.0.2:1/" },
    ],
  });
  const startMs = bench.clock.now();
  await bench.happen();
  await bench.run();
  const deliveries = await detailsOf(bench);
  expect(deliveries).toHaveLength(NAMES.length + 2);
  for (const delivery of deliveries) {
    const { endpoint, eventId, status, tries } = delivery;
    const isGood = SUCCEEDS.includes(endpoint);
    expect([endpoint, status, tries.length]).toEqual(
      isGood ? [endpoint, "sent", 1] : [endpoint, "dead", endpoint === "gone" ? 1 : RETRY_DELAYS_MS.length],
    );
    expect(tries[0]?.startedAt).toBe(startMs);
    expectOnSchedule(delivery);
    const requests = bench.receiver.received.filter(({ path }) => path === `/${endpoint}`);
    expect(requests.length).toBe(["refuses", "private"].includes(endpoint) ? 0 : tries.length);
    for (const [i, request] of requests.entries()) {
      expect(request.headers["webhook-id"]).toBe(eventId);
      expect(request.headers["webhook-timestamp"]).toBe(
        String(Math.floor((tries[i]?.startedAt ?? 0) / 1000)),
      );
      expect(Buffer.from(request.body).toString()).toBe(delivery.body);
      expect([request.method, request.headers["content-type"]]).toEqual(["POST", "application/json"]);
      expect(isSigned(request)).toBe(true);
    }
  }
  expect(bench.receiver.received.filter(({ path }) => path === "/elsewhere")).toEqual([]);
}, 30_000);
