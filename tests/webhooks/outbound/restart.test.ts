import { expect, test } from "bun:test";
import { join } from "node:path";
import { AppError } from "../../../src/lib/errors.ts";
import type { Store } from "../../../src/store/contract.ts";
import { BEHAVIOURS, startWebhookReceiver } from "../../fakes/webhook-receiver.ts";
import { openOutbound } from "../../support/outbound.ts";
import { newRun, openTempStore } from "../../support/store.ts";

const SENDER = join(import.meta.dir, "../../support/outbound-sender.ts");
const TIMEOUT_MS = 60_000;

/** Waits for something that happens in another process. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await Bun.sleep(5);
}

function startSender(path: string, url: string) {
  const child = Bun.spawn([process.execPath, SENDER, path, url], { stdin: "pipe", stdout: "ignore" });
  return {
    kill: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

const open = async (store: Store) =>
  (await store.webhooks.list({ limit: 1_000, status: "due" })).items.length;

/** So many events that wait for the endpoint of `outbound-sender.ts`. */
async function tell(store: Store, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `evt_${i}`);
  await Promise.all(
    ids.map((id) =>
      store.runs.accept(
        newRun({ told: { id, type: "message.received", body: `{"id":"${id}"}`, endpoints: ["main"] } }),
      ),
    ),
  );
  return ids;
}

test(
  "killed again and again: none is forgotten, and only what was under way is sent twice, under the same id",
  async () => {
    await using temp = await openTempStore();
    using receiver = await startWebhookReceiver();
    receiver.set("hook", (socket, request) => void setTimeout(() => BEHAVIOURS.ok(socket, request), 5));
    const told = await tell(temp.store, 300);
    let kills = 0;
    for (const count of [30, 80, 150, 220]) {
      const sender = startSender(temp.path, `${receiver.origin}/hook`);
      await until(() => receiver.received.length >= count);
      await sender.kill();
      kills += 1;
    }
    const last = startSender(temp.path, `${receiver.origin}/hook`);
    await until(async () => (await open(temp.store)) === 0);
    await last.kill();
    const received = receiver.received.map(({ headers }) => headers["webhook-id"] ?? "");
    expect(new Set(received)).toEqual(new Set(told));
    expect(received.length - told.length).toBeLessThanOrEqual(kills * 5);
    const sent = await temp.store.webhooks.list({ limit: 1_000, status: "sent" });
    expect(sent.items).toHaveLength(told.length);
    expect(await temp.store.check()).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "of several processes one sends, and another one goes on when that is killed",
  async () => {
    await using temp = await openTempStore();
    using receiver = await startWebhookReceiver();
    receiver.set("hook", BEHAVIOURS.stalls);
    await tell(temp.store, 5);
    const first = startSender(temp.path, `${receiver.origin}/hook`);
    await until(() => receiver.received.length === 5);
    const second = startSender(temp.path, `${receiver.origin}/hook`);
    const other = await temp.another();
    const hold = await other.webhooks.hold("main", "nobody");
    expect(hold).toHaveProperty("heldBy");
    expect(receiver.received).toHaveLength(5);
    receiver.set("hook", BEHAVIOURS.ok);
    await first.kill();
    await until(async () => (await open(temp.store)) === 0);
    await second.kill();
    expect(receiver.received).toHaveLength(10);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(5);
  },
  TIMEOUT_MS,
);

test("a stop lets what is under way end, and the rest is sent at the next start", async () => {
  await using bench = await openOutbound({
    endpoints: (origin) => [{ name: "main", url: `${origin}/slowly` }],
    settings: { max_in_flight: 2 },
  });
  const asked = Promise.withResolvers<void>();
  bench.receiver.set("slowly", (socket, request) => {
    if (bench.receiver.received.length === 2) asked.resolve();
    setTimeout(() => BEHAVIOURS.ok(socket, request), 50);
  });
  await bench.happen(5);
  await asked.promise;
  await bench.restart();
  await bench.settled();
  expect(bench.receiver.received).toHaveLength(5);
  const sent = await bench.store.webhooks.list({ limit: 10, status: "sent" });
  expect(sent.items.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, 1]);
});

test("what is delivered while the store cannot be written is noted later, and not sent again", async () => {
  await using bench = await openOutbound({
    endpoints: (origin) => [{ name: "main", url: `${origin}/ok` }],
    isStarted: false,
  });
  const { webhooks } = bench.store;
  const record = webhooks.record;
  let refusals = 3;
  webhooks.record = (...values) => {
    if (refusals === 0) return record(...values);
    refusals -= 1;
    return Promise.reject(new AppError("store_unavailable", "The disk is full."));
  };
  await bench.happen();
  bench.outbound.start();
  for (; (await open(bench.store)) > 0; await Bun.sleep(1)) bench.clock.next();
  await bench.run();
  expect(refusals).toBe(0);
  expect(bench.receiver.received).toHaveLength(1);
});
