import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Store } from "../../src/store/contract.ts";
import { openTempStore } from "../support/store.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const person = (userId: string, account = "") => ({
  platform: "telegram",
  account,
  userId,
  name: `Name of ${userId}`,
  chat: `chat of ${userId}`,
  extra: { language: "zh" },
});
const ask = (store: Store, userId: string, code: string, account = "") =>
  store.pairings.request(person(userId, account), () => code);
const outcome = async (store: Store, userId: string, account = "") =>
  (await ask(store, userId, "ZZZZZZZZ", account)).outcome;
const approve = (store: Store, code: string) => store.pairings.approve("telegram", code, "cli");
const guess = async (store: Store, times: number) => {
  const codes: string[] = [];
  for (let i = 0; i < times; i++)
    codes.push(await approve(store, "WRONGWRO").then(String, (error) => error.code));
  return codes;
};
const users = async (store: Store) => (await store.pairings.list()).map((one) => one.userId);

describe("a code", () => {
  test("lets whoever asked for it in, for this account, over a restart", async () => {
    let time = 1_000;
    await using temp = await openTempStore({ clock: () => time });
    expect(await ask(temp.store, "ann", "ABCD2345")).toEqual({
      outcome: "code",
      code: "ABCD2345",
      expiresAt: 1_000 + HOUR_MS,
    });
    expect(await temp.store.pairings.isApproved("telegram", "", "ann")).toBe(false);
    time = 2_000;
    const approved = await approve(await temp.restart(), "ABCD2345");
    expect(approved).toEqual({
      ...person("ann"),
      status: "approved",
      createdAt: 1_000,
      expiresAt: null,
      approvedAt: 2_000,
      approvedBy: "cli",
    });
    const { pairings } = await temp.restart();
    expect(await pairings.list()).toEqual([approved]);
    expect(await pairings.isApproved("telegram", "", "ann")).toBe(true);
    expect(await pairings.isApproved("telegram", "second", "ann")).toBe(false);
    expect(await pairings.isApproved("slack", "", "ann")).toBe(false);
    expect(await pairings.isApproved("telegram", "", "bob")).toBe(false);
  });

  test("lets in and tells so in one step: both or neither are on disk", async () => {
    await using temp = await openTempStore();
    await ask(temp.store, "ann", "ABCD2345");
    const tell = ({ userId, chat }: { userId: string; chat: string }) => ({
      id: `dlv_${userId}`,
      kind: "notice" as const,
      target: { platform: "telegram", account: "", chat },
      text: "welcome",
    });
    const fails = () => {
      throw new Error("no words");
    };
    await expect(temp.store.pairings.approve("telegram", "ABCD2345", "cli", fails)).rejects.toThrow();
    expect(await temp.store.pairings.isApproved("telegram", "", "ann")).toBe(false);
    await expect(temp.store.pairings.approve("telegram", "WRONGWRO", "cli", tell)).rejects.toMatchObject({
      code: "not_found",
    });
    expect((await temp.store.deliveries.list({ limit: 5 })).items).toEqual([]);
    await temp.store.pairings.approve("telegram", "ABCD2345", "cli", tell);
    expect((await temp.store.deliveries.list({ limit: 5 })).items).toMatchObject([
      { id: "dlv_ann", status: "due", text: "welcome", target: { chat: "chat of ann" } },
    ]);
  });

  test("is taken in either case, with spaces and dashes, and once", async () => {
    await using temp = await openTempStore();
    await ask(temp.store, "ann", "ABCD2345");
    expect((await approve(temp.store, " abcd-23 45 ")).userId).toBe("ann");
    await expect(approve(temp.store, "ABCD2345")).rejects.toMatchObject({ code: "not_found" });
    expect(await outcome(temp.store, "ann")).toBe("known");
  });

  test("is of one platform", async () => {
    await using temp = await openTempStore();
    await ask(temp.store, "ann", "ABCD2345");
    await expect(temp.store.pairings.approve("slack", "ABCD2345", "cli")).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await temp.store.pairings.isApproved("telegram", "", "ann")).toBe(false);
  });

  test("expires after an hour", async () => {
    let time = 0;
    await using temp = await openTempStore({ clock: () => time });
    await ask(temp.store, "ann", "ABCD2345");
    time = HOUR_MS - 1;
    expect(await temp.store.pairings.list()).toMatchObject([{ userId: "ann", status: "pending" }]);
    time = HOUR_MS;
    expect(await temp.store.pairings.list()).toEqual([]);
    await expect(approve(temp.store, "ABCD2345")).rejects.toMatchObject({ code: "not_found" });
  });

  test("is kept nowhere in the clear", async () => {
    await using temp = await openTempStore();
    await ask(temp.store, "ann", "QWERTY23");
    const bytes = () =>
      [temp.path, `${temp.path}-wal`].map((path) => readFileSync(path, "latin1").toUpperCase()).join("");
    expect(bytes()).toContain("NAME OF ANN");
    expect(bytes()).not.toContain("QWERTY23");
  });

  test("approves once when two processes enter it at the same time", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    await ask(temp.store, "ann", "ABCD2345");
    const both = await Promise.allSettled([approve(temp.store, "ABCD2345"), approve(other, "ABCD2345")]);
    expect(both.map((one) => one.status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("requests", () => {
  test("of one person give a code once in ten minutes, and the later code replaces the earlier", async () => {
    let time = 0;
    await using temp = await openTempStore({ clock: () => time });
    expect((await ask(temp.store, "ann", "AAAAAAAA")).outcome).toBe("code");
    time = 10 * MINUTE_MS - 1;
    expect(await ask(temp.store, "ann", "BBBBBBBB")).toEqual({ outcome: "known" });
    time = 10 * MINUTE_MS;
    expect(await ask(temp.store, "ann", "CCCCCCCC")).toMatchObject({
      outcome: "code",
      expiresAt: time + HOUR_MS,
    });
    expect(await users(temp.store)).toEqual(["ann"]);
    await expect(approve(temp.store, "AAAAAAAA")).rejects.toMatchObject({ code: "not_found" });
    expect((await approve(temp.store, "CCCCCCCC")).userId).toBe("ann");
  });

  test("are open for three people of an account, until one is approved or expires", async () => {
    let time = 0;
    await using temp = await openTempStore({ clock: () => time });
    for (const [i, id] of ["ann", "bob", "cid"].entries()) {
      time = i * MINUTE_MS;
      expect((await ask(temp.store, id, `CODE000${i}`)).outcome).toBe("code");
    }
    expect(await outcome(temp.store, "dan")).toBe("too_many");
    expect(await outcome(temp.store, "dan", "second")).toBe("code"); // another account has its own three
    time = 15 * MINUTE_MS;
    expect(await outcome(temp.store, "cid")).toBe("code"); // in the place of their own
    expect(await outcome(temp.store, "dan")).toBe("too_many");
    await approve(temp.store, "CODE0001");
    expect(await outcome(temp.store, "dan")).toBe("code");
    time = HOUR_MS;
    expect(await outcome(temp.store, "eve")).toBe("code"); // in the place of ann's
    expect(await users(temp.store)).toEqual(["eve", "dan", "cid", "dan", "bob"]);
  });

  test("that come at once, here and elsewhere, give one code", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const answers = await Promise.all(
      [temp.store, other, temp.store, other].map((store) => outcome(store, "ann")),
    );
    expect(answers.toSorted()).toEqual(["code", "known", "known", "known"]);
  });
});

describe("wrong codes", () => {
  test("in a row, five of them, lock the platform for an hour, whoever asks and also over a restart", async () => {
    let time = 0;
    await using temp = await openTempStore({ clock: () => time });
    await ask(temp.store, "ann", "ABCD2345");
    expect(await guess(temp.store, 4)).toEqual(Array(4).fill("not_found"));
    const store = await temp.restart();
    expect(await guess(store, 2)).toEqual(["not_found", "locked_out"]);
    const locked = approve(await temp.restart(), "ABCD2345");
    await expect(locked).rejects.toMatchObject({ code: "locked_out", retryAfterMs: HOUR_MS });
    expect(await outcome(temp.store, "bob")).toBe("locked");
    const elsewhere = { ...person("ann"), platform: "slack" };
    expect((await temp.store.pairings.request(elsewhere, () => "SLACK234")).outcome).toBe("code");
    expect((await temp.store.pairings.approve("slack", "SLACK234", "cli")).userId).toBe("ann");
    time = HOUR_MS;
    expect((await ask(temp.store, "bob", "EFGH2345")).outcome).toBe("code");
    expect(await guess(temp.store, 4)).toEqual(Array(4).fill("not_found")); // counted anew
    expect((await approve(temp.store, "EFGH2345")).userId).toBe("bob");
  });

  test("are forgotten after a right one", async () => {
    await using temp = await openTempStore();
    await ask(temp.store, "ann", "ABCD2345");
    await guess(temp.store, 4);
    await approve(temp.store, "ABCD2345");
    expect(await guess(temp.store, 6)).toEqual([...Array(5).fill("not_found"), "locked_out"]);
  });

  test("are counted together over processes", async () => {
    await using temp = await openTempStore();
    const other = await temp.another();
    const answers = await Promise.all([guess(temp.store, 4), guess(other, 4)]);
    expect(answers.flat().filter((code) => code === "not_found")).toHaveLength(5);
    expect(answers.flat().filter((code) => code === "locked_out")).toHaveLength(3);
  });
});

describe("revoke", () => {
  test("takes somebody out of all accounts of a platform, at once", async () => {
    await using temp = await openTempStore();
    const { pairings } = temp.store;
    await ask(temp.store, "ann", "AAAAAAAA");
    await approve(temp.store, "AAAAAAAA");
    await ask(temp.store, "ann", "BBBBBBBB", "second");
    await ask(temp.store, "bob", "CCCCCCCC");
    expect(await pairings.revoke("slack", "ann")).toBe(false);
    expect(await pairings.revoke("telegram", "ann")).toBe(true);
    expect(await pairings.revoke("telegram", "ann")).toBe(false);
    expect(await pairings.isApproved("telegram", "", "ann")).toBe(false);
    await expect(approve(temp.store, "BBBBBBBB")).rejects.toMatchObject({ code: "not_found" });
    expect(await users(temp.store)).toEqual(["bob"]);
    expect(await outcome(temp.store, "ann")).toBe("code");
  });
});
