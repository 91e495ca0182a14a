import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { openStore } from "../../src/store/open.ts";
import { newRun, openTempStore, quietLog } from "../support/store.ts";

const FINISHED = {
  status: "failed",
  error: { code: "x", message: "y" },
  usage: { inputTokens: 0, outputTokens: 0 },
} as const;

describe("upkeep", () => {
  test("a backup made during writes is whole, private and opens as a store", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await store.memory.set("p", "before", 1, "test");
    const copy = join(dirname(temp.path), "copies", "hermes.db");
    const writes = Array.from({ length: 100 }, (_, i) =>
      store.runs.accept(newRun({ id: `run_during_${i}` })),
    );
    await Promise.all([...writes, store.backup(copy)]);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(copy))).toEqual(["hermes.db"]);

    const restored = await openStore({ path: copy, log: quietLog() });
    expect(await restored.check()).toEqual([]);
    expect((await restored.memory.get("p", "before"))?.value).toBe(1);
    const counts = await restored.counts();
    expect(counts.messages).toBe(counts.runs.queued); // no half of an accept
    await restored.close();
  });

  test("a backup that cannot be written leaves nothing behind", async () => {
    await using temp = await openTempStore();
    const target = join(temp.path, "below-a-file", "hermes.db");
    await expect(temp.store.backup(target)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(existsSync(target)).toBe(false);
    await temp.store.memory.set("p", "k", 1, "test");
  });

  test("counts what there is", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await store.runs.accept(newRun({ id: "run_1" }));
    await store.runs.accept(newRun({ id: "run_2" }));
    await store.runs.accept(newRun({ id: "run_3", session: { owner: "o", id: "other" } }));
    await store.runs.start("run_1", store.instance);
    await store.runs.start("run_3", store.instance);
    await store.runs.finish("run_3", FINISHED, { messages: [], events: [] });
    await store.memory.set("p", "k", 1, "test");
    expect(await store.counts()).toEqual({
      sessions: 2,
      messages: 3,
      runs: { queued: 1, running: 1, completed: 0, failed: 1, cancelled: 0 },
      memory: 1,
    });
  });

  test("health tells the sizes and the schema", async () => {
    await using temp = await openTempStore();
    const health = await temp.store.health();
    expect(health).toMatchObject({ ok: true, problem: null });
    expect(health.sizeBytes).toBe(statSync(temp.path).size);
    expect(health.walBytes).toBe(statSync(`${temp.path}-wal`).size);
  });

  test("prunes deliveries and the events of ended runs by age, and nothing else", async () => {
    let time = 0;
    await using temp = await openTempStore({ clock: () => time });
    const { store } = temp;
    const event = { type: "x", data: "{}" };
    const take = async (id: string, session: string) => {
      const delivery = { source: "s", id, fingerprint: "f" };
      await store.runs.accept(newRun({ id, session: { owner: "o", id: session }, delivery }));
      await store.runs.start(id, store.instance);
      await store.runs.appendEvents(id, [event]);
      return delivery;
    };
    const old = Array.from({ length: 120 }, (_, i) => `run_old_${i}`);
    for (const id of old) {
      await take(id, "old");
      await store.runs.finish(id, FINISHED, { messages: [], events: [event] });
    }
    await take("run_open", "open");
    time = 1_000;
    const fresh = await take("run_fresh", "fresh");
    await store.runs.finish("run_fresh", FINISHED, { messages: [], events: [event] });

    await store.prune({ deliveriesMs: 500, eventsMs: 500 });
    for (const id of old) expect(await store.runs.events(id, 0, 9)).toEqual([]);
    expect(await store.runs.events("run_open", 0, 9)).toHaveLength(1);
    expect(await store.runs.events("run_fresh", 0, 9)).toHaveLength(2);
    expect(await store.runs.get("run_old_0")).toMatchObject({ status: "failed" });
    expect(await store.runs.accept(newRun({ delivery: fresh }))).toMatchObject({ duplicate: true });
    const again = { source: "s", id: "run_old_0", fingerprint: "f" };
    expect(await store.runs.accept(newRun({ delivery: again }))).toMatchObject({ duplicate: false });
  });
});
