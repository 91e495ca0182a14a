import { expect, test } from "bun:test";
import { join } from "node:path";
import type { AppError } from "../../src/lib/errors.ts";
import { restoreDatabase } from "../../src/store/restore.ts";
import { openTempStore, quietLog } from "../support/store.ts";

const RESTORES = 60;

test("processes that start during a restore wait for it, and open what it put in place", async () => {
  await using temp = await openTempStore();
  const backup = `${temp.path}.backup`;
  await temp.store.backup(backup);
  await temp.store.close();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "opener.ts"), temp.path], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  expect((await lines.read()).value).toBe("open\n");
  for (let restored = 0; restored < RESTORES; ) {
    try {
      await restoreDatabase({ path: temp.path, from: backup, log: quietLog() });
      restored += 1;
    } catch (error) {
      expect((error as AppError).code).toBe("conflict"); // the other process has it open
      await Bun.sleep(0);
    }
  }
  child.stdin.end();
  expect(JSON.parse((await lines.read()).value ?? "")).toEqual([]);
  expect(await child.exited).toBe(0);
}, 60_000);
