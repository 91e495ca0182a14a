import { expect, test } from "bun:test";
import { connect, disconnect } from "../../src/store/connection.ts";
import { openTempStore } from "../support/store.ts";

test("a connection is as durable as the design asks", async () => {
  await using temp = await openTempStore();
  const db = connect(temp.path);
  const pragma = (name: string) => Object.values(db.$client.query(`PRAGMA ${name}`).get() as object)[0];
  expect(pragma("journal_mode")).toBe("wal");
  expect(pragma("synchronous")).toBe(2); // FULL
  expect(pragma("foreign_keys")).toBe(1);
  expect(pragma("busy_timeout")).toBeLessThanOrEqual(20); // it blocks the event loop
  expect(pragma("journal_size_limit")).toBe(64 * 1024 * 1024);
  disconnect(db);
});
