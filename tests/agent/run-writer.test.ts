import { expect, test } from "bun:test";
import { createPace, type Pace } from "../../src/agent/pace.ts";
import { createRunWriter } from "../../src/agent/run-writer.ts";
import { createRunTeller } from "../../src/agent/told.ts";
import { AppError } from "../../src/lib/errors.ts";
import type { NewRunEvent, RunEventRecord } from "../../src/store/records.ts";
import { SILENT_ANNOUNCER } from "../../src/webhooks/outbound/announcer.ts";
import { newRun, openTempStore, quietLog } from "../support/store.ts";

async function open(change: { parked?: AbortSignal; pace?: Pace } = {}) {
  const temp = await openTempStore();
  const { run } = await temp.store.runs.accept(newRun());
  await temp.store.runs.start(run.id, temp.store.instance);
  const published: RunEventRecord[] = [];
  const runs = { ...temp.store.runs };
  const writer = createRunWriter({
    runId: run.id,
    runs,
    publish: (events) => void published.push(...events),
    teller: createRunTeller(SILENT_ANNOUNCER, { ...run, isSubTask: false }),
    pace: change.pace ?? createPace(),
    parked: change.parked ?? new AbortController().signal,
    log: quietLog(),
  });
  const stored = () => temp.store.runs.events(run.id, 0, 1_000);
  return { writer, runs, published, stored, run, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

const call = (id: string) => ({ id, name: "memory_read", arguments: "{}" });
const started = (id: string) =>
  ({ type: "tool.started", tool: "memory_read", call_id: id, arguments: "{}" }) as const;
const tick = () => new Promise((resolve) => setImmediate(resolve));
const full = () => new AppError("store_unavailable", "The disk is full.");

test("the text of one tick is one event, and only what is on disk is published", async () => {
  await using t = await open();
  for (let i = 0; i < 1_000; i++) t.writer.delta("x");
  expect(t.published).toEqual([]);
  await t.writer.flush();
  expect(t.published.map((event) => JSON.parse(event.data).delta)).toEqual(["x".repeat(1_000)]);
  expect(t.published).toEqual(await t.stored());
});

test("the first text waits for no moment, what follows waits for the next one, and so does the reader", async () => {
  const moment = Promise.withResolvers<void>();
  await using t = await open({ pace: { next: () => moment.promise } });
  const deltas = () => t.published.map((event) => JSON.parse(event.data).delta);
  t.writer.delta("a");
  await t.writer.room();
  while (t.published.length === 0) await tick();
  t.writer.delta("b");
  let hasRoom = false;
  const room = t.writer.room().then(() => {
    hasRoom = true;
  });
  for (let ticks = 0; ticks < 5; ticks++) await tick();
  expect([deltas(), hasRoom]).toEqual([["a"], false]);
  t.writer.delta("c");
  moment.resolve();
  await room;
  while (t.published.length === 1) await tick();
  expect(deltas()).toEqual(["a", "bc"]);
  t.writer.delta("d");
  await t.writer.recordStep([]); // no step waits for a moment
  expect(deltas()).toEqual(["a", "bc", "d"]);
});

test("order is kept between text, events and steps", async () => {
  await using t = await open();
  t.writer.delta("a");
  t.writer.event({ type: "message.delta", delta: "", reset: true });
  t.writer.delta("b");
  await Promise.all([
    t.writer.beginToolCall(call("1"), started("1")),
    t.writer.beginToolCall(call("2"), started("2")),
  ]);
  t.writer.delta("c");
  await t.writer.flush();
  const told = t.published.map((event) => JSON.parse(event.data));
  expect(told.map((event) => (event.reset ? "reset" : (event.call_id ?? event.delta)))).toEqual([
    "a",
    "reset",
    "b",
    "1",
    "2",
    "c",
  ]);
  expect(t.published).toEqual(await t.stored());
});

test("a write that fails for want of disk is made again, before the ones behind it", async () => {
  await using t = await open();
  const { appendEvents } = t.runs;
  let failures = 2;
  t.runs.appendEvents = (id: string, events: NewRunEvent[]) =>
    failures-- > 0 ? Promise.reject(full()) : appendEvents(id, events);
  t.writer.delta("first");
  const flushed = t.writer.flush();
  t.writer.delta("second");
  await flushed;
  await t.writer.flush();
  expect(t.published.map((event) => JSON.parse(event.data).delta)).toEqual(["first", "second"]);
});

test("any other failure of streamed text is told to the next who waits", async () => {
  await using t = await open();
  t.runs.appendEvents = () => Promise.reject(new AppError("conflict", "The run has ended."));
  t.writer.delta("x");
  await tick();
  await expect(t.writer.recordStep([])).rejects.toMatchObject({ code: "conflict" });
});

test("parking ends the waiting for the disk, and every write after it", async () => {
  const parking = new AbortController();
  await using t = await open({ parked: parking.signal });
  t.runs.recordStep = () => Promise.reject(full());
  const step = t.writer.recordStep([]);
  parking.abort(new Error("parked"));
  await expect(step).rejects.toThrow("parked");
  await expect(t.writer.flush()).rejects.toThrow("parked");
});
