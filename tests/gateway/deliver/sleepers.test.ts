import { expect, test } from "bun:test";
import { NO_USAGE } from "../../../src/agent/usage.ts";
import { hangs, says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openToyGateway } from "../../support/chat.ts";

/** Messages behind one that is being answered, and the ids of their runs. */
async function withWaiting(count: number) {
  const gateway = await openToyGateway({ models: scriptedModels([hangs("first"), says("later")]) });
  await gateway.write("message 0");
  await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
  for (let n = 1; n <= count; n++) await gateway.write(`message ${n}`);
  const open = await gateway.store.deliveries.open("telegram", "", 0, 100);
  return { gateway, first: open[0], waiting: open.slice(1) };
}

test("an answer whose run another process ended while it waited is over", async () => {
  const { gateway, waiting } = await withWaiting(3);
  await using _ = gateway;
  const [, ended] = waiting;
  const outcome = { status: "cancelled", usage: NO_USAGE } as const;
  await gateway.store.runs.finish(ended?.runId ?? "", outcome, { messages: [], events: [] });
  const isOver = async (id = "") => (await gateway.store.deliveries.get(id))?.finishedAt !== null;
  while (!(await isOver(ended?.id))) await Bun.sleep(10);
  expect(await Promise.all(waiting.map(({ id }) => isOver(id)))).toEqual([false, true, false]);
}, 20_000);

test("an answer that cannot be read when its turn comes is read again", async () => {
  const { gateway, first, waiting } = await withWaiting(2);
  await using _ = gateway;
  const { get } = gateway.store.deliveries;
  let faults = 0;
  gateway.store.deliveries.get = (id) => {
    if (id !== waiting[0]?.id || faults > 0) return get(id);
    faults += 1;
    return Promise.reject(new Error("the disk is slow today"));
  };
  await gateway.agent.agent.cancel(first?.runId ?? "");
  await gateway.chat.until(
    () => gateway.chat.messages("1").filter(({ text }) => text === "later").length === 2,
  );
  expect(faults).toBe(1);
}, 20_000);
