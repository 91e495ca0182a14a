import { expect, test } from "bun:test";
import { BEHAVIOURS } from "../../fakes/webhook-receiver.ts";
import { openOutbound } from "../../support/outbound.ts";
import { detailsOf, everyEndpoint, wrongWith } from "../../support/outbound-judge.ts";

test("whatever a receiver does, each try is made on schedule, with the same id and body and a fresh signature", async () => {
  await using bench = await openOutbound({ endpoints: everyEndpoint });
  const startMs = bench.clock.now();
  await bench.happen();
  await bench.run();
  const deliveries = await detailsOf(bench);
  expect(deliveries).toHaveLength(Object.keys(BEHAVIOURS).length + 2);
  for (const delivery of deliveries) {
    expect(delivery.tries[0]?.startedAt).toBe(startMs);
    expect(wrongWith(delivery, bench.receiver.received, { isPaused: false })).toEqual([]);
  }
}, 30_000);

test("the judge of that finds fault with tries that are too early, too late, too few, and with other bodies", async () => {
  await using bench = await openOutbound({
    endpoints: (origin) => [{ name: "error", url: `${origin}/error` }],
  });
  await bench.happen();
  await bench.run();
  const [delivery] = await detailsOf(bench);
  if (!delivery) throw new Error("there is no delivery");
  const { received } = bench.receiver;
  const wrong = (change: Partial<typeof delivery>, of = received) =>
    wrongWith({ ...delivery, ...change }, of, { isPaused: false }).length;
  expect(wrong({})).toBe(0);
  const shifted = (byMs: number) =>
    delivery.tries.map((one, i) => (i === 4 ? { ...one, startedAt: one.startedAt + byMs } : one));
  expect(wrong({ tries: shifted(3_600_000) })).toBeGreaterThan(0);
  expect(wrong({ tries: shifted(-3_600_000) })).toBeGreaterThan(0);
  expect(wrong({ tries: delivery.tries.slice(1) })).toBeGreaterThan(0);
  expect(wrong({ body: "{}" })).toBeGreaterThan(0);
  expect(wrong({}, received.slice(1))).toBeGreaterThan(0);
  expect(
    wrong(
      {},
      received.map((one) => ({ ...one, body: new Uint8Array() })),
    ),
  ).toBeGreaterThan(0);
});
