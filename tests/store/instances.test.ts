import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Store } from "../../src/store/contract.ts";
import { newRun, openTempStore } from "../support/store.ts";

/** A process of its own that starts the run and then lives until it is killed. */
async function processThatRuns(path: string, run: string) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "run-holder.ts"), path, run], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  const instance = new TextDecoder().decode(value).trim();
  return {
    instance,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

const lockOf = (path: string, instance: string) => join(dirname(path), "instances", `${instance}.lock`);
const taken = async (store: Store) => (await store.runs.takeOver(store.instance)).map((run) => run.id);

describe("takeOver", () => {
  test("leaves a living process alone and puts back the runs of a killed one", async () => {
    await using temp = await openTempStore();
    await temp.store.runs.accept(newRun({ id: "run_1" }));
    await temp.store.runs.accept(newRun({ id: "run_2" }));
    const holder = await processThatRuns(temp.path, "run_1");
    try {
      expect(await taken(temp.store)).toEqual(["run_2"]);
      expect(await temp.store.runs.get("run_1")).toMatchObject({
        status: "running",
        instance: holder.instance,
      });
      expect(existsSync(lockOf(temp.path, holder.instance))).toBe(true);
    } finally {
      await holder.kill();
    }
    expect(await taken(temp.store)).toEqual(["run_1", "run_2"]);
    expect(await temp.store.runs.get("run_1")).toMatchObject({
      status: "queued",
      instance: null,
      attempts: 1,
    });
    expect(existsSync(lockOf(temp.path, holder.instance))).toBe(false);
  });

  test("of two processes that take over at once exactly one starts the run", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    await temp.store.runs.accept(newRun({ id: "run_1" }));
    const holder = await processThatRuns(temp.path, "run_1");
    await holder.kill();
    const answers = await Promise.all(
      [temp.store, other].map(async (store) => {
        await store.runs.takeOver(store.instance);
        return store.runs.start("run_1", store.instance);
      }),
    );
    expect(answers.toSorted()).toEqual(["ended", "started"]);
    expect(await temp.store.runs.get("run_1")).toMatchObject({ status: "running", attempts: 2 });
  });

  test("sweeps up after processes that were killed while they ran nothing", async () => {
    await using temp = await openTempStore();
    await temp.store.runs.accept(newRun({ id: "run_1" }));
    const holder = await processThatRuns(temp.path, "run_1");
    const usage = { inputTokens: 0, outputTokens: 0 };
    await temp.store.runs.finish("run_1", { status: "cancelled", usage }, { messages: [], events: [] });
    await holder.kill();
    expect(existsSync(lockOf(temp.path, holder.instance))).toBe(true);
    await temp.store.runs.takeOver(temp.store.instance);
    expect(existsSync(lockOf(temp.path, holder.instance))).toBe(false);
    expect(existsSync(lockOf(temp.path, temp.store.instance))).toBe(true);
  });

  test("a killed process leaves one file behind, which goes with it", async () => {
    await using temp = await openTempStore();
    await temp.store.runs.accept(newRun({ id: "run_1" }));
    const own = readdirSync(dirname(lockOf(temp.path, "")));
    const holder = await processThatRuns(temp.path, "run_1");
    await holder.kill();
    await temp.store.runs.takeOver(temp.store.instance);
    expect(readdirSync(dirname(lockOf(temp.path, "")))).toEqual(own);
  });

  test("a process whose lock was removed makes it again, and is alive in the eyes of the others", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    rmSync(dirname(lockOf(temp.path, "")), { recursive: true });
    await temp.store.runs.takeOver(temp.store.instance);
    await temp.store.runs.accept(newRun({ id: "run_1" }));
    await temp.store.runs.start("run_1", temp.store.instance);
    expect(await taken(other)).toEqual([]);
    expect(await temp.store.runs.get("run_1")).toMatchObject({ status: "running" });
  });

  test("its own runs stay its own", async () => {
    await using temp = await openTempStore();
    await temp.store.runs.accept(newRun({ id: "run_1" }));
    await temp.store.runs.start("run_1", temp.store.instance);
    expect(await taken(temp.store)).toEqual([]);
    expect(await temp.store.runs.get("run_1")).toMatchObject({ status: "running" });
  });

  test("a store that was closed counts as gone", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    await temp.store.runs.accept(newRun({ id: "run_1" }));
    await other.runs.start("run_1", other.instance);
    expect(await taken(temp.store)).toEqual([]);
    await other.close();
    expect(await taken(temp.store)).toEqual(["run_1"]);
  });
});

describe("a run that another process has taken over", () => {
  const call = { id: "c1", name: "memory_write", arguments: "{}" };
  const events = [{ type: "message.delta", data: "{}" }];
  const usage = { inputTokens: 1, outputTokens: 1 };

  /** A run that the first store started; its lock was removed, and so the other one started it again. */
  async function stolenRun() {
    const temp = await openTempStore();
    const other = await temp.another();
    await temp.store.runs.accept(newRun({ id: "run_1" }));
    await temp.store.runs.start("run_1", temp.store.instance);
    rmSync(lockOf(temp.path, temp.store.instance));
    expect(await taken(other)).toEqual(["run_1"]);
    return { temp, other };
  }

  test("takes nothing more from the one that had it, neither while it waits nor while it runs", async () => {
    const { temp, other } = await stolenRun();
    await using _ = temp;
    const { runs } = temp.store;
    const refused = async () => {
      const outcome = { status: "failed", error: { code: "internal", message: "x" }, usage } as const;
      const writes = await Promise.allSettled([
        runs.appendEvents("run_1", events),
        runs.recordStep("run_1", { messages: [], events }),
        runs.beginToolCall("run_1", call, events),
        runs.endToolCall("run_1", { role: "tool", parts: [], toolCallId: "c1" }, events),
        runs.finish("run_1", outcome, { messages: [], events }),
      ]);
      const conflict = { status: "rejected", reason: { code: "conflict" } };
      expect(writes).toMatchObject(writes.map(() => conflict));
    };
    await refused();
    expect(await other.runs.start("run_1", other.instance)).toBe("started");
    await refused();
    expect(await other.runs.events("run_1", 0, 10)).toEqual([]);
    expect((await other.runs.journal("run_1")).toolCalls).toEqual([]);
    expect(await other.runs.appendEvents("run_1", events)).toMatchObject([{ seq: 1 }]);
  });

  test("can be cancelled by anybody, like every open run", async () => {
    const { temp, other } = await stolenRun();
    await using _ = temp;
    expect(await other.runs.start("run_1", other.instance)).toBe("started");
    await temp.store.runs.finish("run_1", { status: "cancelled", usage }, { messages: [], events });
    await expect(other.runs.appendEvents("run_1", events)).rejects.toMatchObject({ code: "conflict" });
    expect(await other.runs.get("run_1")).toMatchObject({ status: "cancelled" });
  });
});
