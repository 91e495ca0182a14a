import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import type { NewMessage, NewOutboundDelivery, NewRun, Part } from "../../src/store/records.ts";
import { commitsIn, newRun, openTempStore, userMessage } from "../support/store.ts";

const CANCELLED = { status: "cancelled", usage: { inputTokens: 0, outputTokens: 0 } } as const;
const NOTHING = { messages: [], events: [] };
const KEY = "api:owner/s1";

const said: NewMessage = { role: "assistant", parts: [{ type: "text", text: "on it" }] };
const reply = (id: string): NewOutboundDelivery => ({
  id,
  kind: "answer",
  target: { platform: "telegram", account: "", chat: "1" },
});
const textOf = (parts: Part[]) =>
  parts.map((part) => (part.type === "text" ? part.text : part.type)).join("|");
const textsOf = (messages: { parts: Part[] }[]) => messages.map((message) => textOf(message.parts));
/** An event for each message, and one more in any case. */
const eventsFor = (absorbed: NewMessage[]) =>
  [...textsOf(absorbed), "end"].map((text) => ({ type: "steered", data: JSON.stringify(text) }));

/** A run of the session that is running here. */
async function running(store: Store): Promise<void> {
  await store.runs.accept(newRun({ id: "run_main", message: userMessage("do it"), reply: reply("d_main") }));
  await store.runs.start("run_main", store.instance, [{ type: "run.started", data: "{}" }]);
}
const join = (store: Store, id: string, text: string, change: Partial<NewRun> = {}) =>
  store.runs.accept(
    newRun({ id, message: userMessage(text), joinsRunning: true, reply: reply(`d_${id}`), ...change }),
  );

describe("absorb", () => {
  test("moves what was said meanwhile to the end of the running run, in one transaction", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time });
    const { store } = temp;
    await running(store);
    await join(store, "run_a", "walrus first");
    await join(store, "run_b", "then this");
    time = 2_000;
    const before = await commitsIn(temp.path);
    const absorbed = await store.runs.absorb("run_main", [said], eventsFor);
    expect((await commitsIn(temp.path)) - before).toBe(1);
    expect(absorbed).toEqual({
      runIds: ["run_a", "run_b"],
      messages: [userMessage("walrus first"), userMessage("then this")],
      events: [
        { seq: 2, type: "steered", data: '"walrus first"' },
        { seq: 3, type: "steered", data: '"then this"' },
        { seq: 4, type: "steered", data: '"end"' },
      ],
    });

    const again = await temp.restart();
    const { messages } = await again.runs.journal("run_main");
    expect(textsOf(messages)).toEqual(["do it", "on it", "walrus first", "then this"]);
    expect(textsOf((await again.sessions.messages(KEY, { limit: 9 })).items)).toEqual(textsOf(messages));
    expect(await again.runs.events("run_main", 1, 9)).toEqual(absorbed.events);
    expect((await again.sessions.get(KEY))?.messageCount).toBe(4);
    for (const id of absorbed.runIds) {
      expect(await again.runs.get(id)).toMatchObject({
        status: "completed",
        finishReason: "steered",
        response: null,
        attempts: 0,
        finishedAt: 2_000,
      });
      expect((await again.runs.journal(id)).messages).toEqual([]);
      expect(await again.deliveries.get(`d_${id}`)).toMatchObject({
        status: "sent",
        parts: [],
        finishedAt: 2_000,
      });
    }
    expect(await again.deliveries.get("d_main")).toMatchObject({ status: "waiting" });
    const hits = (await again.sessions.search("walrus", { limit: 9 })).items;
    expect(hits.map((hit) => hit.message.runId)).toEqual(["run_main"]);
    expect(await again.check()).toEqual([]);
  });

  test("without anybody to join keeps the events alone", async () => {
    await using temp = await openTempStore();
    await running(temp.store);
    await join(temp.store, "run_other", "elsewhere", { session: { owner: "api:owner", id: "s2" } });
    expect(await temp.store.runs.absorb("run_main", [said], eventsFor)).toEqual({
      runIds: [],
      messages: [],
      events: [{ seq: 2, type: "steered", data: '"end"' }],
    });
    expect(textsOf((await temp.store.runs.journal("run_main")).messages)).toEqual(["do it"]);
    expect(await temp.store.runs.get("run_other")).toMatchObject({ status: "queued" });
  });

  test("takes those that come next, up to the first one that does not join", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await running(store);
    await join(store, "run_a", "a");
    await store.runs.accept(newRun({ id: "run_own", message: userMessage("a turn of its own") }));
    await join(store, "run_b", "b");
    const taken = async () => (await store.runs.absorb("run_main", [], () => [])).runIds;
    expect(await taken()).toEqual(["run_a"]);
    expect(await taken()).toEqual([]);
    expect((await store.runs.openOf(KEY)).map((run) => run.id)).toEqual(["run_main", "run_own", "run_b"]);
    await store.runs.finish("run_main", CANCELLED, NOTHING);
    expect(await store.runs.start("run_b", store.instance)).toBe("busy");
    expect(await store.runs.start("run_own", store.instance)).toBe("started");
    expect((await store.runs.absorb("run_own", [], () => [])).runIds).toEqual(["run_b"]);
  });

  test("is a turn like any other for a run that finds none running", async () => {
    await using temp = await openTempStore();
    await join(temp.store, "run_a", "hello");
    expect(await temp.store.runs.start("run_a", temp.store.instance)).toBe("started");
    expect(await temp.store.deliveries.get("d_run_a")).toMatchObject({ status: "waiting" });
  });

  test("is for the process that runs the run, and only while it does", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    const other = await temp.another();
    await running(store);
    await join(store, "run_a", "a");
    const refused = async (by: Store, code: string, id = "run_main") =>
      expect(by.runs.absorb(id, [said], eventsFor)).rejects.toMatchObject({ code });
    await refused(other, "conflict");
    await refused(store, "not_found", "run_none");
    await store.runs.park(store.instance);
    await refused(store, "conflict");
    await store.runs.start("run_main", store.instance);
    await store.runs.finish("run_main", CANCELLED, NOTHING);
    await refused(store, "conflict");
    expect(await store.runs.get("run_a")).toMatchObject({ status: "queued" });
    expect(textsOf((await store.runs.journal("run_a")).messages)).toEqual(["a"]);
  });

  test("never takes a run that starts, and no run that was taken ever starts", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    const other = await temp.another();
    let absorbedRuns = 0;
    for (let round = 0; round < 30; round++) {
      const session = { owner: "o", id: `s${round}` };
      const [main, joining] = [`main_${round}`, `join_${round}`];
      await store.runs.accept(newRun({ id: main, session }));
      await store.runs.start(main, store.instance);
      const accepted = other.runs.accept(newRun({ id: joining, session, joinsRunning: true }));
      if (round % 2 === 0) await accepted;
      const [absorbed] = await Promise.all([
        store.runs.absorb(main, [], () => []),
        store.runs.finish(main, CANCELLED, NOTHING),
        other.runs.start(joining, other.instance),
        accepted,
      ]);
      const started = await other.runs.start(joining, other.instance);
      const wasAbsorbed = absorbed.runIds.length > 0;
      const run = await store.runs.get(joining);
      expect(run?.status).toBe(wasAbsorbed ? "completed" : "running");
      if (wasAbsorbed) expect([started, run?.attempts]).toEqual(["ended", 0]);
      const { messages } = await store.runs.journal(wasAbsorbed ? main : joining);
      expect(messages).toHaveLength(wasAbsorbed ? 2 : 1);
      absorbedRuns += wasAbsorbed ? 1 : 0;
    }
    expect(absorbedRuns).toBeGreaterThanOrEqual(15); // all that were there before
  });

  test("keeps a message that was taken known, so that it makes no second turn", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    const delivery = { source: "telegram:bot", id: "7", fingerprint: "f" };
    await running(store);
    await join(store, "run_a", "a", { delivery });
    await store.runs.absorb("run_main", [], () => []);
    expect(await join(store, "run_again", "a", { delivery })).toMatchObject({
      duplicate: true,
      run: { id: "run_a", finishReason: "steered" },
    });
    expect((await store.sessions.get(KEY))?.messageCount).toBe(2);
  });
});

describe("openOf", () => {
  test("tells the runs of a session that have not ended, oldest first", async () => {
    await using temp = await openTempStore();
    const { runs, instance } = temp.store;
    for (const id of ["run_1", "run_2", "run_3"]) await runs.accept(newRun({ id }));
    await runs.accept(newRun({ id: "run_other", session: { owner: "api:owner", id: "s2" } }));
    await runs.finish("run_1", CANCELLED, NOTHING);
    await runs.start("run_2", instance);
    expect((await runs.openOf(KEY)).map((run) => [run.id, run.status])).toEqual([
      ["run_2", "running"],
      ["run_3", "queued"],
    ]);
    expect(await runs.openOf("api:owner/none")).toEqual([]);
  });
});
