import { describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { commitsIn, newRun, openTempStore } from "../support/store.ts";

/** A process of its own that holds a credential and then lives until it is killed. */
async function processThatHolds(path: string, credential: string, holder: string) {
  const script = join(import.meta.dir, "account-holder.ts");
  const child = Bun.spawn([process.execPath, script, path, credential, holder], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  const { instance, heldBy } = JSON.parse(new TextDecoder().decode(value));
  return {
    instance: instance as string,
    heldBy: heldBy as string | null,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function releaseOf(held: { release: () => void } | { heldBy: string }): () => void {
  if ("heldBy" in held) throw new Error(`It is held by ${held.heldBy}.`);
  return held.release;
}

describe("hold", () => {
  test("of a process that was killed is free again, and says who has it until then", async () => {
    await using temp = await openTempStore();
    const { accounts } = temp.store;
    const holder = await processThatHolds(temp.path, "cred", "process 1 on host a");
    try {
      expect(holder.heldBy).toBeNull();
      expect(await accounts.hold("cred", "me")).toEqual({ heldBy: "process 1 on host a" });
      expect(await accounts.hold("other", "me")).toHaveProperty("release");
    } finally {
      await holder.kill();
    }
    const release = releaseOf(await accounts.hold("cred", "me"));
    const second = await processThatHolds(temp.path, "cred", "process 2");
    expect(second.heldBy).toBe("me");
    await second.kill();
    release();
  });

  test("is one, also within a process and when many try at once", async () => {
    await using temp = await openTempStore();
    const stores = [temp.store, await temp.another(), await temp.another()];
    for (let round = 0; round < 10; round++) {
      const tries = await Promise.all(
        [...stores, ...stores].map((store, i) => store.accounts.hold("cred", `holder ${i}`)),
      );
      const [winner, ...more] = tries.filter((one) => "release" in one);
      expect(more).toEqual([]);
      expect(tries.filter((one) => "heldBy" in one)).toHaveLength(5);
      if (winner) releaseOf(winner)();
    }
  });

  test("ends with its release, which is of no effect on a later hold, and with the store", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const first = releaseOf(await temp.store.accounts.hold("cred", "first"));
    first();
    releaseOf(await other.accounts.hold("cred", "second"));
    first();
    expect(await temp.store.accounts.hold("cred", "first")).toEqual({ heldBy: "second" });
    await other.close();
    expect(await temp.store.accounts.hold("cred", "first")).toHaveProperty("release");
  });

  test("makes files for the owner alone, whose names tell nothing, and no instance of the store", async () => {
    await using temp = await openTempStore();
    await temp.store.accounts.hold("../../cred", "me");
    const directory = join(dirname(temp.path), "instances");
    const files = readdirSync(directory).filter((name) => name.includes(".hold"));
    expect(files).toHaveLength(2);
    for (const name of files) {
      expect(name).toMatch(/^[0-9a-f]{64}\.hold(er)?$/);
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    }
    await temp.store.runs.takeOver(temp.store.instance); // sweeps up what the dead left behind
    expect(await (await temp.another()).accounts.hold("../../cred", "you")).toEqual({ heldBy: "me" });
  });
});

describe("accounts", () => {
  test("tell how they are and keep their state, each by itself, over a restart", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time });
    expect(await temp.store.accounts.get("telegram", "")).toBeNull();
    await temp.store.accounts.saveState("telegram", "", { offset: 7 });
    await temp.store.accounts.saveHealth("slack", "team", { state: "connected" });
    time = 2_000;
    await temp.store.accounts.saveHealth("telegram", "", { state: "refused", why: ["401"] });
    const record = {
      platform: "telegram",
      account: "",
      instance: temp.store.instance,
      health: { state: "refused", why: ["401"] },
      state: { offset: 7 },
      updatedAt: 2_000,
    };
    expect(await temp.store.accounts.get("telegram", "")).toEqual(record);
    const { accounts } = await temp.restart();
    expect(await accounts.list()).toMatchObject([
      { platform: "slack", account: "team", state: null },
      { ...record, instance: null },
    ]);
    await accounts.saveState("telegram", "", null);
    expect(await accounts.get("telegram", "")).toMatchObject({ health: record.health, state: null });
  });

  test("name the process that wrote last, for as long as it lives", async () => {
    await using temp = await openTempStore();
    const { accounts } = temp.store;
    const holder = await processThatHolds(temp.path, "cred", "them");
    expect(await accounts.list()).toMatchObject([
      { instance: holder.instance, health: { state: "connected" } },
    ]);
    await holder.kill();
    expect(await accounts.get("telegram", "")).toMatchObject({
      instance: null,
      health: { state: "connected" },
    });
    expect(await accounts.list()).toMatchObject([{ instance: null }]);
    await accounts.saveHealth("telegram", "", { state: "starting" });
    const other = await temp.another();
    expect(await other.accounts.get("telegram", "")).toMatchObject({ instance: temp.store.instance });
  });

  test("keep their state in the transaction of what is accepted in the same tick", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    await store.accounts.saveState("telegram", "", { offset: 0 });
    const before = await commitsIn(temp.path);
    await Promise.all([
      store.runs.accept(newRun({ id: "run_1" })),
      store.runs.accept(newRun({ id: "run_2" })),
      store.accounts.saveState("telegram", "", { offset: 2 }),
    ]);
    expect((await commitsIn(temp.path)) - before).toBe(1);
    expect((await store.accounts.get("telegram", ""))?.state).toEqual({ offset: 2 });
  });
});
