import { describe, expect, test } from "bun:test";
import { AppError } from "../../src/lib/errors.ts";
import type { Store } from "../../src/store/contract.ts";
import type { Delivery, NewRun } from "../../src/store/records.ts";
import { newRun, openTempStore, userMessage } from "../support/store.ts";

const USAGE = { inputTokens: 3, outputTokens: 5 };
const DONE = {
  status: "completed",
  response: "yes",
  finishReason: "stop",
  model: "m",
  usage: USAGE,
} as const;
const NOTHING = { messages: [], events: [] };

async function accept(store: Store, change: Partial<NewRun> = {}): Promise<string> {
  return (await store.runs.accept(newRun(change))).run.id;
}

describe("accept", () => {
  test("stores the run, its session and its message", async () => {
    await using temp = await openTempStore({ clock: () => 1_000 });
    const { store } = temp;
    const { run, duplicate } = await store.runs.accept(
      newRun({ id: "run_a", request: { model: "x" }, message: userMessage("\n first line\nsecond") }),
    );
    expect(duplicate).toBe(false);
    expect(await store.runs.get("run_a")).toEqual(run);
    expect(run).toMatchObject({ status: "queued", attempts: 0, createdAt: 1_000, request: { model: "x" } });
    expect(await store.sessions.get("api:owner/s1")).toEqual({
      key: "api:owner/s1",
      owner: "api:owner",
      id: "s1",
      title: "first line",
      createdAt: 1_000,
      updatedAt: 1_000,
      messageCount: 1,
    });
    expect((await store.runs.journal("run_a")).messages).toMatchObject([
      { role: "user", runId: "run_a", sessionKey: "api:owner/s1" },
    ]);
  });

  test("a session id with a slash cannot reach into another owner's sessions", async () => {
    await using temp = await openTempStore();
    for (const id of ["b/c", ""])
      await expect(temp.store.runs.accept(newRun({ session: { owner: "a", id } }))).rejects.toMatchObject({
        code: "invalid_request",
      });
    expect((await temp.store.counts()).sessions).toBe(0);
  });

  const delivery: Delivery = { source: "api:owner", id: "d1", fingerprint: "f1" };

  test("the same delivery is one run, also when it comes at once and after a restart", async () => {
    await using temp = await openTempStore();
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map(() => temp.store.runs.accept(newRun({ delivery }))),
    );
    expect(answers.filter((answer) => !answer.duplicate)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.run.id)).size).toBe(1);
    const later = await (await temp.restart()).runs.accept(newRun({ delivery }));
    expect(later).toMatchObject({ duplicate: true, run: { id: answers[0]?.run.id } });
    expect((await temp.store.counts()).messages).toBe(1);
  });

  test("another request under a known delivery id is refused; another source is another delivery", async () => {
    await using temp = await openTempStore();
    await accept(temp.store, { delivery });
    await expect(accept(temp.store, { delivery: { ...delivery, fingerprint: "f2" } })).rejects.toMatchObject({
      code: "idempotency_mismatch",
    });
    await accept(temp.store, { delivery: { ...delivery, source: "api:other", fingerprint: "f2" } });
    expect((await temp.store.counts()).runs.queued).toBe(2);
  });

  test("a delivery stays known when its session was deleted", async () => {
    await using temp = await openTempStore();
    const id = await accept(temp.store, { delivery });
    await temp.store.runs.finish(id, { status: "cancelled", usage: USAGE }, NOTHING);
    expect(await temp.store.sessions.delete("api:owner/s1")).toBe(true);
    await expect(accept(temp.store, { delivery })).rejects.toMatchObject({ code: "conflict" });
  });
});

describe("start", () => {
  test("takes the runs of a session in the order of acceptance, one at a time", async () => {
    await using temp = await openTempStore();
    const { runs, instance } = temp.store;
    const [first, second] = [await accept(temp.store), await accept(temp.store)];
    const elsewhere = await accept(temp.store, { session: { owner: "api:owner", id: "s2" } });
    expect(await runs.start(second, instance)).toBe("busy");
    expect(await runs.start(first, instance)).toBe("started");
    expect(await runs.start(first, instance)).toBe("ended");
    expect(await runs.start(second, instance)).toBe("busy");
    expect(await runs.start(elsewhere, instance)).toBe("started");
    await runs.finish(first, DONE, NOTHING);
    expect(await runs.start(second, instance)).toBe("started");
    expect(await runs.start("run_unknown", instance)).toBe("ended");
    expect(await runs.get(second)).toMatchObject({ status: "running", attempts: 1, instance });
  });

  test("two processes that try at once never both start a run", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    for (let round = 0; round < 20; round++) {
      const id = await accept(temp.store, { session: { owner: "o", id: `r${round}` } });
      const answers = await Promise.all(
        [temp.store, other, temp.store, other].map((store) => store.runs.start(id, store.instance)),
      );
      expect(answers.filter((answer) => answer === "started")).toHaveLength(1);
    }
  });
});

describe("a turn", () => {
  test("is a journal of messages, tool calls and gapless events", async () => {
    await using temp = await openTempStore();
    const { runs, instance } = temp.store;
    const id = await accept(temp.store);
    await runs.start(id, instance);
    const call = { id: "c1", name: "memory_read", arguments: '{"key":' };
    const events = [
      await runs.appendEvents(id, [{ type: "run.started", data: "{}" }]),
      await runs.recordStep(id, {
        messages: [
          { role: "assistant", parts: [], toolCalls: [call], reasoning: "hm", providerData: { x: [1] } },
        ],
        events: [
          { type: "message.delta", data: '{"delta":"a"}' },
          { type: "message.delta", data: '{"delta":"今"}' },
        ],
      }),
      await runs.beginToolCall(id, call, [{ type: "tool.started", data: "{}" }]),
    ].flat();
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4]);
    expect((await runs.journal(id)).toolCalls).toEqual([{ call, finished: false }]);

    const again = await temp.restart();
    expect((await again.runs.journal(id)).toolCalls).toEqual([{ call, finished: false }]);
    await again.runs.takeOver(again.instance);
    expect(await again.runs.start(id, again.instance)).toBe("started");
    await again.runs.endToolCall(
      id,
      { role: "tool", parts: [{ type: "text", text: "42" }], toolCallId: "c1", toolName: "memory_read" },
      [{ type: "tool.completed", data: "{}" }],
    );
    const ended = await again.runs.finish(id, DONE, {
      messages: [{ role: "assistant", parts: [{ type: "text", text: "yes" }], usage: USAGE, model: "m" }],
      events: [{ type: "run.completed", data: '{"response":"yes"}' }],
    });
    expect(ended).toEqual([{ seq: 6, type: "run.completed", data: '{"response":"yes"}' }]);

    const journal = await again.runs.journal(id);
    expect(journal.toolCalls).toEqual([{ call, finished: true }]);
    expect(journal.messages.map((message) => message.role)).toEqual([
      "user",
      "assistant",
      "tool",
      "assistant",
    ]);
    expect(journal.messages[1]).toMatchObject({
      toolCalls: [call],
      reasoning: "hm",
      providerData: { x: [1] },
    });
    expect((await again.sessions.get("api:owner/s1"))?.messageCount).toBe(4);
    expect(await again.runs.get(id)).toMatchObject({ ...DONE, instance: null, error: null });
    expect(await again.runs.events(id, 0, 3)).toHaveLength(3);
    expect((await again.runs.events(id, 3, 100)).map((event) => event.seq)).toEqual([4, 5, 6]);
    expect((await again.runs.events(id, 1, 1))[0]).toEqual({
      seq: 2,
      type: "message.delta",
      data: '{"delta":"a"}',
    });
  });

  test("takes nothing more once it has ended", async () => {
    await using temp = await openTempStore();
    const { runs, instance } = temp.store;
    const id = await accept(temp.store);
    await runs.start(id, instance);
    const error = { code: "model_timeout", message: "too slow", hint: "wait" };
    await runs.finish(id, { status: "failed", error, usage: USAGE }, NOTHING);
    expect(await runs.get(id)).toMatchObject({ status: "failed", error, usage: USAGE, response: null });
    for (const late of [
      () => runs.finish(id, DONE, NOTHING),
      () => runs.appendEvents(id, [{ type: "x", data: "{}" }]),
      () => runs.recordStep(id, { messages: [userMessage("late")], events: [] }),
    ])
      await expect(late()).rejects.toMatchObject({ code: "conflict" });
    await expect(runs.appendEvents("run_none", [])).rejects.toMatchObject({ code: "not_found" });
    expect(await runs.get(id)).toMatchObject({ status: "failed" });
  });

  test("a cancel is seen by every process, until the run has ended", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const [first, second] = [await accept(temp.store), await accept(temp.store)];
    expect(await other.runs.requestCancel(first)).toEqual([first]);
    expect(await temp.store.runs.cancelRequests([first, second])).toEqual([first]);
    expect(await temp.store.runs.cancelRequests([])).toEqual([]);
    await temp.store.runs.finish(first, { status: "cancelled", usage: USAGE }, NOTHING);
    expect(await other.runs.requestCancel(first)).toEqual([]);
    expect(await other.runs.requestCancel("run_none")).toEqual([]);
  });

  test("parking puts back this instance's runs, which keep their place in the session", async () => {
    await using temp = await openTempStore();
    const { runs, instance } = temp.store;
    const other = await temp.another();
    const [first, second] = [await accept(temp.store), await accept(temp.store)];
    const theirs = await accept(temp.store, { session: { owner: "o", id: "theirs" } });
    await runs.start(first, instance);
    await runs.start(theirs, other.instance);
    await runs.park(instance);
    expect(await runs.get(first)).toMatchObject({ status: "queued", instance: null, attempts: 1 });
    expect(await runs.get(theirs)).toMatchObject({ status: "running" });
    expect(await runs.start(second, instance)).toBe("busy");
    expect(await runs.start(first, instance)).toBe("started");
    expect(await runs.get(first)).toMatchObject({ attempts: 2 });
  });

  test("the events of a first start are stored with it, and with no later one", async () => {
    await using temp = await openTempStore();
    const { runs, instance } = temp.store;
    const [first, second] = [await accept(temp.store), await accept(temp.store)];
    const opening = [{ type: "run.started", data: "{}" }];
    expect(await runs.start(second, instance, opening)).toBe("busy");
    expect(await runs.start(first, instance, opening)).toBe("started");
    await runs.park(instance);
    expect(await runs.start(first, instance, opening)).toBe("started");
    expect(await runs.events(first, 0, 10)).toEqual([{ seq: 1, type: "run.started", data: "{}" }]);
    expect(await runs.events(second, 0, 10)).toEqual([]);
  });
});

describe("list", () => {
  test("pages through the runs of an owner or of a state, newest first", async () => {
    await using temp = await openTempStore();
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) {
      ids.push(await accept(temp.store, { session: { owner: "a", id: `s${i}` } }));
      await accept(temp.store, { session: { owner: "b", id: `s${i}` } });
    }
    await temp.store.runs.start(ids[2] as string, temp.store.instance);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await temp.store.runs.list({ owner: "a", limit: 3, ...(cursor ? { cursor } : {}) });
      seen.push(...page.items.map((run) => run.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(seen).toEqual(ids.toReversed());
    expect((await temp.store.runs.list({ limit: 9, status: "running" })).items).toMatchObject([
      { id: ids[2] },
    ]);
    const bad = temp.store.runs.list({ limit: 3, cursor: "bm90IG9uZQ" });
    await expect(bad).rejects.toBeInstanceOf(AppError);
    await expect(bad).rejects.toMatchObject({ code: "invalid_request" });
  });
});
