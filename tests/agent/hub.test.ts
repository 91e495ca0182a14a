import { expect, test } from "bun:test";
import { createHub } from "../../src/agent/hub.ts";
import type { RunEventRecord } from "../../src/store/records.ts";
import { newRun, openTempStore } from "../support/store.ts";

const never = new AbortController().signal;
const delta = (text: string) => ({ type: "message.delta", data: JSON.stringify({ delta: text }) });

test("a reader too slow for the buffer goes back to the store and misses nothing", async () => {
  await using temp = await openTempStore();
  const { runs } = temp.store;
  const { run } = await runs.accept(newRun());
  await runs.start(run.id, temp.store.instance);
  const hub = createHub(runs, () => null);
  const reader = hub.events(run.id, 0, never)[Symbol.asyncIterator]();
  const seen: RunEventRecord[] = [];
  const first = reader.next();
  hub.publish(run.id, await runs.appendEvents(run.id, [delta("first")]));
  seen.push(...((await first).value as RunEventRecord[]));
  for (let batch = 0; batch < 30; batch++) {
    const events = Array.from({ length: 100 }, (_, i) => delta(`${batch} ${i}`));
    hub.publish(run.id, await runs.appendEvents(run.id, events));
  }
  const usage = { inputTokens: 0, outputTokens: 0 };
  const final = [{ type: "run.failed", data: "{}" }];
  hub.publish(
    run.id,
    await runs.finish(run.id, { status: "cancelled", usage }, { messages: [], events: final }),
  );
  for (let next = await reader.next(); !next.done; next = await reader.next()) seen.push(...next.value);
  expect(seen.map((event) => event.seq)).toEqual(Array.from({ length: 3_002 }, (_, i) => i + 1));
});

test("an ended run whose events are past their keeping time ends at once", async () => {
  await using temp = await openTempStore();
  const { runs } = temp.store;
  const { run } = await runs.accept(newRun());
  const usage = { inputTokens: 0, outputTokens: 0 };
  await runs.finish(run.id, { status: "cancelled", usage }, { messages: [], events: [] });
  const batches = [];
  for await (const batch of createHub(runs, () => 200).events(run.id, 0, never)) batches.push(batch);
  expect(batches).toEqual([]);
});

test("listeners that leave are forgotten, and an abort ends without an error", async () => {
  await using temp = await openTempStore();
  const { run } = await temp.store.runs.accept(newRun());
  const hub = createHub(temp.store.runs, () => null);
  const away = new AbortController();
  const listening = (async () => {
    for await (const _ of hub.events(run.id, 0, away.signal)) throw new Error("there was nothing to hear");
  })();
  away.abort();
  await listening;
});
