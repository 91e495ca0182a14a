import { expect, test } from "bun:test";
import type { WebhookDelivery } from "../../../src/store/webhook-records.ts";
import { schemeOf } from "../../../src/webhooks/schemes.ts";
import { answers, BEHAVIOURS } from "../../fakes/webhook-receiver.ts";
import { type OutboundBench, openOutbound, SECRET } from "../../support/outbound.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const one = (path: string, more: object = {}) => ({
  endpoints: (origin: string) => [{ name: "main", url: `${origin}/${path}`, ...more }],
});
const statuses = async (bench: OutboundBench) => (await bench.deliveries()).map(({ status }) => status);
const ids = (bench: OutboundBench) =>
  bench.receiver.received.map(({ headers }) => headers["webhook-id"]).filter((id) => id !== undefined);
const eventIds = (deliveries: readonly WebhookDelivery[]) => deliveries.map(({ eventId }) => eventId);

test("410 disables the endpoint at once, with a notice; what comes is a dead letter until somebody enables it", async () => {
  await using bench = await openOutbound({ ...one("gone"), settings: { max_in_flight: 1 } });
  await bench.happen(3);
  await bench.settled();
  expect(bench.receiver.received).toHaveLength(1);
  expect(await statuses(bench)).toEqual(["dead", "dead", "dead"]);
  expect((await bench.store.webhooks.endpoint("main")).disabled?.reason).toContain("410");
  expect(bench.log.filter((line) => line.includes("an endpoint for webhooks is disabled"))).toHaveLength(1);
  await bench.happen();
  await bench.run();
  expect(bench.receiver.received).toHaveLength(1);
  const last = (await bench.deliveries()).at(-1);
  expect(last).toMatchObject({ status: "dead", error: { code: "endpoint_disabled" } });

  bench.receiver.set("gone", BEHAVIOURS.ok);
  await bench.store.webhooks.enable("main");
  expect(await bench.store.webhooks.replay({ since: 0 })).toBe(4);
  bench.outbound.announcer.stored();
  await bench.run();
  expect(await statuses(bench)).toEqual(["sent", "sent", "sent", "sent"]);
  expect(ids(bench).slice(1).toSorted()).toEqual(eventIds(await bench.deliveries()).toSorted());
});

test("another address under the same name is not the one that was disabled", async () => {
  await using bench = await openOutbound(one("gone"));
  await bench.happen();
  await bench.settled();
  bench.config.change(({ gateway }) => {
    const [endpoint] = gateway.webhook.outbound.endpoints;
    if (endpoint) endpoint.url = `${bench.receiver.origin}/ok`;
  });
  await bench.happen();
  await bench.settled();
  expect(await statuses(bench)).toEqual(["dead", "sent"]);
  expect((await bench.store.webhooks.endpoint("main")).disabled).toBeNull();
});

test("an endpoint that only fails for days is disabled, with a notice", async () => {
  await using bench = await openOutbound({ ...one("error"), settings: { disable_after_days: 5 } });
  const startMs = bench.clock.now();
  for (let day = 0; day < 6; day++) {
    await bench.happen();
    await bench.run(startMs + (day + 1) * DAY_MS);
  }
  const { disabled } = await bench.store.webhooks.endpoint("main");
  expect((disabled?.at ?? 0) - startMs).toBeGreaterThanOrEqual(5 * DAY_MS);
  expect((disabled?.at ?? 0) - startMs).toBeLessThan(6 * DAY_MS);
  expect(disabled?.reason).toBe("It took nothing for 5 days. Last: It answered 500.");
  expect(new Set(await statuses(bench))).toEqual(new Set(["dead"]));
  const warned = bench.log.filter((line) => line.includes("warn"));
  expect(warned.filter((line) => line.includes("does not take webhooks"))).toHaveLength(1);
  expect(warned.filter((line) => line.includes("is disabled"))).toHaveLength(1);
});

test("one success in between keeps it enabled", async () => {
  await using bench = await openOutbound({ ...one("flaky"), settings: { disable_after_days: 2 } });
  bench.receiver.set("flaky", BEHAVIOURS.error);
  const startMs = bench.clock.now();
  await bench.happen();
  await bench.run(startMs + DAY_MS);
  bench.receiver.set("flaky", BEHAVIOURS.ok);
  await bench.happen();
  await bench.settled();
  bench.receiver.set("flaky", BEHAVIOURS.error);
  await bench.run(startMs + 2.5 * DAY_MS);
  await bench.happen();
  await bench.run(startMs + 3.5 * DAY_MS);
  expect((await bench.store.webhooks.endpoint("main")).disabled).toBeNull();
});

test("429 with Retry-After makes everything for the endpoint wait, and nothing for another one", async () => {
  await using bench = await openOutbound({
    endpoints: (origin) => [
      { name: "busy", url: `${origin}/tooManySeconds` },
      { name: "other", url: `${origin}/ok` },
    ],
    settings: { max_in_flight: 1 },
  });
  const startMs = bench.clock.now();
  await bench.happen(2);
  await bench.settled();
  const at = (path: string) =>
    bench.receiver.received.filter((request) => request.path === path).map(({ atMs }) => atMs - startMs);
  expect(at("/tooManySeconds")).toEqual([0]);
  expect(at("/ok")).toEqual([0, 0]);
  bench.receiver.set("tooManySeconds", BEHAVIOURS.ok);
  await bench.run();
  expect(at("/tooManySeconds")).toEqual([0, HOUR_MS, HOUR_MS]);
  expect(new Set(await statuses(bench))).toEqual(new Set(["sent"]));
});

test("an ordered endpoint gets one event after another, each after the one before is delivered or given up", async () => {
  await using bench = await openOutbound(one("ordered", { ordered: true }));
  const failsOnce = new Set<string>();
  bench.receiver.set("ordered", (socket, request) => {
    const id = request.headers["webhook-id"] ?? "";
    const isNew = !failsOnce.has(id);
    failsOnce.add(id);
    answers(isNew ? 500 : 200)(socket, request);
  });
  for (let i = 0; i < 4; i++) await bench.happen();
  await bench.run();
  const inOrder = eventIds(await bench.deliveries());
  expect(ids(bench)).toEqual(inOrder.flatMap((id) => [id, id]));

  bench.receiver.set("ordered", BEHAVIOURS.error);
  await bench.happen(2);
  const [lost, next] = eventIds(await bench.deliveries()).slice(-2);
  await bench.run();
  expect(ids(bench).slice(8)).toEqual([...Array(10).fill(lost), ...Array(10).fill(next)]);
});

test("no more are under way at one endpoint than it may have", async () => {
  await using bench = await openOutbound({ ...one("counted"), settings: { max_in_flight: 3 } });
  let open = 0;
  let most = 0;
  bench.receiver.set("counted", (socket, request) => {
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      BEHAVIOURS.ok(socket, request);
    }, 5);
  });
  await bench.happen(30);
  await bench.settled();
  expect(most).toBe(3);
  expect(ids(bench)).toHaveLength(30);
});

test("an endpoint that is switched off keeps what is open, and gets it when it is switched on again", async () => {
  await using bench = await openOutbound(one("ok"));
  const set = (enabled: boolean) =>
    bench.config.change(({ gateway }) => {
      const [endpoint] = gateway.webhook.outbound.endpoints;
      if (endpoint) endpoint.enabled = enabled;
    });
  bench.receiver.set("ok", BEHAVIOURS.error);
  await bench.happen();
  await bench.settled();
  set(false);
  bench.clock.pass(DAY_MS);
  await bench.happen();
  await bench.run();
  expect(bench.receiver.received).toHaveLength(1);
  bench.receiver.set("ok", BEHAVIOURS.ok);
  set(true);
  await bench.run();
  expect(await statuses(bench)).toEqual(["sent"]);
});

test("while secrets change over, Standard Webhooks is signed with both; the plain signature with the new one", async () => {
  await using bench = await openOutbound(
    one("ok", { secret: "whsec_bmV3IHNlY3JldCBvZiB0aGUgdGVzdHM=", previous_secret: SECRET }),
  );
  await bench.happen();
  await bench.settled();
  const [request] = bench.receiver.received;
  if (!request) throw new Error("nothing came");
  const isAccepted = (scheme: "standard" | "hermes", secret: string) =>
    schemeOf(scheme).verify(request, [secret], request.atMs).ok;
  const fresh = "whsec_bmV3IHNlY3JldCBvZiB0aGUgdGVzdHM=";
  expect([isAccepted("standard", fresh), isAccepted("standard", SECRET)]).toEqual([true, true]);
  expect([isAccepted("hermes", fresh), isAccepted("hermes", SECRET)]).toEqual([true, false]);
});

test("what is kept of a try shows request and answer, but nothing that proves that it came from Hermes", async () => {
  await using bench = await openOutbound(one("error?token=in-the-query"));
  bench.receiver.set("error?token=in-the-query", answers(500, { "set-cookie": "id=1", server: "x" }, "oops"));
  await bench.happen();
  await bench.settled();
  const [delivery] = await bench.deliveries();
  const details = await bench.store.webhooks.get(delivery?.id ?? "");
  expect(details?.tries).toEqual([
    {
      startedAt: bench.clock.now(),
      durationMs: 0,
      request: {
        url: `${bench.receiver.origin}/error`,
        headers: {
          "content-type": "application/json",
          "user-agent": "Hermes-Webhooks/1",
          "webhook-id": delivery?.eventId ?? "",
          "webhook-timestamp": String(bench.clock.now() / 1000),
          "webhook-signature": "v1…",
          "x-hermes-signature": "sha256…",
        },
      },
      response: {
        status: 500,
        headers: { "content-length": "4", "set-cookie": "[redacted]", server: "x" },
        body: "oops",
      },
      error: { code: "endpoint_refused", message: "It answered 500." },
    },
  ]);
});

test("why a try failed is told to whoever runs the receiver", async () => {
  const reasons = {
    endless: ["Its answer has more than 1 MiB.", "Answer 2xx, with little or no body."],
    noHttp: [expect.stringMatching(/something other than HTTP/), expect.stringContaining("Check the port")],
    redirects: ["It answered 302. Redirects are not followed.", "Configure the address that it leads to."],
  };
  await using bench = await openOutbound({
    endpoints: (origin) => Object.keys(reasons).map((name) => ({ name, url: `${origin}/${name}` })),
  });
  await bench.happen();
  await bench.settled();
  for (const { endpoint, error } of await bench.deliveries())
    expect([error?.message, error?.hint]).toEqual(reasons[endpoint as keyof typeof reasons]);
});

test("a private address is reached only by exemption, which counts at the next try", async () => {
  await using bench = await openOutbound({ ...one("ok"), network: { allow_cidrs: [] } });
  await bench.happen();
  await bench.settled();
  expect(bench.receiver.received).toEqual([]);
  expect(await bench.deliveries()).toMatchObject([{ status: "due", error: { code: "network_refused" } }]);
  bench.config.change(({ network }) => {
    network.allow_cidrs = ["127.0.0.0/8"];
  });
  await bench.run();
  expect(await statuses(bench)).toEqual(["sent"]);
});

test("where there is no endpoint, nobody looks for anything and nothing is written; one that is added counts at once", async () => {
  await using bench = await openOutbound({ ...one("ok"), settings: { enabled: false } });
  await bench.happen();
  await bench.settled();
  expect(bench.clock.sleeping).toBe(0);
  expect(await bench.deliveries()).toEqual([]);
  bench.config.change(({ gateway }) => {
    gateway.webhook.outbound.enabled = true;
  });
  await bench.happen();
  await bench.settled();
  expect(bench.clock.sleeping).toBe(1);
  expect(await statuses(bench)).toEqual(["sent"]);
});
