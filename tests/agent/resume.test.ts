import { describe, expect, test } from "bun:test";
import type { RunEvent } from "../../src/agent/events.ts";
import type { ModelMessage } from "../../src/models/contract.ts";
import type { Store } from "../../src/store/contract.ts";
import { calls, end, hangs, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { openTestAgent, shownText } from "../support/agent.ts";
import { dyingStore } from "../support/dying-store.ts";
import { openTempStore, quietLog } from "../support/store.ts";
import { probeTool } from "../support/tools.ts";

const toolTexts = (messages: readonly ModelMessage[]) =>
  messages.flatMap((message) => (message.role === "tool" ? [message.text] : []));

/** Says something, calls a reading and a writing tool, then answers: the same at every call with the same messages. */
const acts: Script = async function* (request, signal) {
  const results = toolTexts(request.messages);
  const first = calls(
    { id: "r", name: "skill_look", arguments: { word: "look" }, text: "Let me see." },
    { id: "w", name: "skill_probe", arguments: { word: "write" } },
  );
  if (results.length === 0) yield* first(request, signal);
  else yield* says("The tools said: ", results.join(", "))(request, signal);
};

/** The start, the model's step, two beginnings, two ends, the finish. */
const TURN_WRITES = 7;

describe("a turn that died", () => {
  test("has this many writes to die at", async () => {
    await using temp = await openTempStore();
    const tools = [probeTool([]), probeTool([], { name: "skill_look", effect: "read" })];
    const never = dyingStore(temp.store, Number.POSITIVE_INFINITY, "before");
    await using t = await openTestAgent({ models: scriptedModels([acts]), store: never.store, tools });
    expect((await t.ask("go")).status).toBe("completed");
    expect(never.writes()).toBe(TURN_WRITES);
  });

  for (const when of ["before", "after"] as const)
    for (let at = 1; at <= TURN_WRITES; at++)
      test(`${when} the disk had write ${at}: it goes on from there, and no tool writes twice`, async () => {
        await using temp = await openTempStore();
        const ran: string[] = [];
        const tools = [probeTool(ran), probeTool(ran, { name: "skill_look", effect: "read" })];
        const dying = dyingStore(temp.store, at, when);
        const first = await openTestAgent({ models: scriptedModels([acts]), store: dying.store, tools });
        const { id } = await first.accept("go");
        const ended = first.finished(id).then(() => "ended");
        const fate = await Promise.race([dying.died.then(() => "died"), ended]);
        expect(fate).toBe("died");

        const before = await temp.store.runs.journal(id);
        const finishedBefore = before.toolCalls
          .filter((state) => state.finished)
          .map((state) => state.call.id);
        const ranBefore = [...ran];
        const models = scriptedModels([acts]);
        await using second = await openTestAgent({ models, store: await temp.restart(), tools });
        await second.agent.recover();
        const run = await second.finished(id);

        expect(run.status).toBe("completed");
        expect(ran.filter((word) => word === "write").length).toBeLessThanOrEqual(1);
        const again = ran.slice(ranBefore.length);
        if (finishedBefore.includes("r")) expect(again).not.toContain("look");
        const begun = before.toolCalls.find((state) => state.call.id === "w");
        const unknown = begun !== undefined && !begun.finished;
        if (unknown) expect(run.response).toContain("not known");
        else expect(run.response).toBe("The tools said: done, done");
        await expectWholeStory(second.store, id, run.response ?? "");
      }, 20_000);
});

/** One conversation on disk and one story in the events, whatever happened in between. */
async function expectWholeStory(store: Store, runId: string, response: string): Promise<void> {
  const { messages } = await store.runs.journal(runId);
  expect(messages.map((message) => message.role)).toEqual(["user", "assistant", "tool", "tool", "assistant"]);
  const records = await store.runs.events(runId, 0, 1_000);
  expect(records.map((record) => record.seq)).toEqual(records.map((_, index) => index + 1));
  const events = records.map((record) => JSON.parse(record.data) as RunEvent);
  expect(shownText(events)).toBe(response);
  expect(events.filter((event) => event.type === "run.completed")).toHaveLength(1);
  const starts = events.filter((event) => event.type === "run.started");
  expect(starts.slice(1).every((event) => event.resumed)).toBe(true);
  for (const id of ["r", "w"])
    expect(events.filter((event) => event.type === "tool.completed" && event.call_id === id)).toHaveLength(1);
}

describe("text of a cut model call", () => {
  test("is taken back before the call is made again", async () => {
    await using temp = await openTempStore();
    const cut = await openTestAgent({ models: scriptedModels([hangs("half an ans")]), store: temp.store });
    const { id } = await cut.accept("go");
    for await (const batch of cut.agent.events(id, 0, new AbortController().signal))
      if (batch.some((event) => event.type === "message.delta")) break;
    await cut.agent.stop(0);
    expect((await temp.store.runs.get(id))?.status).toBe("queued");

    await using next = await openTestAgent({
      models: scriptedModels([says("a whole answer")]),
      store: temp.store,
    });
    await next.agent.recover();
    expect((await next.finished(id)).response).toBe("a whole answer");
    const events = await next.events(id);
    expect(
      events.map(({ type, ...event }) =>
        "reset" in event ? "reset" : "resumed" in event ? "resumed" : type,
      ),
    ).toEqual(["run.started", "message.delta", "reset", "resumed", "message.delta", "run.completed"]);
    expect(shownText(events)).toBe("a whole answer");
  });

  test("of an earlier step stays", async () => {
    await using temp = await openTempStore();
    const script: Script = (request, signal) =>
      toolTexts(request.messages).length === 0
        ? calls({ id: "a", name: "memory_search", arguments: { query: "x" }, text: "Looking." })(
            request,
            signal,
          )
        : hangs()(request, signal);
    const cut = await openTestAgent({ models: scriptedModels([script]), store: temp.store });
    const { id } = await cut.accept("go");
    for await (const batch of cut.agent.events(id, 0, new AbortController().signal))
      if (batch.some((event) => event.type === "tool.completed")) break;
    await cut.agent.stop(0);
    await using next = await openTestAgent({ models: scriptedModels([says("ok")]), store: temp.store });
    await next.agent.recover();
    await next.finished(id);
    expect((await next.events(id)).some((event) => "reset" in event)).toBe(false);
  });
});

test("the usage of the steps before counts, also against the budget", async () => {
  await using temp = await openTempStore();
  const script: Script = (request, signal) =>
    toolTexts(request.messages).length === 0
      ? calls({ id: "a", name: "memory_search", arguments: { query: "x" } })(request, signal)
      : hangs()(request, signal);
  const cut = await openTestAgent({ models: scriptedModels([script]), store: temp.store });
  const { id } = await cut.accept("go");
  for await (const batch of cut.agent.events(id, 0, new AbortController().signal))
    if (batch.some((event) => event.type === "tool.completed")) break;
  await cut.agent.stop(0);
  await using next = await openTestAgent({ models: scriptedModels([says("ok")]), store: temp.store });
  await next.agent.recover();
  expect((await next.finished(id)).usage).toEqual({ inputTokens: 20, outputTokens: 10 });
});

test("a run that kills its process every time is given up in the end", async () => {
  await using temp = await openTempStore();
  const first = await openTestAgent({ models: scriptedModels([hangs()]), store: temp.store });
  const { id } = await first.accept("go");
  await first.agent.stop(0);
  for (let attempt = 0; attempt < 60; attempt++) {
    await temp.store.runs.start(id, temp.store.instance);
    await temp.store.runs.park(temp.store.instance);
  }
  await using next = await openTestAgent({ models: scriptedModels([says("ok")]), store: temp.store });
  await next.agent.recover();
  expect((await next.finished(id)).error).toMatchObject({
    code: "internal",
    message: expect.stringContaining("50 times"),
  });
});

test("a full disk makes a turn wait, and fails nothing", async () => {
  await using temp = await openTempStore();
  const lines: string[] = [];
  let broken = 3;
  const runs = { ...temp.store.runs };
  const appendEvents = runs.appendEvents;
  const { AppError } = await import("../../src/lib/errors.ts");
  const failing = () => {
    broken -= 1;
    return Promise.reject(new AppError("store_unavailable", "The disk is full."));
  };
  runs.appendEvents = (id, events) => (broken > 0 ? failing() : appendEvents(id, events));
  const script: Script = async function* () {
    yield { type: "text", text: "one " };
    await Bun.sleep(1);
    yield { type: "text", text: "two" };
    yield end();
  };
  await using t = await openTestAgent({
    models: scriptedModels([script]),
    store: { ...temp.store, runs },
    log: quietLog(lines),
  });
  const run = await t.ask("go");
  expect(run).toMatchObject({ status: "completed", response: "one two" });
  expect(broken).toBe(0);
  expect(shownText(await t.events(run.id))).toBe("one two");
  expect(lines.join("")).toContain("waits for the store");
});

test("a turn whose run cannot be read once it has started is begun again, and holds up nobody", async () => {
  await using temp = await openTempStore();
  const { AppError } = await import("../../src/lib/errors.ts");
  const runs = { ...temp.store.runs };
  const { get, park } = runs;
  const failing = (times: number) => () =>
    times-- > 0 ? Promise.reject(new AppError("store_unavailable", "The disk fails.")) : null;
  const [read, putBack] = [failing(1), failing(2)];
  runs.get = (id) => read() ?? get(id);
  runs.park = (instance, id) => (id === undefined ? null : putBack()) ?? park(instance, id);
  await using t = await openTestAgent({
    models: scriptedModels([says("first"), says("second")]),
    store: { ...temp.store, runs },
  });
  const [first, second] = [await t.accept("one"), await t.accept("two")];
  expect(await t.finished(first.id)).toMatchObject({ status: "completed", response: "first", attempts: 2 });
  expect(await t.finished(second.id)).toMatchObject({ status: "completed", response: "second" });
});
