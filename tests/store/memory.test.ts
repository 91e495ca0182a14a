import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { openTempStore } from "../support/store.ts";

describe("memory", () => {
  test("keeps the first time and the last value and source", async () => {
    let time = 100;
    await using temp = await openTempStore({ clock: () => time });
    const { memory } = temp.store;
    expect(await memory.get("p", "k")).toBeNull();
    const first = await memory.set("p", "k", { a: null }, "api");
    time = 200;
    expect(first).toEqual({ key: "k", value: { a: null }, source: "api", createdAt: 100, updatedAt: 100 });
    const second = await memory.set("p", "k", [1], "run_1");
    expect(second).toEqual({ key: "k", value: [1], source: "run_1", createdAt: 100, updatedAt: 200 });
    expect(await (await temp.restart()).memory.get("p", "k")).toEqual(second);
  });

  test("every JSON value comes back as it was, under any key", async () => {
    await using temp = await openTempStore();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.jsonValue(), async (key, value) => {
        const stored = JSON.parse(JSON.stringify(value));
        expect((await temp.store.memory.set("p", key, value, "test")).value).toEqual(stored);
        expect((await temp.store.memory.get("p", key))?.value).toEqual(stored);
      }),
      { numRuns: 100 },
    );
    for (const key of ["a\0b", "a\0c", "", "'; DROP TABLE memory; --"]) {
      await temp.store.memory.set("odd", key, key, "test");
      expect((await temp.store.memory.get("odd", key))?.value).toBe(key);
    }
    expect((await temp.store.memory.list("odd", { limit: 9 })).items).toHaveLength(4);
  });

  test("principals do not see one another", async () => {
    await using temp = await openTempStore();
    const { memory } = temp.store;
    await memory.set("a", "k", "secret of a", "test");
    await memory.set("b", "k", "secret of b", "test");
    expect((await memory.search("a", "secret", 9)).map((entry) => entry.value)).toEqual(["secret of a"]);
    expect(await memory.delete("b", "k")).toBe(true);
    expect(await memory.delete("b", "k")).toBe(false);
    expect((await memory.get("a", "k"))?.value).toBe("secret of a");
    expect((await memory.list("b", { limit: 9 })).items).toEqual([]);
  });

  test("is listed by key, page by page", async () => {
    await using temp = await openTempStore();
    const keys = ["b", "a", "c", "e", "d"];
    for (const key of keys) await temp.store.memory.set("p", key, key, "test");
    const first = await temp.store.memory.list("p", { limit: 3 });
    const second = await temp.store.memory.list("p", { limit: 3, cursor: first.nextCursor ?? "" });
    expect([...first.items, ...second.items].map((entry) => entry.key)).toEqual(keys.toSorted());
    expect(second.nextCursor).toBeNull();
  });

  test("is found by its key and by what its value says now", async () => {
    await using temp = await openTempStore();
    const { memory } = temp.store;
    const found = async (query: string) => (await memory.search("p", query, 9)).map((entry) => entry.key);
    await memory.set("p", "favourite-drink", { hot: ["绿茶", 42] }, "test");
    await memory.set("p", "city", "上海的浦东", "test");
    expect(await found("drink")).toEqual(["favourite-drink"]);
    expect(await found("绿茶")).toEqual(["favourite-drink"]);
    expect(await found("hot 42")).toEqual(["favourite-drink"]);
    expect(await found("浦东 上海")).toEqual(["city"]);
    await memory.set("p", "city", "北京", "test");
    expect(await found("上海")).toEqual([]);
    expect(await found("北京")).toEqual(["city"]);
    await memory.delete("p", "city");
    expect(await found("北京")).toEqual([]);
    expect(await found("")).toEqual([]);
  });
});
