import { describe, expect, test } from "bun:test";
import { openTempStore } from "../support/store.ts";

const UNTOUCHED = { sessionId: null, model: null };

describe("chats", () => {
  test("keep what was chosen in them, over a restart", async () => {
    await using temp = await openTempStore();
    expect(await temp.store.chats.get("telegram:/42/")).toEqual(UNTOUCHED);
    await temp.store.chats.save("telegram:/42/", { sessionId: "s2", model: "a/b" });
    await temp.store.chats.save("telegram:/42/", { sessionId: "s3", model: null });
    const { chats } = await temp.restart();
    expect(await chats.get("telegram:/42/")).toEqual({ sessionId: "s3", model: null });
    expect(await chats.get("telegram:/43/")).toEqual(UNTOUCHED);
  });

  test("move with their threads and people to another address, and no others do", async () => {
    await using temp = await openTempStore();
    const { chats } = temp.store;
    const of = (sessionId: string) => ({ sessionId, model: null });
    await chats.save("t/-4/", of("whole"));
    await chats.save("t/-4/7/ann", of("thread"));
    await chats.save("t/-44/", of("neighbour"));
    await chats.save("x/t/-4/", of("elsewhere"));
    await chats.moveChat("t/-4/", "t/-1004/");
    expect(await chats.get("t/-1004/")).toEqual(of("whole"));
    expect(await chats.get("t/-1004/7/ann")).toEqual(of("thread"));
    expect(await chats.get("t/-4/")).toEqual(UNTOUCHED);
    expect(await chats.get("t/-4/7/ann")).toEqual(UNTOUCHED);
    expect(await chats.get("t/-44/")).toEqual(of("neighbour"));
    expect(await chats.get("x/t/-4/")).toEqual(of("elsewhere"));
  });

  test("keep what was chosen at the new address already, also when the move is told twice", async () => {
    await using temp = await openTempStore();
    const { chats } = temp.store;
    await chats.save("old/", { sessionId: "before", model: null });
    await chats.save("new/", { sessionId: "after", model: "m" });
    for (let told = 0; told < 2; told++) await chats.moveChat("old/", "new/");
    expect(await chats.get("new/")).toEqual({ sessionId: "after", model: "m" });
    expect(await chats.get("old/")).toEqual(UNTOUCHED);
  });

  test("take every sign of a key as itself", async () => {
    await using temp = await openTempStore();
    const { chats } = temp.store;
    await chats.save("a%_群😀/1", { sessionId: "odd", model: null });
    await chats.save("abc群😀/1", { sessionId: "plain", model: null });
    await chats.moveChat("a%_群😀/", "b/");
    expect((await chats.get("b/1")).sessionId).toBe("odd");
    expect((await chats.get("abc群😀/1")).sessionId).toBe("plain");
  });
});

describe("moves of chats", () => {
  const move = (from: string, to: string, account = "") => ({ platform: "telegram", account, from, to });

  test("are remembered for the account, over a restart, and told as new once", async () => {
    await using temp = await openTempStore();
    expect(await temp.store.chats.recordMove(move("-5", "-1005"))).toBe(true);
    expect(await temp.store.chats.recordMove(move("-5", "-1005"))).toBe(false);
    const { chats } = await temp.restart();
    expect(await chats.formerIds("telegram", "", "-1005")).toEqual(["-5"]);
    expect(await chats.formerIds("telegram", "", "-5")).toEqual([]);
    expect(await chats.formerIds("telegram", "work", "-1005")).toEqual([]);
    expect(await chats.formerIds("slack", "", "-1005")).toEqual([]);
  });

  test("are followed back to the first id", async () => {
    await using temp = await openTempStore();
    const { chats } = temp.store;
    await chats.recordMove(move("a", "b"));
    await chats.recordMove(move("b", "c"));
    expect(await chats.formerIds("telegram", "", "c")).toEqual(["b", "a"]);
  });

  test("that lead in a circle end", async () => {
    await using temp = await openTempStore();
    const { chats } = temp.store;
    await chats.recordMove(move("a", "b"));
    await chats.recordMove(move("b", "a"));
    await chats.recordMove(move("c", "c"));
    expect(await chats.formerIds("telegram", "", "b")).toEqual(["a"]);
    expect(await chats.formerIds("telegram", "", "c")).toEqual([]);
  });

  test("of a chat that had another id already change nothing", async () => {
    await using temp = await openTempStore();
    const { chats } = temp.store;
    await chats.recordMove(move("a", "c"));
    expect(await chats.recordMove(move("b", "c"))).toBe(false);
    expect(await chats.formerIds("telegram", "", "c")).toEqual(["a"]);
  });
});
