import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import type { Delivery, NewMessage, NewRun } from "../../src/store/records.ts";
import { commitsIn, newRun, openTempStore, userMessage } from "../support/store.ts";

const USAGE = { inputTokens: 1, outputTokens: 1 };
const DONE = {
  status: "completed",
  response: "yes",
  finishReason: "stop",
  model: "m",
  usage: USAGE,
} as const;
const CANCELLED = { status: "cancelled", usage: USAGE } as const;
const NOTHING = { messages: [], events: [] };
const SESSION = { owner: "o", id: "s" };
const KEY = "o/s";

const answer = (text: string): NewMessage => ({ role: "assistant", parts: [{ type: "text", text }] });
const delivery = (id: string): Delivery => ({ source: "telegram:bot", id, fingerprint: "f" });
const retry = (change: Partial<NewRun> = {}): NewRun =>
  newRun({ session: SESSION, message: userMessage("/retry"), replacesLastTurn: true, ...change });

/** One finished turn: what was asked and what was answered. */
async function turn(store: Store, id: string, asked: string, answered: string): Promise<void> {
  await store.runs.accept(
    newRun({ id, session: SESSION, message: userMessage(asked), delivery: delivery(id) }),
  );
  await store.runs.start(id, store.instance);
  await store.runs.beginToolCall(id, { id: "c", name: "t", arguments: "{}" }, [{ type: "x", data: "{}" }]);
  await store.runs.finish(id, DONE, { messages: [answer(answered)], events: [] });
}

async function texts(store: Store): Promise<string[]> {
  const { items } = await store.sessions.messages(KEY, { limit: 50 });
  return items.map(({ parts }) =>
    parts.map((part) => (part.type === "text" ? part.text : part.type)).join("|"),
  );
}
const found = async (store: Store, word: string) =>
  (await store.sessions.search(word, { limit: 9 })).items.map((hit) => hit.snippet);

describe("undo", () => {
  test("takes the last turn back with all that was said in it, turn by turn", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await turn(store, "run_1", "first question", "first answer");
    await turn(store, "run_2", "second walrus", "walrus answer");
    const before = await commitsIn(temp.path);
    expect(await store.sessions.undo(KEY, delivery("u1"))).toBe("second walrus");
    expect((await commitsIn(temp.path)) - before).toBe(1);
    expect(await texts(store)).toEqual(["first question", "first answer"]);
    expect(await store.runs.get("run_2")).toBeNull();
    expect(await store.runs.events("run_2", 0, 9)).toEqual([]);
    expect(await store.sessions.get(KEY)).toMatchObject({ messageCount: 2, title: "first question" });
    expect(await store.sessions.undo(KEY, delivery("u2"))).toBe("first question");
    expect(await store.sessions.undo(KEY, delivery("u3"))).toBeNull();
    expect(await store.sessions.undo("o/none", delivery("u4"))).toBeNull();
    expect(await store.sessions.get(KEY)).toMatchObject({ messageCount: 0 });
    expect(await store.check()).toEqual([]);
  });

  test("leaves no word of it in the search, whatever is written in its place", async () => {
    await using temp = await openTempStore();
    await turn(temp.store, "run_1", "walrus question", "walrus answer");
    await temp.store.sessions.undo(KEY, delivery("u1"));
    expect(await found(temp.store, "walrus")).toEqual([]);
    await turn(temp.store, "run_2", "other question", "other answer"); // perhaps under the same row ids
    expect(await found(temp.store, "walrus")).toEqual([]);
    expect(await found(temp.store, "other")).toHaveLength(2);
  });

  test("that comes again takes nothing more and gives the same text, here, elsewhere and after a restart", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    await turn(temp.store, "run_1", "first question", "first answer");
    await turn(temp.store, "run_2", "second question", "second answer");
    const again = await Promise.all(
      [temp.store, other, temp.store, other].map((store) => store.sessions.undo(KEY, delivery("u1"))),
    );
    expect(new Set(again)).toEqual(new Set(["second question"]));
    const store = await temp.restart();
    expect(await store.sessions.undo(KEY, delivery("u1"))).toBe("second question");
    expect(await texts(store)).toEqual(["first question", "first answer"]);
    await expect(store.sessions.undo(KEY, { ...delivery("u1"), fingerprint: "g" })).rejects.toMatchObject({
      code: "idempotency_mismatch",
    });
  });

  test("of nothing stays of nothing, also when there is a turn by then", async () => {
    await using temp = await openTempStore();
    expect(await temp.store.sessions.undo(KEY, delivery("u1"))).toBeNull();
    await turn(temp.store, "run_1", "question", "answer");
    expect(await temp.store.sessions.undo(KEY, delivery("u1"))).toBeNull();
    expect(await texts(temp.store)).toHaveLength(2);
  });

  test("by two at once takes two turns", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    for (const i of [1, 2, 3]) await turn(temp.store, `run_${i}`, `question ${i}`, "answer");
    const taken = await Promise.all([
      temp.store.sessions.undo(KEY, delivery("u1")),
      other.sessions.undo(KEY, delivery("u2")),
    ]);
    expect(taken.toSorted()).toEqual(["question 2", "question 3"]);
    expect(await texts(temp.store)).toEqual(["question 1", "answer"]);
  });

  test("is refused while a run is open, and can be asked again afterwards", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await turn(store, "run_1", "question", "answer");
    await store.runs.accept(newRun({ id: "run_2", session: SESSION, message: userMessage("still open") }));
    await expect(store.sessions.undo(KEY, delivery("u1"))).rejects.toMatchObject({ code: "conflict" });
    expect(await texts(store)).toEqual(["question", "answer", "still open"]);
    await store.runs.finish("run_2", CANCELLED, NOTHING);
    expect(await store.sessions.undo(KEY, delivery("u1"))).toBe("still open");
  });

  test("keeps a summary of what was before, and drops one that tells of the turn", async () => {
    await using temp = await openTempStore();
    const { sessions } = temp.store;
    await turn(temp.store, "run_1", "question 1", "answer 1");
    await turn(temp.store, "run_2", "question 2", "answer 2");
    const [, before] = (await sessions.messages(KEY, { limit: 9 })).items.map((message) => message.id);
    const summary = { text: "they talked", throughId: before ?? 0 };
    await sessions.saveSummary(KEY, summary);
    await sessions.undo(KEY, delivery("u1"));
    expect(await sessions.summary(KEY)).toEqual(summary);
    await sessions.undo(KEY, delivery("u2"));
    expect(await sessions.summary(KEY)).toBeNull();
  });

  test("takes the sub-tasks of the turn with it, and leaves those of earlier turns", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    const below = (id: string, parentRunId: string) =>
      store.runs.accept(
        newRun({ id, session: { owner: "o", id, parentRunId }, message: userMessage(`walrus ${id}`) }),
      );
    await turn(store, "run_1", "question 1", "answer 1");
    await turn(store, "run_2", "question 2", "answer 2");
    for (const [id, parent] of [
      ["keep", "run_1"] as const,
      ["gone", "run_2"] as const,
      ["deep", "gone"] as const,
    ])
      await below(id, parent);
    await expect(store.sessions.undo(KEY, delivery("u1"))).rejects.toMatchObject({ code: "conflict" });
    for (const id of ["keep", "gone", "deep"]) await store.runs.finish(id, CANCELLED, NOTHING);
    expect(await store.sessions.undo(KEY, delivery("u1"))).toBe("question 2");
    expect((await store.runs.list({ limit: 9 })).items.map((run) => run.id)).toEqual(["keep", "run_1"]);
    await below("new", "run_1");
    await below("newer", "run_1");
    for (const [id, hits] of [
      ["keep", 1],
      ["gone", 0],
      ["deep", 0],
    ] as const)
      expect(
        (await store.sessions.search(`walrus ${id}`, { limit: 9, sessionKey: `o/${id}` })).items,
      ).toHaveLength(hits);
    const fresh = await store.sessions.search("gone deep", { limit: 9, sessionKey: "o/new" });
    expect(fresh.items).toEqual([]); // no words of rows that are gone
    expect(await store.check()).toEqual([]);
  });

  test("takes back what a running turn took in as part of that turn", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await turn(store, "run_1", "before", "answer before");
    await store.runs.accept(newRun({ id: "run_2", session: SESSION, message: userMessage("do it") }));
    await store.runs.start("run_2", store.instance);
    for (const [id, text] of [["run_3", "but gently"] as const, ["run_4", "and soon"] as const])
      await store.runs.accept(
        newRun({ id, session: SESSION, message: userMessage(text), joinsRunning: true }),
      );
    await store.runs.absorb("run_2", [], () => []);
    await store.runs.finish("run_2", DONE, { messages: [answer("done")], events: [] });
    expect(await store.sessions.undo(KEY, delivery("u1"))).toBe("do it\nbut gently\nand soon");
    expect(await texts(store)).toEqual(["before", "answer before"]);
    expect((await store.runs.list({ limit: 9 })).items.map((run) => run.id)).toEqual(["run_1"]);
    expect((await store.sessions.get(KEY))?.messageCount).toBe(2);
    for (const i of [5, 6]) await turn(store, `run_${i}`, "question", "answer"); // perhaps under the same row ids
    expect(await found(store, "gently")).toEqual([]);
  });

  test("leaves an answer that was still to be sent without its run", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    const target = { platform: "telegram", account: "", chat: "1" };
    await store.runs.accept(
      newRun({ id: "run_1", session: SESSION, reply: { id: "d1", kind: "answer", target } }),
    );
    await store.runs.finish("run_1", CANCELLED, NOTHING);
    await store.sessions.undo(KEY, delivery("u1"));
    const [left] = await store.deliveries.open("telegram", "", 0, 9);
    expect(left).toMatchObject({ id: "d1", status: "due" });
    expect(left).not.toHaveProperty("runId");
  });

  test("makes no new turn of a message that comes again after it", async () => {
    await using temp = await openTempStore();
    await turn(temp.store, "run_1", "question", "answer");
    await temp.store.sessions.undo(KEY, delivery("u1"));
    const again = temp.store.runs.accept(newRun({ session: SESSION, delivery: delivery("run_1") }));
    await expect(again).rejects.toMatchObject({ code: "conflict" });
    expect(await texts(temp.store)).toEqual([]);
  });
});

describe("a run that replaces the last turn", () => {
  test("takes its message over, with every part, and stands in its place", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await turn(store, "run_1", "first question", "first answer");
    const image = { type: "image", mediaType: "image/png", data: "AAAA" } as const;
    const asked: NewMessage = { role: "user", parts: [{ type: "text", text: "what is this?" }, image] };
    await store.runs.accept(newRun({ id: "run_2", session: SESSION, message: asked }));
    await store.runs.start("run_2", store.instance);
    await store.runs.finish("run_2", DONE, { messages: [answer("a walrus")], events: [] });
    const before = await commitsIn(temp.path);
    const { run } = await store.runs.accept(retry({ id: "run_3" }));
    expect((await commitsIn(temp.path)) - before).toBe(1);
    expect(run).toMatchObject({ id: "run_3", status: "queued" });
    expect(await texts(store)).toEqual(["first question", "first answer", "what is this?|image"]);
    expect((await store.runs.journal("run_3")).messages).toMatchObject([asked]);
    expect(await store.runs.get("run_2")).toBeNull();
    expect((await store.sessions.get(KEY))?.messageCount).toBe(3);
    expect(await found(store, "walrus")).toEqual([]);
    expect(await found(store, "what")).toHaveLength(1);
    expect(await store.runs.start("run_3", store.instance)).toBe("started");
    expect(await store.check()).toEqual([]);
  });

  test("is one for one delivery, and removes nothing more when that comes again", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    await turn(temp.store, "run_1", "first question", "first answer");
    await turn(temp.store, "run_2", "second question", "second answer");
    const answers = await Promise.all(
      [temp.store, other, temp.store].map((store, i) =>
        store.runs.accept(retry({ id: `run_r${i}`, delivery: delivery("r") })),
      ),
    );
    expect(answers.filter((one) => !one.duplicate)).toHaveLength(1);
    const id = answers[0]?.run.id ?? "";
    await temp.store.runs.finish(id, CANCELLED, NOTHING);
    const later = await (await temp.restart()).runs.accept(retry({ delivery: delivery("r") }));
    expect(later).toMatchObject({ duplicate: true, run: { id } });
    expect(await texts(temp.store)).toEqual(["first question", "first answer", "second question"]);
  });

  test("is refused when there is none, and makes no session", async () => {
    await using temp = await openTempStore();
    await expect(temp.store.runs.accept(retry({ delivery: delivery("r") }))).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await temp.store.counts()).toMatchObject({ sessions: 0, runs: { queued: 0 } });
    await turn(temp.store, "run_1", "question", "answer");
    expect((await temp.store.runs.accept(retry({ delivery: delivery("r") }))).duplicate).toBe(false);
  });

  test("is refused while a run is open, also one that comes at the same time", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    await turn(temp.store, "run_1", "question", "answer");
    const both = await Promise.allSettled([temp.store.runs.accept(retry()), other.runs.accept(retry())]);
    expect(both.map((one) => one.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(both.find((one) => one.status === "rejected")).toMatchObject({ reason: { code: "conflict" } });
    expect(await texts(temp.store)).toEqual(["question"]);
  });

  test("that cannot be taken on leaves the last turn as it was", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await turn(store, "run_1", "walrus question", "walrus answer");
    const reply = {
      id: "d1",
      kind: "answer",
      target: { platform: "telegram", account: "", chat: "1" },
    } as const;
    await store.deliveries.add({ ...reply, kind: "notice", text: "taken" });
    await expect(store.runs.accept(retry({ id: "run_2", reply }))).rejects.toMatchObject({
      code: "conflict",
    });
    expect(await texts(store)).toEqual(["walrus question", "walrus answer"]);
    expect(await found(store, "walrus")).toHaveLength(2);
    expect(await store.runs.get("run_1")).toMatchObject(DONE);
    expect(await store.runs.get("run_2")).toBeNull();
  });
});
