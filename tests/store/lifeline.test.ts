import { expect, test } from "bun:test";
import { existsSync, renameSync } from "node:fs";
import { createLifeline } from "../../src/store/lifeline.ts";
import { createAccess } from "../../src/store/writer.ts";
import { newRun, openTempStore, quietLog } from "../support/store.ts";

/** The way to a database with one run, and how many runs are seen through it. */
async function openAccess(path: string) {
  const lifeline = createLifeline(path);
  const access = createAccess({ path, lifeline, log: quietLog() });
  const runs = () => access.read((db) => db.$client.query("SELECT count(*) AS runs FROM runs").get());
  expect(await runs()).toEqual({ runs: 1 });
  return { lifeline, access, runs };
}

test("a database that is gone is missed, not made anew, and used again once it is back", async () => {
  await using temp = await openTempStore();
  await temp.store.runs.accept(newRun());
  const { lifeline, access, runs } = await openAccess(temp.path);
  await temp.store.close();

  renameSync(temp.path, `${temp.path}.away`);
  expect(lifeline.isAtPath()).toBe(false);
  lifeline.abandon(); // as after a fault of the disk
  await expect(runs()).rejects.toMatchObject({ code: "store_unavailable" });
  await expect(access.write(() => 1)).rejects.toMatchObject({ code: "store_unavailable" });
  expect(existsSync(temp.path)).toBe(false);

  renameSync(`${temp.path}.away`, temp.path);
  expect(await runs()).toEqual({ runs: 1 });
  expect(lifeline.isAtPath()).toBe(true);
  await access.close();
});
