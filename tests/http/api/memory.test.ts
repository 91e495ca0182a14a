import { describe, expect, test } from "bun:test";
import { MEMORY_KEY_CHARS, MEMORY_VALUE_BYTES } from "../../../src/tools/memory.ts";
import { openTestServer } from "../../support/server.ts";

describe("/memory", () => {
  test("keeps any JSON value, also null", async () => {
    await using server = await openTestServer();
    for (const value of [
      null,
      false,
      0,
      "",
      "文字 \u0000 \ud83d\ude00",
      [1, [2]],
      { a: { b: null } },
      1e300,
    ]) {
      const written = await server.post("/memory", { key: "k", value });
      expect(written.status).toBe(200);
      const read = await (await server.call("/memory?key=k")).json();
      expect(read).toEqual(await written.json());
      expect(read).toMatchObject({ key: "k", value, source: "api" });
    }
  });

  test("keys are any text, and stand in the address encoded", async () => {
    await using server = await openTestServer();
    for (const key of ["a b", "a/b?c=d&e", "键", "%2f", "token", "a".repeat(MEMORY_KEY_CHARS)]) {
      await server.post("/memory", { key, value: key });
      const read = await server.call(`/memory?key=${encodeURIComponent(key)}`);
      expect([read.status, (await read.json()).value]).toEqual([200, key]);
    }
  });

  test("what is too long or missing is 422", async () => {
    await using server = await openTestServer();
    for (const body of [
      { key: "k" },
      { value: 1 },
      { key: "", value: 1 },
      { key: "a".repeat(MEMORY_KEY_CHARS + 1), value: 1 },
      { key: 1, value: 1 },
      { key: "k", value: "a".repeat(MEMORY_VALUE_BYTES) },
    ])
      expect((await server.post("/memory", body)).status).toBe(422);
    for (const query of [
      "?key=",
      `?key=${"a".repeat(MEMORY_KEY_CHARS + 1)}`,
      "?limit=0",
      "?limit=101",
      "?limit=1.5",
      "?kei=a",
      "?q=",
    ])
      expect([query, (await server.call(`/memory${query}`)).status]).toEqual([query, 422]);
  });

  test("lists page by page, searches, and deletes", async () => {
    await using server = await openTestServer();
    for (const n of [1, 2, 3, 4, 5])
      await server.post("/memory", { key: `k${n}`, value: n === 3 ? "今天天气很好" : n });
    const keys: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const tail: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await (await server.call(`/memory?limit=2${tail}`)).json();
      keys.push(...page.memories.map(({ key }: { key: string }) => key));
      cursor = page.next_cursor;
    }
    expect(keys).toEqual(["k1", "k2", "k3", "k4", "k5"]);
    const found = await (await server.call(`/memory?q=${encodeURIComponent("天气")}`)).json();
    expect(found.memories.map(({ key }: { key: string }) => key)).toEqual(["k3"]);
    expect((await server.call("/memory?key=k3", { method: "DELETE" })).status).toBe(204);
    expect((await server.call("/memory?key=k3", { method: "DELETE" })).status).toBe(404);
    expect((await server.call("/memory", { method: "DELETE" })).status).toBe(422);
  });
});
