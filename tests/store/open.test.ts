import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { openStore } from "../../src/store/open.ts";
import { newRun, openTempStore, quietLog } from "../support/store.ts";

const MIGRATIONS = readMigrationFiles({
  migrationsFolder: join(import.meta.dir, "../../src/store/migrations"),
});

/** A directory that goes away, and the path of a database in it. */
function place() {
  const directory = mkdtempSync(join(tmpdir(), "hermes-open-"));
  return {
    path: join(directory, "hermes.db"),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A database as a Hermes left it that knew only the first `count` migrations. */
function makeOlder(path: string, count: number): void {
  const db = new Database(path, { create: true });
  db.run("CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)");
  for (const migration of MIGRATIONS.slice(0, count)) {
    for (const statement of migration.sql) db.run(statement);
    db.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)", [
      migration.hash,
      migration.folderMillis,
    ]);
  }
  db.run(
    "INSERT INTO todos (id, principal, title, notes, status, created_at, updated_at) VALUES ('t', 'p', 'kept', '', 'pending', 1, 1)",
  );
  db.close(true);
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("openStore", () => {
  test("what was written is there after a restart", async () => {
    await using temp = await openTempStore();
    await temp.store.memory.set("owner", "k", { a: [1] }, "test");
    const again = await temp.restart();
    expect((await again.memory.get("owner", "k"))?.value).toEqual({ a: [1] });
  });

  test("files are for the owner alone, whatever the umask", async () => {
    using at = place();
    const before = process.umask(0o000);
    try {
      const path = join(dirname(at.path), "made", "deep", "hermes.db");
      const store = await openStore({ path, log: quietLog() });
      await store.memory.set("owner", "k", 1, "test");
      for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(modeOf(file)).toBe("600");
      for (const directory of [dirname(path), dirname(dirname(path)), join(dirname(path), "instances")])
        expect(modeOf(directory)).toBe("700");
      expect(modeOf(join(dirname(path), "instances", `${store.instance}.lock`))).toBe("600");
      await store.close();
    } finally {
      process.umask(before);
    }
  });

  test("a file that others could read is closed to them", async () => {
    using at = place();
    writeFileSync(at.path, "", { mode: 0o644 });
    const store = await openStore({ path: at.path, log: quietLog() });
    expect(modeOf(at.path)).toBe("600");
    await store.close();
  });

  test("a newer database is refused, untouched, with both versions and the way back", async () => {
    using at = place();
    makeOlder(at.path, MIGRATIONS.length);
    const newer = new Database(at.path);
    newer.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 99999999999999)");
    newer.close(true);
    const known = MIGRATIONS.length;
    writeFileSync(`${at.path}.schema-${known}.backup`, "");
    await expect(openStore({ path: at.path, log: quietLog() })).rejects.toMatchObject({
      code: "store_unavailable",
      message: `The database was written by a newer Hermes: its schema is version ${known + 1}, this one knows up to ${known}.`,
      hint: expect.stringContaining(`.schema-${known}.backup`),
    });
  });

  test("an older database is copied and then brought to the schema", async () => {
    using at = place();
    makeOlder(at.path, 1);
    const lines: string[] = [];
    const store = await openStore({ path: at.path, log: quietLog(lines) });
    expect((await store.health()).schemaVersion).toBe(MIGRATIONS.length);
    expect(await store.todos.list("p", { limit: 5 })).toMatchObject([{ title: "kept" }]);
    await store.close();

    const copy = `${at.path}.schema-1.backup`;
    expect(lines.join("")).toContain(copy);
    expect(modeOf(copy)).toBe("600");
    const old = new Database(copy, { readonly: true });
    expect(old.query("SELECT title FROM todos").all()).toEqual([{ title: "kept" }]);
    expect(old.query("SELECT count(*) AS n FROM __drizzle_migrations").get()).toEqual({ n: 1 });
    old.close(true);
  });

  test("the database of another program is refused and left as it is", async () => {
    using at = place();
    const other = new Database(at.path, { create: true });
    other.run("CREATE TABLE theirs (x)");
    other.close(true);
    await expect(openStore({ path: at.path, log: quietLog() })).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("another program"),
    });
    const after = new Database(at.path, { readonly: true });
    expect(after.query("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "theirs" }]);
    expect(after.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
    after.close(true);
  });

  test("a file that is no database is refused with a hint", async () => {
    using at = place();
    writeFileSync(
      at.path,
      "this is no database, and it is longer than a header of one hundred bytes".repeat(20),
    );
    await expect(openStore({ path: at.path, log: quietLog() })).rejects.toMatchObject({
      code: "store_unavailable",
      hint: expect.stringContaining("backup"),
    });
  });

  test("a place that nobody can write to is refused with a hint", async () => {
    const path = "/sys/hermes.db"; // not even for root
    await expect(openStore({ path, log: quietLog() })).rejects.toMatchObject({
      code: "store_unavailable",
      message: "The database cannot be written.",
      hint: expect.stringContaining(path),
    });
  });

  test("several openings of a new file at once all succeed", async () => {
    using at = place();
    const stores = await Promise.all([1, 2, 3, 4].map(() => openStore({ path: at.path, log: quietLog() })));
    await Promise.all(stores.map((store, i) => store.memory.set("owner", `k${i}`, i, "test")));
    expect((await stores[0]?.memory.list("owner", { limit: 9 }))?.items).toHaveLength(4);
    await Promise.all(stores.map((store) => store.close()));
  });

  test("closing commits what waits, leaves no lock behind, and refuses what comes later", async () => {
    await using temp = await openTempStore();
    const { store } = temp;
    const waiting = store.runs.accept(newRun({ id: "run_last" }));
    await store.close();
    await waiting;
    await expect(store.runs.get("run_last")).rejects.toMatchObject({ code: "shutting_down" });
    await expect(store.memory.set("owner", "k", 1, "test")).rejects.toMatchObject({ code: "shutting_down" });
    expect(readdirSync(join(dirname(temp.path), "instances"))).not.toContain(`${store.instance}.lock`);
    expect(existsSync(`${temp.path}-wal`)).toBe(false);
    expect((await (await temp.restart()).runs.get("run_last"))?.status).toBe("queued");
  });
});
