import { expect, test } from "bun:test";
import { BEHAVIOURS } from "../../fakes/webhook-receiver.ts";
import { type OutboundBench, openOutbound } from "../../support/outbound.ts";

const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 365 * DAY_MS;
const to = (path: string, more: object = {}) => ({
  endpoints: (origin: string) => [{ name: "main", url: `${origin}/${path}`, ...more }],
});
const statuses = async (bench: OutboundBench) => (await bench.deliveries()).map(({ status }) => status);

/** The configuration gets another address for the endpoint. */
function moveTo(bench: OutboundBench, path: string): void {
  bench.config.change(({ gateway }) => {
    const [endpoint] = gateway.webhook.outbound.endpoints;
    if (endpoint) endpoint.url = `${bench.receiver.origin}/${path}`;
  });
}

/** Somebody sets the clock; whoever sleeps wakes up in time, as real processes do once a second. */
async function setBack(bench: OutboundBench, byMs: number): Promise<void> {
  bench.clock.pass(-byMs);
  bench.outbound.announcer.stored();
  await bench.settled();
}

test("an endpoint that asked for a day of patience is not what another address is made to wait for", async () => {
  await using bench = await openOutbound(to("tooManyForEver"));
  await bench.happen();
  await bench.settled();
  moveTo(bench, "ok");
  await bench.happen();
  await bench.settled();
  expect(await statuses(bench)).toEqual(["due", "sent"]);
});

test("what an address says that was replaced meanwhile gives up nothing for the new one", async () => {
  await using bench = await openOutbound({ ...to("old"), settings: { max_in_flight: 1 } });
  bench.receiver.set("old", (socket, request) => {
    moveTo(bench, "ok");
    BEHAVIOURS.gone(socket, request);
  });
  await bench.happen(3);
  await bench.run();
  expect(await statuses(bench)).toEqual(["sent", "sent", "sent"]);
  expect((await bench.store.webhooks.endpoint("main")).disabled).toBeNull();
});

test("the days of failure of an address are not those of the next one", async () => {
  await using bench = await openOutbound({ ...to("error"), settings: { disable_after_days: 2 } });
  const startMs = bench.clock.now();
  await bench.happen();
  await bench.run(startMs + 1.2 * DAY_MS);
  moveTo(bench, "unavailable");
  await bench.run();
  expect(bench.clock.now() - startMs).toBeGreaterThan(2 * DAY_MS);
  expect((await bench.store.webhooks.endpoint("main")).disabled).toBeNull();
});

test.each([false, true])(
  "a clock that was set back by years stops nothing (ordered: %p)",
  async (ordered) => {
    await using bench = await openOutbound(to("main", { ordered }));
    bench.receiver.set("main", BEHAVIOURS.error);
    await bench.happen();
    await bench.settled();
    expect(await statuses(bench)).toEqual(["due"]);
    bench.receiver.set("main", BEHAVIOURS.ok);
    await setBack(bench, YEAR_MS);
    expect(await statuses(bench)).toEqual(["sent"]);
    await bench.happen();
    await bench.settled();
    expect(await statuses(bench)).toEqual(["sent", "sent"]);
  },
);

test("nor does one that an endpoint asked for patience by", async () => {
  await using bench = await openOutbound(to("main"));
  bench.receiver.set("main", BEHAVIOURS.tooManySeconds);
  await bench.happen();
  await bench.settled();
  bench.receiver.set("main", BEHAVIOURS.ok);
  await setBack(bench, YEAR_MS);
  await bench.happen();
  await bench.settled();
  expect(await statuses(bench)).toEqual(["sent", "sent"]);
});

test("what fails while the clock is behind is tried again on its schedule, and not all the time", async () => {
  await using bench = await openOutbound(to("error"));
  await bench.happen();
  await bench.settled();
  await setBack(bench, YEAR_MS);
  await setBack(bench, 0);
  await setBack(bench, 0);
  expect(bench.receiver.received).toHaveLength(2);
  await bench.run(bench.clock.now() + DAY_MS);
  expect(bench.receiver.received.length).toBeGreaterThan(5);
  expect(bench.receiver.received.length).toBeLessThan(10);
});
