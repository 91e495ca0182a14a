import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import type { Delivery, NewOutboundDelivery } from "../../src/store/records.ts";
import { newRun, openTempStore } from "../support/store.ts";

const USAGE = { inputTokens: 0, outputTokens: 0 };
const NOTHING = { messages: [], events: [] };
const FAILED = { status: "failed", error: { code: "internal", message: "no" }, usage: USAGE } as const;
const DONE = { status: "completed", response: "ok", finishReason: "stop", model: "m", usage: USAGE } as const;

const event: Delivery = { source: "hook:deploy", id: "id:1", fingerprint: "", retriesFailed: true };
const accept = (store: Store, delivery: Delivery) => store.runs.accept(newRun({ delivery }));
const message = (id: string): NewOutboundDelivery => ({
  id,
  kind: "send",
  target: { platform: "telegram", account: "", chat: "42" },
  text: "deployed",
});

async function end(store: Store, id: string, outcome: typeof FAILED | typeof DONE): Promise<void> {
  expect(await store.runs.start(id, store.instance)).toBe("started");
  await store.runs.finish(id, outcome, NOTHING);
}

describe("a delivery that may be tried again", () => {
  test("is taken on once more after it failed, however many ask for it at once and from how many processes", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const first = (await accept(temp.store, event)).run.id;
    await end(temp.store, first, FAILED);
    const again = await Promise.all([temp.store, other, temp.store, other].map((one) => accept(one, event)));
    const fresh = again.filter(({ duplicate }) => !duplicate);
    expect(fresh).toHaveLength(1);
    expect([...new Set(again.map(({ run }) => run.id))]).toEqual(fresh.map(({ run }) => run.id));
    expect(again.map(({ run }) => run.id)).not.toContain(first);
    expect((await temp.store.runs.get(first))?.status).toBe("failed");
  });

  test("is known while it waits, runs and is done, and after a restart; cancelled counts as failed", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    const { run } = await accept(store, event);
    expect(await accept(store, event)).toMatchObject({ duplicate: true, run: { status: "queued" } });
    await store.runs.finish(run.id, { status: "cancelled", usage: USAGE }, NOTHING);
    const second = await accept(store, event);
    expect(second.duplicate).toBe(false);
    await end(store, second.run.id, DONE);
    const restarted = await temp.restart();
    expect(await accept(restarted, event)).toMatchObject({
      duplicate: true,
      run: { id: second.run.id, status: "completed" },
    });
  });

  test("without leave to do so, a failed one stays what it is", async () => {
    await using temp = await openTempStore();
    const { retriesFailed: _, ...once } = event;
    const { run } = await accept(temp.store, once);
    await end(temp.store, run.id, FAILED);
    expect(await accept(temp.store, once)).toMatchObject({ duplicate: true, run: { id: run.id } });
  });

  test("is remembered from its last try on", async () => {
    let now = 1_000;
    await using temp = await openTempStore({ clock: () => now });
    const { store } = temp;
    const { run } = await accept(store, event);
    await end(store, run.id, FAILED);
    now = 5_000;
    const again = (await accept(store, event)).run.id;
    now = 6_500;
    await store.prune({ deliveriesMs: 2_000, eventsMs: 2_000 });
    expect(await accept(store, event)).toMatchObject({ duplicate: true, run: { id: again } });
    now = 7_500;
    await store.prune({ deliveriesMs: 2_000, eventsMs: 2_000 });
    expect(await accept(store, event)).toMatchObject({ duplicate: false });
  });
});

describe("a delivery with another name", () => {
  const named = { ...event, aliases: ["body:x"] };
  const byBody = { ...event, id: "body:x" };

  test("is known by it, also after it was tried again", async () => {
    await using temp = await openTempStore();
    const { run } = await accept(temp.store, named);
    expect(await accept(temp.store, byBody)).toMatchObject({ duplicate: true, run: { id: run.id } });
    await end(temp.store, run.id, FAILED);
    const again = await accept(temp.store, named);
    expect(again.duplicate).toBe(false);
    expect(await accept(temp.store, byBody)).toMatchObject({ duplicate: true, run: { id: again.run.id } });
  });

  test("leaves what is known by that name already as it is", async () => {
    await using temp = await openTempStore();
    const first = (await accept(temp.store, byBody)).run.id;
    expect((await accept(temp.store, named)).duplicate).toBe(false);
    expect(await accept(temp.store, byBody)).toMatchObject({ duplicate: true, run: { id: first } });
  });

  test("of another source is another delivery", async () => {
    await using temp = await openTempStore();
    await accept(temp.store, named);
    expect(await accept(temp.store, { ...named, source: "hook:other" })).toMatchObject({ duplicate: false });
  });
});

describe("a message that a delivery asks for", () => {
  test("is in the outbox once, however often that comes", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const both = await Promise.all([
      temp.store.inbox.send(event, message("d1")),
      other.inbox.send(event, message("d2")),
    ]);
    const [kept] = both.filter(({ duplicate }) => !duplicate);
    expect(both.map(({ duplicate }) => duplicate).toSorted()).toEqual([false, true]);
    expect(both.map((one) => one.message?.id)).toEqual([kept?.message?.id, kept?.message?.id]);
    expect(await temp.store.deliveries.open("telegram", "", 0, 9)).toHaveLength(1);
  });

  test("is tried again when it was given up, and not when it was sent", async () => {
    await using temp = await openTempStore();
    const { inbox, deliveries } = temp.store;
    await inbox.send(event, message("d1"));
    await deliveries.bury("d1", { code: "refused", message: "no such chat" });
    expect(await inbox.send(event, message("d2"))).toMatchObject({
      duplicate: false,
      message: { id: "d1", status: "due" },
    });
    await deliveries.finish("d1", [{ messageId: "m1" }]);
    expect(await inbox.send(event, message("d3"))).toMatchObject({
      duplicate: true,
      message: { id: "d1", status: "sent" },
    });
  });

  test("that is gone, or was a run, is known all the same", async () => {
    await using temp = await openTempStore();
    await accept(temp.store, event);
    expect(await temp.store.inbox.send(event, message("d1"))).toEqual({ message: null, duplicate: true });
  });
});
