import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import type { Delivery, NewOutboundDelivery, OutboundDelivery } from "../../src/store/records.ts";
import { newRun, openTempStore } from "../support/store.ts";

const CANCELLED = { status: "cancelled", usage: { inputTokens: 0, outputTokens: 0 } } as const;
const NOTHING = { messages: [], events: [] };
const ERROR = { code: "platform_unavailable", message: "no answer" };

const notice = (id: string, change: Partial<NewOutboundDelivery> = {}): NewOutboundDelivery => ({
  id,
  kind: "notice",
  target: { platform: "telegram", account: "", chat: "42" },
  text: "hello",
  ...change,
});
const reply = (id: string): NewOutboundDelivery => {
  const { text: _text, ...rest } = notice(id, { kind: "answer" });
  return rest;
};
const ids = (list: OutboundDelivery[]) => list.map((one) => one.id);
const open = (store: Store, after = 0) => store.deliveries.open("telegram", "", after, 100);

describe("a delivery", () => {
  test("is kept whole, due at once, and over a restart", async () => {
    await using temp = await openTempStore({ clock: () => 1_000 });
    const target = { platform: "telegram", account: "second", chat: "-100", thread: "7", replyTo: "11" };
    const full = notice("d1", { target, extra: { buttons: [{ label: "Yes" }], language: "zh" } });
    expect(await temp.store.deliveries.add(full)).toBe(true);
    const kept: OutboundDelivery = {
      ...full,
      position: 1,
      status: "due",
      parts: [],
      attempts: 0,
      dueAt: 1_000,
      error: null,
      createdAt: 1_000,
      finishedAt: null,
    };
    expect(await temp.store.deliveries.get("d1")).toEqual(kept);
    const again = await temp.restart();
    expect(await again.deliveries.open("telegram", "second", 0, 9)).toEqual([kept]);
    expect(await again.deliveries.get("none")).toBeNull();
  });

  test("of a known id is not taken again, whoever adds it and when", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const both = await Promise.all([
      temp.store.deliveries.add(notice("d1", { text: "first" })),
      other.deliveries.add(notice("d1", { text: "second" })),
    ]);
    expect(both.toSorted()).toEqual([false, true]);
    const kept = await temp.store.deliveries.get("d1");
    expect(kept?.text).toBe(both[0] ? "first" : "second");
    await temp.store.deliveries.finish("d1", [{ messageId: "m1" }]);
    expect(await temp.store.deliveries.add(notice("d1"))).toBe(false);
    const sent = { status: "sent", text: kept?.text ?? "", attempts: 1 };
    expect(await temp.store.deliveries.get("d1")).toMatchObject(sent);
  });

  test("remembers its parts and tries until it is sent", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time });
    const { deliveries } = temp.store;
    await deliveries.add(notice("d1"));
    await deliveries.recordParts("d1", [{ messageId: "a" }]);
    await deliveries.postpone("d1", { attempts: 1, dueAt: 5_000, error: ERROR });
    const again = (await temp.restart()).deliveries;
    expect(await again.get("d1")).toMatchObject({
      status: "due",
      parts: [{ messageId: "a" }],
      attempts: 1,
      dueAt: 5_000,
      error: ERROR,
      finishedAt: null,
    });
    time = 6_000;
    await again.finish("d1", [{ messageId: "a" }, { messageId: "b" }]);
    expect(await again.get("d1")).toMatchObject({
      status: "sent",
      parts: [{ messageId: "a" }, { messageId: "b" }],
      attempts: 2,
      error: null,
      finishedAt: 6_000,
    });
    expect(await open(temp.store)).toEqual([]);
  });

  test("takes no change once it is sent or dead, or when nobody knows it", async () => {
    await using temp = await openTempStore();
    const { deliveries } = temp.store;
    for (const id of ["sent", "dead"]) await deliveries.add(notice(id));
    await deliveries.finish("sent", []);
    await deliveries.bury("dead", ERROR);
    const changes = (id: string) => [
      () => deliveries.recordParts(id, [{ messageId: "late" }]),
      () => deliveries.postpone(id, { attempts: 9, dueAt: 9, error: null }),
      () => deliveries.finish(id, [{ messageId: "late" }]),
      () => deliveries.bury(id, ERROR),
    ];
    for (const id of ["sent", "dead"])
      for (const change of changes(id)) await expect(change()).rejects.toMatchObject({ code: "conflict" });
    for (const change of changes("none")) await expect(change()).rejects.toMatchObject({ code: "not_found" });
    expect(await deliveries.get("sent")).toMatchObject({ status: "sent", parts: [], attempts: 0 });
    expect(await deliveries.get("dead")).toMatchObject({ status: "dead", error: ERROR });
  });

  test("that is dead can be made due again, behind all others, with what was sent of it", async () => {
    await using temp = await openTempStore();
    const { deliveries } = temp.store;
    for (const id of ["d1", "d2"]) await deliveries.add(notice(id));
    await deliveries.recordParts("d1", [{ messageId: "a" }]);
    await deliveries.postpone("d1", { attempts: 7, dueAt: 9e15, error: ERROR });
    await deliveries.bury("d1", ERROR);
    const last = (await open(temp.store)).at(-1)?.position ?? 0;
    const retried = await deliveries.retry("d1");
    expect(retried).toMatchObject({
      status: "due",
      parts: [{ messageId: "a" }],
      attempts: 0,
      error: null,
      finishedAt: null,
    });
    expect(retried.dueAt).toBeLessThan(9e15);
    await deliveries.add(notice("d3"));
    expect(ids(await open(temp.store, last))).toEqual(["d1", "d3"]);
    await expect(deliveries.retry("d1")).rejects.toMatchObject({ code: "conflict" });
    await expect(deliveries.retry("none")).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("what is open", () => {
  test("comes by account, oldest first, behind a position", async () => {
    await using temp = await openTempStore();
    const { deliveries } = temp.store;
    const of = (platform: string, account: string) => ({ target: { platform, account, chat: "1" } });
    await deliveries.add(notice("t1"));
    await deliveries.add(notice("s1", of("slack", "")));
    await deliveries.add(notice("t2"));
    await deliveries.add(notice("o1", of("telegram", "other")));
    await deliveries.add(notice("t3"));
    await deliveries.finish("t1", []);
    expect(ids(await open(temp.store))).toEqual(["t2", "t3"]);
    expect(ids(await deliveries.open("telegram", "", 0, 1))).toEqual(["t2"]);
    const { position = 0 } = (await deliveries.get("t2")) ?? {};
    expect(ids(await open(temp.store, position))).toEqual(["t3"]);
    expect(ids(await deliveries.open("telegram", "other", 0, 9))).toEqual(["o1"]);
  });

  test("never stands at a position that was used before, also when all rows are gone", async () => {
    let time = 0;
    await using temp = await openTempStore({ clock: () => time });
    await temp.store.deliveries.add(notice("d1"));
    await temp.store.deliveries.bury("d1", ERROR);
    const { position } = await temp.store.deliveries.retry("d1");
    await temp.store.deliveries.finish("d1", []);
    time = 10_000;
    await temp.store.prune({ deliveriesMs: 1_000, eventsMs: 1_000 });
    expect(await temp.store.deliveries.get("d1")).toBeNull();
    await temp.store.deliveries.add(notice("d2"));
    expect(ids(await open(temp.store, position))).toEqual(["d2"]);
  });

  test("goes to the new address of its chat, and nothing else does", async () => {
    await using temp = await openTempStore();
    const { deliveries } = temp.store;
    const to = (chat: string, account = "") => ({ target: { platform: "telegram", account, chat } });
    await deliveries.add(notice("done", to("5")));
    await deliveries.finish("done", []);
    await deliveries.add(notice("moved", to("5")));
    await deliveries.add(notice("another", to("55")));
    await deliveries.add(notice("elsewhere", to("5", "second")));
    await deliveries.moveChat("telegram", "", "5", "-1005");
    const chats = await Promise.all(
      ["done", "moved", "another", "elsewhere"].map(async (id) => (await deliveries.get(id))?.target.chat),
    );
    expect(chats).toEqual(["5", "-1005", "55", "5"]);
  });
});

describe("the list", () => {
  test("pages, newest first, by state and platform", async () => {
    await using temp = await openTempStore();
    const { deliveries } = temp.store;
    for (let i = 0; i < 7; i++) {
      await deliveries.add(notice(`t${i}`));
      await deliveries.add(notice(`s${i}`, { target: { platform: "slack", account: "", chat: "C" } }));
    }
    await deliveries.bury("t2", ERROR);
    await deliveries.bury("s3", ERROR);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const from = cursor === "" ? {} : { cursor };
      const page = await deliveries.list({ limit: 3, platform: "telegram", ...from });
      seen.push(...ids(page.items));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(["t6", "t5", "t4", "t3", "t2", "t1", "t0"]);
    expect(ids((await deliveries.list({ limit: 9, status: "dead" })).items)).toEqual(["s3", "t2"]);
    expect(ids((await deliveries.list({ limit: 9, status: "dead", platform: "slack" })).items)).toEqual([
      "s3",
    ]);
    await expect(deliveries.list({ limit: 9, cursor: "x" })).rejects.toMatchObject({
      code: "invalid_request",
    });
  });

  test("loses what was sent or dead for longer than its keeping time, and never what is open", async () => {
    let time = 0;
    await using temp = await openTempStore({ clock: () => time });
    const { deliveries } = temp.store;
    for (const id of ["sent", "dead", "open", "late"]) await deliveries.add(notice(id));
    await temp.store.runs.accept(newRun({ id: "run_1", reply: reply("waiting") }));
    await deliveries.finish("sent", []);
    await deliveries.bury("dead", ERROR);
    time = 1_000;
    await deliveries.finish("late", []);
    await temp.store.prune({ deliveriesMs: 500, eventsMs: 500 });
    expect(ids((await deliveries.list({ limit: 9 })).items)).toEqual(["waiting", "late", "open"]);
  });
});

describe("the reply of a run", () => {
  const delivery: Delivery = { source: "telegram:bot", id: "100", fingerprint: "f" };

  test("is taken on with it, waits for its end, and is then due without its text", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time });
    const { store } = temp;
    await store.runs.accept(newRun({ id: "run_a", delivery, reply: reply("d1") }));
    expect(await open(await temp.restart())).toMatchObject([{ id: "d1", status: "waiting", runId: "run_a" }]);
    const { runs, deliveries, instance } = temp.store;
    await runs.start("run_a", instance);
    await deliveries.recordParts("d1", [{ messageId: "growing" }]);
    time = 2_000;
    await runs.finish("run_a", CANCELLED, NOTHING);
    const due = await deliveries.get("d1");
    expect(due).toMatchObject({ status: "due", dueAt: 2_000, parts: [{ messageId: "growing" }] });
    expect(due).not.toHaveProperty("text");
  });

  test("is one for one message, however often and wherever that comes", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const answers = await Promise.all(
      [temp.store, other, temp.store, other].map((store, i) =>
        store.runs.accept(newRun({ id: `run_r${i}`, delivery, reply: reply(`d${i}`) })),
      ),
    );
    expect(answers.filter((answer) => !answer.duplicate)).toHaveLength(1);
    await (await temp.restart()).runs.accept(newRun({ delivery, reply: reply("later") }));
    const [only, ...more] = await open(temp.store);
    expect(more).toEqual([]);
    expect(only?.runId).toBe(answers[0]?.run.id);
  });

  test("of an id that is known already is refused, and nothing of its run is kept", async () => {
    await using temp = await openTempStore();
    await temp.store.deliveries.add(notice("d1"));
    const twice = temp.store.runs.accept(newRun({ id: "run_a", delivery, reply: reply("d1") }));
    await expect(twice).rejects.toMatchObject({ code: "conflict" });
    expect(await temp.store.counts()).toMatchObject({ sessions: 0, messages: 0, runs: { queued: 0 } });
    const next = await temp.store.runs.accept(newRun({ id: "run_b", delivery, reply: reply("d2") }));
    expect(next.duplicate).toBe(false); // the refused one left no trace of the message either
  });

  test("stays open without its run when the session is deleted", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await store.runs.accept(newRun({ id: "run_a", reply: reply("d1") }));
    await store.runs.finish("run_a", CANCELLED, NOTHING);
    await store.sessions.delete("api:owner/s1");
    const [left] = await open(store);
    expect(left).toMatchObject({ id: "d1", status: "due" });
    expect(left).not.toHaveProperty("runId");
    expect(await store.check()).toEqual([]);
  });

  test("is found by the session for as long as its run is open", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    for (const [id, session] of [["d1", "s1"] as const, ["d2", "s2"] as const, ["d3", "s1"] as const])
      await store.runs.accept(
        newRun({ id: `run_${id}`, session: { owner: "o", id: session }, reply: reply(id) }),
      );
    expect(ids(await store.deliveries.waitingOf("o/s1"))).toEqual(["d1", "d3"]);
    await store.runs.finish("run_d1", CANCELLED, NOTHING);
    expect(ids(await store.deliveries.waitingOf("o/s1"))).toEqual(["d3"]);
    expect(await store.deliveries.waitingOf("o/none")).toEqual([]);
  });
});
