import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import type { NewWebhookEvent } from "../../src/store/records.ts";
import type { WebhookAttempt, WebhookDelivery } from "../../src/store/webhook-records.ts";
import { commitsIn, newRun, openTempStore } from "../support/store.ts";

const DAY_MS = 24 * 3_600_000;
const NOTHING = { messages: [], events: [] };
const CANCELLED = { status: "cancelled", usage: { inputTokens: 0, outputTokens: 0 } } as const;
const ERROR = { code: "network_failed", message: "no answer" };

const event = (id: string, endpoints = ["main"]): NewWebhookEvent => ({
  id,
  type: "message.received",
  body: `{"id":"${id}"}`,
  endpoints,
});

/** A try that failed, unless said otherwise. */
const attempt = (change: Partial<WebhookAttempt> = {}): WebhookAttempt => ({
  startedAt: 1_000,
  durationMs: 20,
  request: { url: "https://example.com/hook", headers: { "webhook-id": "evt" } },
  response: { status: 500, headers: { server: "x" }, body: "oops" },
  error: ERROR,
  ...change,
});
const delivered = attempt({ response: { status: 200, headers: {}, body: "" }, error: null });

/** Accepts a run that tells of this event. */
const tell = (store: Store, id: string, endpoints?: string[]) =>
  store.runs.accept(newRun({ session: { owner: "api:owner", id }, told: event(id, endpoints) }));
const due = (store: Store, endpoint = "main", now = 1_000_000_000) => store.webhooks.due(endpoint, now, 100);
const eventIds = (list: WebhookDelivery[]) => list.map((one) => one.eventId);
const all = async (store: Store) => (await store.webhooks.list({ limit: 100 })).items;
const theOne = async (store: Store): Promise<WebhookDelivery> => {
  const [delivery, second] = await all(store);
  if (delivery === undefined || second !== undefined) throw new Error("there is not exactly one delivery");
  return delivery;
};

describe("an event", () => {
  test("is kept in the transaction of the acceptance, with a delivery to each endpoint, over a restart", async () => {
    await using temp = await openTempStore({ clock: () => 1_000 });
    await tell(temp.store, "evt_0", ["first"]); // after the migration, the log of the database begins anew
    const before = await commitsIn(temp.path);
    await tell(temp.store, "evt_1", ["main", "other"]);
    expect(await commitsIn(temp.path)).toBe(before + 1);
    const store = await temp.restart();
    const [delivery] = await due(store, "other");
    expect(delivery).toEqual({
      id: expect.stringMatching(/^whd_[0-9a-z]{38}$/),
      eventId: "evt_1",
      type: "message.received",
      body: '{"id":"evt_1"}',
      endpoint: "other",
      status: "due",
      attempts: 0,
      dueAt: 1_000,
      error: null,
      createdAt: 1_000,
      finishedAt: null,
    });
    expect(eventIds(await due(store))).toEqual(["evt_1"]);
  });

  test("of a run that is not accepted is not kept, and the other way round", async () => {
    await using temp = await openTempStore();
    const delivery = { source: "api:owner", id: "k", fingerprint: "f" };
    const accept = (id: string) => temp.store.runs.accept(newRun({ delivery, told: event(id) }));
    await accept("evt_1");
    expect((await accept("evt_2")).duplicate).toBe(true);
    const sessionWithSlash = { owner: "api:owner", id: "a/b" };
    const refused = temp.store.runs.accept(newRun({ session: sessionWithSlash, told: event("evt_3") }));
    await expect(refused).rejects.toThrow();
    expect(eventIds(await all(temp.store))).toEqual(["evt_1"]);
    const twice = newRun({ id: "run_twice", told: event("evt_1") });
    await expect(temp.store.runs.accept(twice)).rejects.toThrow();
    expect(await temp.store.runs.get("run_twice")).toBeNull();
  });

  test("comes with an event of the run, and with its end", async () => {
    await using temp = await openTempStore();
    const { runs, instance } = temp.store;
    await runs.accept(newRun({ id: "run_a" }));
    const first = { type: "run.started", data: "{}", told: event("evt_start") };
    expect(await runs.start("run_a", instance, [first])).toBe("started");
    const last = { type: "run.failed", data: "{}", told: event("evt_end") };
    const written = await runs.finish("run_a", CANCELLED, { messages: [], events: [last] });
    expect(written).toEqual([{ seq: 2, type: "run.failed", data: "{}" }]);
    expect(eventIds(await all(temp.store))).toEqual(["evt_end", "evt_start"]);
    const late = runs.finish("run_a", CANCELLED, {
      messages: [],
      events: [{ ...last, told: event("late") }],
    });
    await expect(late).rejects.toMatchObject({ code: "conflict" });
    expect(eventIds(await all(temp.store))).toEqual(["evt_end", "evt_start"]);
  });

  test("can tell of the runs that another one took in", async () => {
    await using temp = await openTempStore();
    const { runs, instance } = temp.store;
    await runs.accept(newRun({ id: "run_a" }));
    await runs.start("run_a", instance);
    await runs.accept(newRun({ id: "run_b", joinsRunning: true }));
    await runs.absorb("run_a", [], (_messages, runIds) =>
      runIds.map((id) => ({ type: "message.steered", data: "{}", told: event(`evt_${id}`) })),
    );
    expect(eventIds(await all(temp.store))).toEqual(["evt_run_b"]);
  });
});

describe("a delivery", () => {
  test("is tried until it is sent, and remembers every try", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time });
    await tell(temp.store, "evt_1");
    const { id } = await theOne(temp.store);
    await temp.store.webhooks.record(id, attempt(), { status: "due", dueAt: 6_000 });
    const { webhooks } = await temp.restart();
    expect(await webhooks.due("main", 5_999, 10)).toEqual([]);
    expect(await webhooks.nextDueAt("main", 5_999)).toBe(6_000);
    expect(await webhooks.nextDueAt("main", 6_000)).toBeNull();
    expect(await webhooks.due("main", 6_000, 10)).toMatchObject([{ id, attempts: 1, error: ERROR }]);
    time = 6_010;
    await webhooks.record(id, delivered, { status: "sent" });
    expect(await webhooks.get(id)).toMatchObject({
      status: "sent",
      attempts: 2,
      error: null,
      finishedAt: 6_010,
      tries: [attempt(), delivered],
    });
    expect(await webhooks.due("main", 1e12, 10)).toEqual([]);
  });

  test("that is over, or gone, is not changed by a try that comes late", async () => {
    await using temp = await openTempStore();
    await tell(temp.store, "evt_1");
    const { id } = await theOne(temp.store);
    await temp.store.webhooks.record(id, delivered, { status: "sent" });
    await temp.store.webhooks.record(id, attempt(), { status: "due", dueAt: 1 });
    expect(await theOne(temp.store)).toMatchObject({ status: "sent", attempts: 1, error: null });
    await temp.store.webhooks.record("whd_gone", attempt(), { status: "dead" });
    expect(await temp.store.webhooks.get("whd_gone")).toBeNull();
  });

  test("is sent first that is due first, and the oldest one is known", async () => {
    await using temp = await openTempStore({ clock: () => 1_000 });
    for (const id of ["evt_1", "evt_2", "evt_3"]) await tell(temp.store, id);
    const [first] = await due(temp.store);
    await temp.store.webhooks.record(first?.id ?? "", attempt(), { status: "due", dueAt: 2_000 });
    expect(eventIds(await due(temp.store))).toEqual(["evt_2", "evt_3", "evt_1"]);
    expect(eventIds(await temp.store.webhooks.due("main", 1e9, 2))).toEqual(["evt_2", "evt_3"]);
    expect((await temp.store.webhooks.first("main"))?.eventId).toBe("evt_1");
    expect(await temp.store.webhooks.first("other")).toBeNull();
  });

  test("is replayed by its id, by its event, and by a filter", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time });
    const { webhooks } = temp.store;
    for (const id of ["evt_1", "evt_2", "evt_3"]) {
      await tell(temp.store, id, ["main", "other"]);
      time += 1_000;
    }
    const finish = async (status: "sent" | "dead") => {
      for (const one of await all(temp.store))
        if (one.status === "due") await webhooks.record(one.id, attempt(), { status });
    };
    await finish("dead");
    const byId = (await all(temp.store)).find((one) => one.eventId === "evt_2");
    expect(await webhooks.replay(byId?.id ?? "")).toBe(1);
    expect(await due(temp.store, byId?.endpoint)).toMatchObject([{ id: byId?.id, attempts: 0, error: null }]);
    await finish("sent");

    expect(await webhooks.replay("evt_3")).toBe(2);
    await finish("sent");
    await expect(webhooks.replay("evt_none")).rejects.toMatchObject({ code: "not_found" });

    expect(await webhooks.replay({ status: "dead" })).toBe(3);
    await finish("sent");
    expect(await webhooks.replay({ since: 2_000, until: 3_000 })).toBe(2);
    expect(eventIds(await due(temp.store))).toEqual(["evt_2"]);
    expect(await webhooks.replay({ endpoint: "other" })).toBe(2); // the third one is due already
    await finish("sent");
    expect(await webhooks.replay({ type: "agent.error" })).toBe(0);
    expect(await webhooks.replay({})).toBe(6);
  });

  test("is replayed with thousands of others, each once", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await Promise.all(Array.from({ length: 2_100 }, (_, i) => tell(store, `evt_${i}`)));
    await store.webhooks.bury("main", ERROR);
    expect(await store.webhooks.replay({ status: "dead" })).toBe(2_100);
    expect(await store.webhooks.backlog("main")).toEqual({ due: 2_100, dead: 0 });
  });

  test("is listed newest first, page by page, narrowed by a filter", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time++ });
    const { webhooks } = temp.store;
    for (const id of ["evt_1", "evt_2", "evt_3"]) await tell(temp.store, id, ["main", "other"]);
    const filter = { endpoint: "main", limit: 2 };
    const page = await webhooks.list(filter);
    expect(eventIds(page.items)).toEqual(["evt_3", "evt_2"]);
    const next = await webhooks.list({ ...filter, cursor: page.nextCursor ?? "" });
    expect(eventIds(next.items)).toEqual(["evt_1"]);
    expect(next.nextCursor).toBeNull();
    await webhooks.bury("other", ERROR);
    expect((await webhooks.list({ limit: 9, status: "dead" })).items).toHaveLength(3);
    expect((await webhooks.list({ limit: 9, type: "task.completed" })).items).toEqual([]);
  });
});

describe("an endpoint", () => {
  test("tells since when there are only failures, and when it last took something", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time });
    const { webhooks } = temp.store;
    expect(await webhooks.endpoint("main")).toEqual({
      name: "main",
      lastSuccessAt: null,
      lastFailureAt: null,
      failingSince: null,
      disabled: null,
    });
    await tell(temp.store, "evt_1");
    const { id } = await theOne(temp.store);
    const fail = () => webhooks.record(id, attempt(), { status: "due", dueAt: time });
    expect(await fail()).toMatchObject({ failingSince: 1_000, lastFailureAt: 1_000 });
    time += DAY_MS;
    expect(await fail()).toMatchObject({ failingSince: 1_000, lastFailureAt: time });
    time += 2 * DAY_MS; // nothing was sent for days, so that nothing is known of them
    expect(await fail()).toMatchObject({ failingSince: time });
    time += 5;
    expect(await webhooks.record(id, delivered, { status: "sent" })).toMatchObject({
      failingSince: null,
      lastSuccessAt: time,
    });
  });

  test("with very much that is open gives it up in parts, so that nobody else waits for all of it", async () => {
    await using temp = await openTempStore();
    await Promise.all(Array.from({ length: 2_100 }, (_, n) => tell(temp.store, `evt_${n}`)));
    const before = await commitsIn(temp.path);
    expect(await temp.store.webhooks.bury("main", ERROR)).toBe(2_100);
    expect(await commitsIn(temp.path)).toBeGreaterThanOrEqual(before + 3);
    expect(await due(temp.store)).toEqual([]);
    expect(await temp.store.webhooks.bury("main", ERROR)).toBe(0);
  });

  test("that is disabled gives up what is open, until somebody enables it", async () => {
    await using temp = await openTempStore({ clock: () => 1_000 });
    const { webhooks } = temp.store;
    await tell(temp.store, "evt_1", ["main", "other"]);
    await tell(temp.store, "evt_2");
    expect(await webhooks.disable("main", { urlDigest: "d", error: ERROR })).toBe(2);
    expect((await webhooks.endpoint("main")).disabled).toEqual({
      at: 1_000,
      reason: ERROR.message,
      urlDigest: "d",
    });
    expect(await webhooks.backlog("main")).toEqual({ due: 0, dead: 2 });
    expect(await webhooks.backlog("other")).toEqual({ due: 1, dead: 0 });
    expect(await webhooks.enable("main")).toBe(true);
    expect(await webhooks.enable("main")).toBe(false);
    expect((await webhooks.endpoint("main")).disabled).toBeNull();
    expect(await webhooks.backlog("main")).toEqual({ due: 0, dead: 2 });
  });

  test("is held by one process, until that lets go or ends", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const hold = await temp.store.webhooks.hold("main", "the first");
    expect(await other.webhooks.hold("main", "the second")).toEqual({ heldBy: "the first" });
    expect(await other.webhooks.hold("another", "the second")).toHaveProperty("release");
    if ("release" in hold) hold.release();
    const taken = await other.webhooks.hold("main", "the second");
    expect(taken).toHaveProperty("release");
    await other.close();
    expect(await temp.store.webhooks.hold("main", "the first")).toHaveProperty("release");
  });
});

test("what is over goes after its keeping time, what is open after a month", async () => {
  let time = 0;
  await using temp = await openTempStore({ clock: () => time });
  const { store } = temp;
  await tell(store, "evt_sent");
  await store.webhooks.record((await theOne(store)).id, delivered, { status: "sent" });
  await tell(store, "evt_open", ["main", "other"]);
  await store.webhooks.bury("other", ERROR);
  time = 8 * DAY_MS;
  await tell(store, "evt_new");
  await store.webhooks.bury("main", ERROR);
  await store.webhooks.replay({ endpoint: "main", until: 1, status: "dead" });
  await store.prune({ deliveriesMs: 7 * DAY_MS, eventsMs: 7 * DAY_MS });
  expect(eventIds(await all(store))).toEqual(["evt_new", "evt_open", "evt_open"]);
  time = 31 * DAY_MS;
  await store.prune({ deliveriesMs: 7 * DAY_MS, eventsMs: 7 * DAY_MS });
  expect(await all(store)).toEqual([]);
  expect(await store.check()).toEqual([]);
});

test("nothing is written where nobody is told anything", async () => {
  await using temp = await openTempStore();
  await temp.store.runs.accept(newRun({ id: "run_a" }));
  await temp.store.runs.start("run_a", temp.store.instance, [{ type: "run.started", data: "{}" }]);
  await temp.store.runs.finish("run_a", CANCELLED, NOTHING);
  expect(await all(temp.store)).toEqual([]);
});
