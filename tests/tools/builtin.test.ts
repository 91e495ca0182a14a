import { describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import { Value } from "typebox/value";
import { modelTool } from "../../src/agent/model-tools.ts";
import { toolObject } from "../../src/mcp/tool-objects.ts";
import { builtinTools } from "../../src/tools/builtin.ts";
import type { Caller, Tool } from "../../src/tools/contract.ts";
import { delegateTools } from "../../src/tools/delegate.ts";
import { createToolRegistry } from "../../src/tools/registry.ts";
import { terminalTools } from "../../src/tools/terminal/tools.ts";
import { liveConfig } from "../support/agent.ts";
import { newRun, openTempStore, quietLog } from "../support/store.ts";

const A: Caller = { door: "api", principal: "a", scopes: ["chat"] };
const B: Caller = { door: "api", principal: "b", scopes: ["chat"] };

async function open() {
  const temp = await openTempStore();
  const log = quietLog();
  const fetch = () => Promise.reject(new Error("these tests fetch nothing"));
  const tools = builtinTools({
    store: temp.store,
    config: liveConfig(),
    home: dirname(temp.store.path),
    fetch,
    log,
  });
  const registry = createToolRegistry({
    tools: () => tools,
    enabledGroups: () => ["memory", "todolist", "session"],
    log,
  });
  /** Calls as the caller would, and holds every good answer against the tool's own output schema. */
  const call = async (caller: Caller, name: string, input: unknown, runId?: string) => {
    const signal = new AbortController().signal;
    const result = await registry.call(name, input, { caller, signal, ...(runId ? { runId } : {}) });
    const { output } = tools.find((tool) => tool.name === name) as Tool;
    if (!result.isError && output) expect([...Value.Errors(output, result.structured)]).toEqual([]);
    // biome-ignore lint/suspicious/noExplicitAny: the schema has just been checked
    return { ...result, data: result.structured as any };
  };
  return { temp, tools, call, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

describe("memory tools", () => {
  test("write, read, search, delete", async () => {
    await using t = await open();
    await t.call(A, "memory_write", { key: "city", value: { name: "杭州", since: 2020 } }, "run_1");
    expect((await t.call(A, "memory_read", { key: "city" })).data).toMatchObject({
      key: "city",
      value: { name: "杭州", since: 2020 },
      source: "run_1",
    });
    const found = await t.call(A, "memory_search", { query: "杭州" });
    expect(found.data.entries).toMatchObject([{ key: "city", preview: '{"name":"杭州","since":2020}' }]);
    expect((await t.call(A, "memory_delete", { key: "city" })).data).toEqual({ deleted: true });
    expect((await t.call(A, "memory_delete", { key: "city" })).isError).toBe(true);
    expect((await t.call(A, "memory_read", { key: "city" })).isError).toBe(true);
  });

  test("outside of a turn the source is the door", async () => {
    await using t = await open();
    await t.call(A, "memory_write", { key: "k", value: null });
    expect((await t.call(A, "memory_read", { key: "k" })).data).toMatchObject({ source: "api", value: null });
  });

  test("a number that JSON cannot hold is refused, not kept as null", async () => {
    await using t = await open();
    const refused = await t.call(A, "memory_write", { key: "k", value: { big: [JSON.parse("1e999")] } });
    expect(refused).toMatchObject({ isError: true, text: "A number in the value is too large to be kept." });
    expect((await t.call(A, "memory_read", { key: "k" })).isError).toBe(true);
  });

  test("principals do not share memory", async () => {
    await using t = await open();
    await t.call(A, "memory_write", { key: "k", value: "secret of a" });
    expect((await t.call(B, "memory_read", { key: "k" })).isError).toBe(true);
    expect((await t.call(B, "memory_search", { query: "secret" })).data.entries).toEqual([]);
    expect((await t.call(B, "memory_delete", { key: "k" })).isError).toBe(true);
    expect((await t.call(A, "memory_read", { key: "k" })).data.value).toBe("secret of a");
  });

  test("limits of key and value", async () => {
    await using t = await open();
    expect((await t.call(A, "memory_write", { key: "k".repeat(201), value: 1 })).isError).toBe(true);
    expect((await t.call(A, "memory_write", { key: "", value: 1 })).isError).toBe(true);
    expect((await t.call(A, "memory_write", { key: "k" })).isError).toBe(true);
    const fits = "x".repeat(256 * 1024 - 2);
    expect((await t.call(A, "memory_write", { key: "k".repeat(200), value: fits })).isError).toBeUndefined();
    const over = await t.call(A, "memory_write", { key: "k", value: `${fits}x` });
    expect(over.text).toContain("262145 bytes");
  });
});

describe("todolist tools", () => {
  test("create, update, list, and nobody else's", async () => {
    await using t = await open();
    const made = await t.call(A, "todolist_create", {
      todos: [{ title: "one" }, { title: "two", notes: "n" }],
    });
    const [one, two] = made.data.todos;
    expect((await t.call(A, "todolist_update", { id: one.id, status: "completed" })).data.status).toBe(
      "completed",
    );
    expect((await t.call(A, "todolist_list", { status: "pending" })).data.todos).toMatchObject([two]);
    expect((await t.call(A, "todolist_list", {})).data.todos).toHaveLength(2);
    expect((await t.call(B, "todolist_update", { id: two.id, title: "mine" })).isError).toBe(true);
    expect((await t.call(B, "todolist_list", {})).data.todos).toEqual([]);
    expect((await t.call(A, "todolist_update", { id: one.id, status: "done" })).isError).toBe(true);
    expect((await t.call(A, "todolist_create", { todos: [] })).isError).toBe(true);
  });
});

describe("session tools", () => {
  test("search and read one's own, a page at a time", async () => {
    await using t = await open();
    const session = { owner: "api:a", id: "trip" };
    for (let i = 0; i < 60; i++)
      await t.temp.store.runs.accept(
        newRun({ session, message: { role: "user", parts: [{ type: "text", text: `票 number ${i}` }] } }),
      );
    const found = await t.call(A, "session_search", { query: "number" });
    expect(found.data.matches).toHaveLength(10);
    expect(found.data.matches[0]).toMatchObject({ session_id: "trip", role: "user" });
    const first = await t.call(A, "session_read", { session_id: "trip" });
    const rest = await t.call(A, "session_read", { session_id: "trip", cursor: first.data.next_cursor });
    const texts = [...first.data.messages, ...rest.data.messages].map((message) => message.text);
    expect(texts).toEqual(Array.from({ length: 60 }, (_, i) => `票 number ${i}`));
    expect(rest.data.next_cursor).toBeNull();
    expect((await t.call(A, "session_read", { session_id: "trip", cursor: "forged" })).isError).toBe(true);
  });

  test("another owner's session is not there, however it is named", async () => {
    await using t = await open();
    const message = { role: "user" as const, parts: [{ type: "text" as const, text: "private words" }] };
    await t.temp.store.runs.accept(newRun({ session: { owner: "api:a", id: "s1" }, message }));
    const others: Caller[] = [B, { ...A, door: "cli" }, { ...B, scopes: ["admin"] }];
    for (const caller of others) {
      expect((await t.call(caller, "session_search", { query: "private" })).data.matches).toEqual([]);
      for (const session_id of ["s1", "api:a/s1", "../api:a/s1", "a/s1"]) {
        const read = await t.call(caller, "session_read", { session_id });
        expect(read.isError).toBe(true);
        expect(read.text).not.toContain("private words");
      }
    }
  });
});

test("tools/list stays small, and so does what a model is told at every turn", async () => {
  await using t = await open();
  const nobody = undefined as never; // the definitions ask nothing of what runs them
  const tools = [...t.tools, ...terminalTools(nobody, nobody), ...delegateTools(nobody)];
  expect(tools).toHaveLength(22);
  const sizeOf = (shown: unknown[]) => Buffer.byteLength(JSON.stringify(shown));
  expect(sizeOf(tools.map(toolObject))).toBeLessThan(19_500);
  expect(sizeOf(tools.map(modelTool))).toBeLessThan(7_700);
});

test("every tool is fit to be served: names, words, schemas", async () => {
  await using t = await open();
  for (const tool of t.tools) {
    expect(tool.name).toMatch(new RegExp(`^${tool.group}_[a-z]+$`));
    expect(tool.input).toMatchObject({ type: "object", additionalProperties: false });
    expect(tool.output).toMatchObject({ type: "object" });
    expect(tool.description.length).toBeLessThan(120);
  }
});
