import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { commitsIn, newRun, openTempStore, quietLog } from "../support/store.ts";

describe("group commit", () => {
  test("writes of one tick share one transaction", async () => {
    await using temp = await openTempStore();
    await temp.store.memory.set("owner", "first", 1, "test");
    const before = await commitsIn(temp.path);
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => temp.store.memory.set("owner", `k${i}`, i, "test")),
    );
    expect((await commitsIn(temp.path)) - before).toBe(1);
    expect((await temp.store.memory.list("owner", { limit: 100 })).items).toHaveLength(51);
  });

  test("one that fails harms no other, and leaves nothing of its own", async () => {
    await using temp = await openTempStore();
    const delivery = { source: "s", id: "d", fingerprint: "f" };
    await temp.store.runs.accept(newRun({ id: "run_known", delivery }));
    const answers = await Promise.allSettled([
      temp.store.memory.set("owner", "before", 1, "test"),
      temp.store.runs.accept(newRun({ id: "run_wrong", delivery: { ...delivery, fingerprint: "other" } })),
      // Fails in the middle: its session is made before its id turns out to be taken.
      temp.store.runs.accept(newRun({ id: "run_known", session: { owner: "api:owner", id: "half" } })),
      temp.store.runs.accept(newRun({ id: "run_good" })),
      temp.store.memory.set("owner", "after", 2, "test"),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual([
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    const again = await temp.restart();
    expect(await again.sessions.get("api:owner/half")).toBeNull();
    expect(await again.runs.get("run_wrong")).toBeNull();
    expect(await again.runs.get("run_good")).not.toBeNull();
    expect((await again.memory.list("owner", { limit: 9 })).items.map((entry) => entry.key)).toEqual([
      "after",
      "before",
    ]);
    expect((await again.sessions.messages("api:owner/s1", { limit: 9 })).items).toHaveLength(2);
    expect((await again.counts()).messages).toBe(2);
  });
});

describe("a lock held by another process", () => {
  test("is waited for without blocking the event loop", async () => {
    await using temp = await openTempStore();
    await temp.store.memory.set("owner", "k", 1, "test");
    const other = new Database(temp.path);
    other.run("BEGIN IMMEDIATE");
    const waiting = temp.store.memory.set("owner", "k", 2, "test");
    let turns = 0;
    for (; turns < 200; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect((await temp.store.memory.get("owner", "k"))?.value).toBe(1);
    other.run("COMMIT");
    other.close(true);
    expect((await waiting).value).toBe(2);
  });

  test("ends in store_unavailable with a time to try again, and nothing is kept", async () => {
    const lines: string[] = [];
    await using temp = await openTempStore({ log: quietLog(lines) });
    await temp.store.memory.set("owner", "k", 1, "test");
    const other = new Database(temp.path);
    other.run("BEGIN IMMEDIATE");
    await expect(temp.store.memory.set("owner", "k", 2, "test")).rejects.toMatchObject({
      code: "store_unavailable",
      retryAfterMs: expect.any(Number),
      hint: expect.stringContaining(temp.path),
    });
    expect(lines.join("")).toContain("the database refuses writes");
    other.run("ROLLBACK");
    other.close(true);
    expect((await temp.store.memory.get("owner", "k"))?.value).toBe(1);
    await temp.store.memory.set("owner", "k", 3, "test");
    expect(lines.join("")).toContain("the database takes writes again");
  }, 20_000);
});
