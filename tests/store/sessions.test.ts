import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import type { Page } from "../../src/store/records.ts";
import { newRun, openTempStore, userMessage } from "../support/store.ts";

const CANCELLED = { status: "cancelled", usage: { inputTokens: 0, outputTokens: 0 } } as const;

/** Says something in a session and ends the run. */
async function say(store: Store, owner: string, id: string, text: string): Promise<void> {
  const { run } = await store.runs.accept(newRun({ session: { owner, id }, message: userMessage(text) }));
  await store.runs.finish(run.id, CANCELLED, { messages: [], events: [] });
}

/** Every item, page by page. */
async function collect<T>(read: (cursor?: string) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await read(cursor);
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
  }
}

describe("sessions", () => {
  test("are listed newest first, page by page, also when many changed in the same millisecond", async () => {
    let time = 0;
    await using temp = await openTempStore({ clock: () => Math.floor(time++ / 8) });
    for (let i = 0; i < 11; i++) await say(temp.store, i % 2 ? "odd" : "even", `s${i}`, "hello");
    const list = (owner?: string) =>
      collect((cursor) =>
        temp.store.sessions.list({ limit: 3, ...(owner ? { owner } : {}), ...(cursor ? { cursor } : {}) }),
      );
    const all = await list();
    expect(all.map((session) => session.updatedAt)).toEqual(
      all.map((session) => session.updatedAt).toSorted((a, b) => b - a),
    );
    expect(new Set(all.map((session) => session.key)).size).toBe(11);
    expect((await list("odd")).map((session) => session.id).toSorted()).toEqual([
      "s1",
      "s3",
      "s5",
      "s7",
      "s9",
    ]);
    expect(await list("nobody")).toEqual([]);
  });

  test("messages come oldest first, or from the newest backwards, page by page", async () => {
    await using temp = await openTempStore();
    for (let i = 0; i < 7; i++) await say(temp.store, "o", "s", `m${i}`);
    await say(temp.store, "o", "other", "elsewhere");
    const texts = (newest: boolean) =>
      collect(async (cursor) => {
        const page = await temp.store.sessions.messages("o/s", {
          limit: 3,
          newest,
          ...(cursor ? { cursor } : {}),
        });
        return { ...page, items: [page.items.map((message) => message.parts[0])] };
      });
    const part = (i: number) => ({ type: "text", text: `m${i}` }) as const;
    expect(await texts(false)).toEqual([[part(0), part(1), part(2)], [part(3), part(4), part(5)], [part(6)]]);
    expect(await texts(true)).toEqual([[part(4), part(5), part(6)], [part(1), part(2), part(3)], [part(0)]]);
  });

  test("a cursor of another list is refused", async () => {
    await using temp = await openTempStore();
    for (const cursor of ["", "x", "e30", "WzFd!", "bnVsbA", Buffer.from('["a","b"]').toString("base64url")])
      await expect(temp.store.sessions.list({ limit: 3, cursor })).rejects.toMatchObject({
        code: "invalid_request",
      });
  });

  test("are deleted with everything they hold, but not while a run is open", async () => {
    await using temp = await openTempStore();
    const { run } = await temp.store.runs.accept(newRun({ message: userMessage("unforgettable") }));
    await expect(temp.store.sessions.delete("api:owner/s1")).rejects.toMatchObject({ code: "conflict" });
    await temp.store.runs.finish(run.id, CANCELLED, {
      messages: [],
      events: [{ type: "run.failed", data: "{}" }],
    });
    await say(temp.store, "api:owner", "s2", "unforgettable too");
    expect(await temp.store.sessions.delete("api:owner/s1")).toBe(true);
    expect(await temp.store.sessions.delete("api:owner/s1")).toBe(false);
    expect(await temp.store.runs.get(run.id)).toBeNull();
    expect(await temp.store.runs.events(run.id, 0, 9)).toEqual([]);
    const left = (await temp.store.sessions.search("unforgettable", { limit: 9 })).items;
    expect(left.map((hit) => hit.message.sessionKey)).toEqual(["api:owner/s2"]);
    expect(await temp.store.check()).toEqual([]);
  });

  test("keep a summary", async () => {
    await using temp = await openTempStore();
    await say(temp.store, "o", "s", "hello");
    expect(await temp.store.sessions.summary("o/s")).toBeNull();
    await temp.store.sessions.saveSummary("o/s", { text: "they greeted", throughId: 1 });
    await temp.store.sessions.saveSummary("o/s", { text: "they talked", throughId: 4 });
    expect(await (await temp.restart()).sessions.summary("o/s")).toEqual({
      text: "they talked",
      throughId: 4,
    });
    expect(await temp.store.sessions.summary("o/none")).toBeNull();
    await expect(temp.store.sessions.saveSummary("o/none", { text: "", throughId: 1 })).rejects.toMatchObject(
      {
        code: "not_found",
      },
    );
  });
});

describe("search", () => {
  test("stays within the owner or the session, and pages", async () => {
    await using temp = await openTempStore();
    for (let i = 0; i < 5; i++) await say(temp.store, "a", "s1", `tea number ${i}`);
    await say(temp.store, "a", "s2", "tea elsewhere");
    await say(temp.store, "b", "s1", "tea of a stranger");
    const find = (page: { owner?: string; sessionKey?: string }) =>
      collect((cursor) =>
        temp.store.sessions.search("tea", { limit: 2, ...page, ...(cursor ? { cursor } : {}) }),
      );
    expect(await find({})).toHaveLength(7);
    expect((await find({ owner: "b" })).map((hit) => hit.snippet)).toEqual(["tea of a stranger"]);
    const inSession = await find({ owner: "a", sessionKey: "a/s1" });
    expect(new Set(inSession.map((hit) => hit.message.id)).size).toBe(5);
    expect(await find({ owner: "a", sessionKey: "b/s1" })).toEqual([]);
  });

  test("ranks the whole word before the beginning of another, and all words before some", async () => {
    await using temp = await openTempStore();
    await say(temp.store, "o", "s", "the deployment of the new server took all night");
    await say(temp.store, "o", "s", "we deploy the new server on monday");
    const snippets = async (query: string) =>
      (await temp.store.sessions.search(query, { limit: 9 })).items.map((hit) => hit.snippet.slice(0, 13));
    expect(await snippets("deploy")).toEqual(["we deploy the", "the deploymen"]);
    expect(await snippets("deploy night")).toEqual(["the deploymen"]);
    expect(await snippets("monday midnight")).toEqual(["we deploy the"]);
  });

  test("finds what people wrote and not the results of tools", async () => {
    await using temp = await openTempStore();
    const { run } = await temp.store.runs.accept(newRun({ message: userMessage("look it up") }));
    await temp.store.runs.start(run.id, temp.store.instance);
    await temp.store.runs.recordStep(run.id, {
      messages: [
        { role: "tool", parts: [{ type: "text", text: "zebra in a table" }], toolCallId: "c" },
        { role: "assistant", parts: [{ type: "text", text: "It is a zebra." }] },
      ],
      events: [],
    });
    const hits = (await temp.store.sessions.search("zebra", { limit: 9 })).items;
    expect(hits.map((hit) => hit.message.role)).toEqual(["assistant"]);
  });
});
