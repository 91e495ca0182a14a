import { describe, expect, test } from "bun:test";
import { AppError } from "../../src/lib/errors.ts";
import type { NewRun, RunEventRecord } from "../../src/store/records.ts";
import { after, hangs, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { liveConfig, OWNER, openTestAgent, type TestAgent } from "../support/agent.ts";
import { openTempStore, quietLog } from "../support/store.ts";

const never = new AbortController().signal;

/** Resolves once the run streams its first text. */
async function streaming(t: TestAgent, runId: string): Promise<void> {
  for await (const batch of t.agent.events(runId, 0, never))
    if (batch.some((event) => event.type === "message.delta")) return;
}

/** Answers with the text of the last message, and notes when it begins and ends. */
function noted(log: string[], gate: (text: string) => Promise<unknown> = async () => {}): Script {
  return async function* (request, signal) {
    const last = request.messages.at(-1);
    const text = last?.role === "user" && last.parts[0]?.type === "text" ? last.parts[0].text : "";
    log.push(`+${text}`);
    await gate(text);
    log.push(`-${text}`);
    yield* says(text)(request, signal);
  };
}

describe("order", () => {
  test("turns of one session run one by one, in the order of acceptance", async () => {
    const log: string[] = [];
    await using t = await openTestAgent({ models: scriptedModels([noted(log)]) });
    const runs = await Promise.all(["a", "b", "c", "d"].map((text) => t.accept(text)));
    await Promise.all(runs.map((run) => t.finished(run.id)));
    expect(log).toEqual(["+a", "-a", "+b", "-b", "+c", "-c", "+d", "-d"]);
  });

  test("a queued message does not leak into the turn before it, and follows it in the next", async () => {
    const gate = Promise.withResolvers<void>();
    const models = scriptedModels([after(gate.promise, says("one")), says("two")]);
    await using t = await openTestAgent({ models });
    const first = await t.accept("first");
    const second = await t.accept("second");
    gate.resolve();
    await t.finished(first.id);
    await t.finished(second.id);
    expect(JSON.stringify(models.requests[0])).not.toContain("second");
    expect(models.requests[1]?.messages.slice(1).map((message) => message.role)).toEqual([
      "user",
      "assistant",
      "user",
    ]);
  });

  test("different sessions run side by side, up to the limit", async () => {
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const log: string[] = [];
    const models = scriptedModels([
      noted(log, () => {
        if (log.length === 2) started.resolve();
        return gate.promise;
      }),
    ]);
    await using t = await openTestAgent({ models, agent: { max_concurrent_turns: 2 } });
    const runs = await Promise.all(["a", "b", "c"].map((text) => t.accept(text, { sessionId: text })));
    await started.promise;
    expect(log).toEqual(["+a", "+b"]);
    expect(t.agent.stats()).toEqual({ running: 2, queued: 1 });
    gate.resolve();
    await Promise.all(runs.map((run) => t.finished(run.id)));
    expect(log).toContain("-c");
    expect(t.agent.stats()).toEqual({ running: 0, queued: 0 });
  });

  test("a higher limit counts at once", async () => {
    const gate = Promise.withResolvers<void>();
    const both = Promise.withResolvers<void>();
    const log: string[] = [];
    const config = liveConfig({ agent: { max_concurrent_turns: 1 } });
    const models = scriptedModels([
      noted(log, () => {
        if (log.length === 2) both.resolve();
        return gate.promise;
      }),
    ]);
    await using t = await openTestAgent({ models, config });
    const runs = await Promise.all(["a", "b"].map((text) => t.accept(text, { sessionId: text })));
    config.change((current) => {
      current.agent.max_concurrent_turns = 2;
    });
    await both.promise;
    gate.resolve();
    await Promise.all(runs.map((run) => t.finished(run.id)));
  });

  test("two agents on one file keep the order of a session", async () => {
    await using temp = await openTempStore();
    const log: string[] = [];
    const models = scriptedModels([noted(log, () => Bun.sleep(1))]);
    await using one = await openTestAgent({ models, store: temp.store });
    await using two = await openTestAgent({ models, store: await temp.another() });
    const runs = [];
    for (const [index, text] of [..."abcdef"].entries())
      runs.push(await (index % 2 ? one : two).accept(text));
    for (const run of runs) expect((await one.finished(run.id)).status).toBe("completed");
    expect(log).toEqual([..."abcdef"].flatMap((text) => [`+${text}`, `-${text}`]));
  });
});

describe("accept", () => {
  test("refuses before anything is stored", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("x")]) });
    const many = Array.from({ length: 9 }, (_, i) => `https://a.example/${i}`);
    const refusals = [
      [{ model: "no/such" }, "unknown_model"],
      [{ caller: { ...OWNER, tools: ["memry"] } }, "unknown_tool"],
      [{ sessionId: "a/b" }, "invalid_request"],
      [{ sessionId: "" }, "invalid_request"],
      [{ attachments: many }, "attachment_refused"],
    ] as const;
    for (const [change, code] of refusals)
      await expect(t.accept("x", change as object)).rejects.toMatchObject({ code });
    expect((await t.store.counts()).sessions).toBe(0);
  });

  test("takes only so many on", async () => {
    const gate = Promise.withResolvers<void>();
    const models = scriptedModels([after(gate.promise, says("x"))]);
    await using t = await openTestAgent({ models, agent: { max_queued_turns: 2, max_concurrent_turns: 1 } });
    const settled = await Promise.allSettled(Array.from({ length: 6 }, (_, i) => t.accept(`${i}`)));
    const refused = settled.filter((one) => one.status === "rejected");
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(refused[0]?.reason).toMatchObject({
      code: "overloaded",
      status: 503,
      retryAfterMs: expect.any(Number),
    });
    gate.resolve();
    for (const one of settled) if (one.status === "fulfilled") await t.finished(one.value.id);
    expect((await t.ask("again")).status).toBe("completed");
  });

  test("a known delivery is the first one's run, and makes no second turn", async () => {
    const models = scriptedModels([says("x")]);
    await using t = await openTestAgent({ models });
    const delivery = { source: "api:owner", id: "key", fingerprint: "f" };
    const first = await t.ask("hi", { delivery });
    const again = await t.agent.accept({ kind: "chat", caller: OWNER, text: "hi", delivery });
    expect(again).toMatchObject({ duplicate: true, run: { id: first.id } });
    expect(models.requests).toHaveLength(1);
  });

  test("starts in the transaction that takes the message on, when nothing stands before it", async () => {
    await using t = await openTestAgent({ models: scriptedModels([hangs()]) });
    const first = await t.accept("at once");
    expect(await t.store.runs.get(first.id)).toMatchObject({ status: "running", attempts: 1 });
    expect(await t.store.runs.events(first.id, 0, 10)).toMatchObject([{ seq: 1, type: "run.started" }]);
    const second = await t.accept("behind it");
    expect(await t.store.runs.get(second.id)).toMatchObject({ status: "queued" });
  });

  test("forgets what did not get to the disk, and what was known", async () => {
    await using temp = await openTempStore();
    const lines: string[] = [];
    const { runs } = temp.store;
    let full = false;
    const refused = () => Promise.reject(new AppError("store_unavailable", "The disk is full."));
    const store = {
      ...temp.store,
      runs: {
        ...runs,
        accept: (run: NewRun) => (full ? refused() : runs.accept(run)),
        start: (...run: Parameters<typeof runs.start>) => (full ? refused() : runs.start(...run)),
      },
    };
    const models = scriptedModels([hangs()]);
    const log = quietLog(lines);
    await using t = await openTestAgent({ models, store, log, agent: { max_concurrent_turns: 2 } });
    const delivery = { source: "api:owner", id: "key", fingerprint: "f" };
    await t.accept("hi", { delivery });
    full = true;
    await expect(t.accept("lost")).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(t.accept("lost", { sessionId: "s2" })).rejects.toMatchObject({ code: "store_unavailable" });
    full = false;
    await t.accept("hi", { delivery, sessionId: "s3" });
    await t.accept("hi", { delivery });
    await new Promise((resolve) => setImmediate(resolve));
    expect(t.agent.stats()).toEqual({ running: 1, queued: 0 });
    expect(lines).toEqual([]);
  });

  test("the same session id of two callers is two sessions", async () => {
    const models = scriptedModels([says("x")]);
    await using t = await openTestAgent({ models });
    await t.ask("mine alone", { sessionId: "s" });
    await t.ask("hello", { sessionId: "s", caller: { ...OWNER, principal: "other" } });
    await t.ask("hello", { sessionId: "s", caller: { ...OWNER, door: "cli" } });
    for (const request of models.requests.slice(1))
      expect(JSON.stringify(request)).not.toContain("mine alone");
  });
});

describe("cancel", () => {
  const cancelledRun = { status: "cancelled", response: null };

  test("ends a running turn at once", async () => {
    await using t = await openTestAgent({ models: scriptedModels([hangs("text")]) });
    const { id } = await t.accept("hi");
    await streaming(t, id);
    expect(await t.agent.cancel(id)).toBe(true);
    expect(await t.finished(id)).toMatchObject(cancelledRun);
    expect((await t.events(id)).at(-1)).toMatchObject({
      type: "run.failed",
      status: "cancelled",
      error: { code: "run_cancelled" },
    });
    expect(await t.agent.cancel(id)).toBe(false);
  });

  test("ends a waiting turn without starting it, and passes the busy session", async () => {
    const models = scriptedModels([hangs("text")]);
    await using t = await openTestAgent({ models });
    const running = await t.accept("one");
    const waiting = await t.accept("two");
    await streaming(t, running.id);
    expect(await t.agent.cancel(waiting.id)).toBe(true);
    expect(await t.finished(waiting.id)).toMatchObject({ ...cancelledRun, attempts: 0 });
    expect((await t.events(waiting.id)).map((event) => event.type)).toEqual(["run.failed"]);
    expect((await t.store.runs.get(running.id))?.status).toBe("running");
    expect(models.requests).toHaveLength(1);
    await t.agent.cancel(running.id);
  });

  test("reaches a turn of another process", async () => {
    await using temp = await openTempStore();
    await using here = await openTestAgent({ models: scriptedModels([hangs("text")]), store: temp.store });
    await using there = await openTestAgent({
      models: scriptedModels([says("x")]),
      store: await temp.another(),
    });
    const { id } = await here.accept("hi");
    await streaming(here, id);
    expect(await there.agent.cancel(id)).toBe(true);
    expect(await there.finished(id)).toMatchObject(cancelledRun);
  });

  test("of what is not there is false", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("x")]) });
    expect(await t.agent.cancel("run_none")).toBe(false);
  });
});

describe("events", () => {
  test("any place to begin gives the rest, without gap or repeat, live and afterwards", async () => {
    const pieces: Script = async function* (request, signal) {
      for (let i = 0; i < 20; i++) {
        yield { type: "text", text: `${i} ` };
        await new Promise((resolve) => setImmediate(resolve));
      }
      yield* says("end")(request, signal);
    };
    await using t = await openTestAgent({ models: scriptedModels([pieces]) });
    const { id } = await t.accept("go");
    const collect = async (from: number) => {
      const all: RunEventRecord[] = [];
      for await (const batch of t.agent.events(id, from, never)) all.push(...batch);
      return all;
    };
    const live = await Promise.all([0, 1, 2, 3].map(collect));
    const whole = live[0] ?? [];
    expect(whole.map((event) => event.seq)).toEqual(whole.map((_, index) => index + 1));
    for (let from = 0; from <= whole.length; from++) {
      expect(await collect(from)).toEqual(whole.slice(from));
      if (from < live.length) expect(live[from]).toEqual(whole.slice(from));
    }
  });

  test("of another process's run come too", async () => {
    await using temp = await openTempStore();
    const gate = Promise.withResolvers<void>();
    await using here = await openTestAgent({
      models: scriptedModels([after(gate.promise, says("x"))]),
      store: temp.store,
    });
    await using there = await openTestAgent({
      models: scriptedModels([says("y")]),
      store: await temp.another(),
    });
    const { id } = await here.accept("hi");
    const seen = there.events(id);
    gate.resolve();
    expect((await seen).map((event) => event.type)).toEqual([
      "run.started",
      "message.delta",
      "run.completed",
    ]);
  });

  test("an unknown run is not found", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("x")]) });
    await expect(t.events("run_none")).rejects.toMatchObject({ code: "not_found" });
    await expect(t.finished("run_none")).rejects.toMatchObject({ code: "not_found" });
  });

  test("a listener that goes away leaves the run alone", async () => {
    const gate = Promise.withResolvers<void>();
    await using t = await openTestAgent({ models: scriptedModels([after(gate.promise, says("x"))]) });
    const { id } = await t.accept("hi");
    const away = new AbortController();
    const waits = t.agent.finished(id, away.signal);
    const listens = (async () => {
      for await (const _ of t.agent.events(id, 0, away.signal)) away.abort(new Error("away"));
    })();
    await listens;
    await expect(waits).rejects.toThrow("away");
    gate.resolve();
    expect((await t.finished(id)).status).toBe("completed");
  });
});

describe("stop and recover", () => {
  test("a turn that ends in time is finished; nothing new is taken", async () => {
    await using temp = await openTempStore();
    const gate = Promise.withResolvers<void>();
    const t = await openTestAgent({
      models: scriptedModels([after(gate.promise, says("x"))]),
      store: temp.store,
    });
    const { id } = await t.accept("hi");
    const waiting = await t.accept("two");
    const stopped = t.agent.stop(10_000);
    await expect(t.accept("late")).rejects.toMatchObject({ code: "shutting_down" });
    gate.resolve();
    await stopped;
    expect(await temp.store.runs.get(id)).toMatchObject({ status: "completed", response: "x" });
    expect(await temp.store.runs.get(waiting.id)).toMatchObject({ status: "queued", attempts: 0 });
  });

  test("the rest is parked, and the next process goes on with all of it, in order", async () => {
    await using temp = await openTempStore();
    const first = await openTestAgent({ models: scriptedModels([hangs("text")]), store: temp.store });
    const runs = [
      await first.accept("a"),
      await first.accept("b"),
      await first.accept("c", { sessionId: "s2" }),
    ];
    await streaming(first, runs[0]?.id ?? "");
    await first.agent.stop(0);
    const log: string[] = [];
    await using next = await openTestAgent({ models: scriptedModels([noted(log)]), store: temp.store });
    await next.agent.recover();
    for (const run of runs) expect((await next.finished(run.id)).status).toBe("completed");
    expect(log.filter((line) => line !== "+c" && line !== "-c")).toEqual(["+a", "-a", "+b", "-b"]);
  });

  test("recovering again starts nothing twice", async () => {
    await using temp = await openTempStore();
    const gate = Promise.withResolvers<void>();
    const models = scriptedModels([after(gate.promise, says("x"))]);
    await using t = await openTestAgent({ models, store: temp.store });
    const runs = [await t.accept("a"), await t.accept("b"), await t.accept("c", { sessionId: "s2" })];
    await t.agent.recover();
    await t.agent.recover();
    gate.resolve();
    for (const run of runs) expect((await t.finished(run.id)).attempts).toBe(1);
    expect(models.requests).toHaveLength(3);
  });

  test("an older run that is found late goes before a younger one that waits", async () => {
    await using temp = await openTempStore();
    const gone = await openTestAgent({ models: scriptedModels([hangs("text")]), store: temp.store });
    const older = await gone.accept("older");
    await streaming(gone, older.id);
    const log: string[] = [];
    await using t = await openTestAgent({
      models: scriptedModels([noted(log)]),
      store: await temp.another(),
    });
    const younger = await t.accept("younger");
    await gone.agent.stop(0);
    await t.agent.recover();
    await t.finished(younger.id);
    expect(log).toEqual(["+older", "-older", "+younger", "-younger"]);
  });
});
