import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import { newRun, openTempStore, userMessage } from "../support/store.ts";

const CANCELLED = { status: "cancelled", usage: { inputTokens: 1, outputTokens: 2 } } as const;

/** A run in a session of its own, below another one. */
async function accept(store: Store, id: string, parentRunId?: string): Promise<string> {
  const session = { owner: "api:owner", id: `ses_${id}`, ...(parentRunId ? { parentRunId } : {}) };
  await store.runs.accept(newRun({ id, session, message: userMessage(`walrus ${id}`) }));
  return id;
}
const finish = (store: Store, id: string) => store.runs.finish(id, CANCELLED, { messages: [], events: [] });

/** a gives b and c, b gives d; e stands alone. */
async function tree(store: Store): Promise<void> {
  await accept(store, "a");
  await accept(store, "b", "a");
  await accept(store, "c", "a");
  await accept(store, "d", "b");
  await accept(store, "e");
}

describe("sub-tasks", () => {
  test("are listed below their parent, directly", async () => {
    await using temp = await openTempStore();
    await tree(temp.store);
    const below = async (id: string) => (await temp.store.runs.subTasks(id)).map((run) => run.id);
    expect([await below("a"), await below("b"), await below("d"), await below("none")]).toEqual([
      ["b", "c"],
      ["d"],
      [],
      [],
    ]);
  });

  test("a cancel reaches all below that are open, and nothing beside or above", async () => {
    await using temp = await openTempStore();
    await tree(temp.store);
    await finish(temp.store, "c");
    expect(await temp.store.runs.requestCancel("b")).toEqual(["b", "d"]);
    expect(await temp.store.runs.cancelRequests(["a", "b", "c", "d", "e"])).toEqual(["b", "d"]);
    expect(await temp.store.runs.requestCancel("a")).toEqual(["a", "b", "d"]);
    await finish(temp.store, "a");
    expect(await temp.store.runs.requestCancel("a")).toEqual(["b", "d"]);
  });

  test("a session is not deleted while a sub-task of it is open, and then goes with all of them", async () => {
    await using temp = await openTempStore();
    await tree(temp.store);
    for (const id of ["a", "b", "c"]) await finish(temp.store, id);
    await expect(temp.store.sessions.delete("api:owner/ses_a")).rejects.toMatchObject({ code: "conflict" });
    await finish(temp.store, "d");
    expect(await temp.store.sessions.delete("api:owner/ses_a")).toBe(true);
    expect((await temp.store.runs.list({ limit: 10 })).items.map((run) => run.id)).toEqual(["e"]);
    expect(await temp.store.check()).toEqual([]);
    await accept(temp.store, "f");
    const found = await temp.store.sessions.search("walrus", { limit: 10 });
    expect(found.items.map((hit) => hit.message.runId).toSorted()).toEqual(["e", "f"]); // no words of rows that are gone
  });

  test("of a parent that is not there are refused", async () => {
    await using temp = await openTempStore();
    await expect(accept(temp.store, "x", "none")).rejects.toThrow();
    expect(await temp.store.runs.get("x")).toBeNull();
  });
});

describe("approvals", () => {
  const approval = (id: string) => ({ id, callId: "c", tool: "t", question: "May I?", details: "all of it" });
  const yes = { approved: true, by: "owner" };
  async function asked(store: Store): Promise<void> {
    await accept(store, "a");
    await store.runs.start("a", store.instance);
    const event = { type: "approval.requested", data: "{}" };
    expect(await store.runs.requestApproval("a", approval("p"), [event])).toEqual([{ seq: 1, ...event }]);
    await store.runs.requestApproval("a", approval("q"), []);
  }
  const ids = (list: { id: string }[]) => list.map((one) => one.id);

  test("are open until they are decided, and left until the call begins", async () => {
    await using temp = await openTempStore();
    const { approvals, runs } = temp.store;
    await asked(temp.store);
    expect((await approvals.open("a"))[0]).toMatchObject({ ...approval("p"), runId: "a", decision: null });
    await approvals.decide("a", "p", { ...yes, reason: "fine" });
    expect(ids(await approvals.open("a"))).toEqual(["q"]);
    expect(ids(await approvals.left("a"))).toEqual(["p", "q"]);
    expect((await approvals.decided(["p", "q"])).map(({ id, decision }) => ({ id, decision }))).toEqual([
      { id: "p", decision: { ...yes, reason: "fine" } },
    ]);
    await runs.settleApproval("a", "p", []);
    expect((await approvals.left("a")).map(({ id, settled }) => [id, settled])).toEqual([
      ["p", true],
      ["q", false],
    ]);
    await runs.beginToolCall("a", { id: approval("p").callId, name: "probe", arguments: "{}" }, []);
    expect(ids(await approvals.left("a"))).toEqual(["q"]);
  });

  test("are decided once, of this run, and while it lasts", async () => {
    await using temp = await openTempStore();
    const { approvals } = temp.store;
    await asked(temp.store);
    const other = await temp.another();
    const both = [
      approvals.decide("a", "p", yes),
      other.approvals.decide("a", "p", { ...yes, approved: false }),
    ];
    const outcomes = await Promise.allSettled(both);
    expect(outcomes.map((one) => one.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    await expect(approvals.decide("a", "none", yes)).rejects.toMatchObject({ code: "not_found" });
    await expect(approvals.decide("b", "q", yes)).rejects.toMatchObject({ code: "not_found" });
    await finish(temp.store, "a");
    expect(await approvals.open("a")).toEqual([]);
    await expect(approvals.decide("a", "q", yes)).rejects.toMatchObject({ code: "conflict" });
  });

  test("are asked only by the process that runs the run, and go with its session", async () => {
    await using temp = await openTempStore();
    await asked(temp.store);
    const other = await temp.another();
    const foreign = other.runs.requestApproval("a", approval("r"), []);
    await expect(foreign).rejects.toMatchObject({ code: "conflict" });
    await finish(temp.store, "a");
    await temp.store.sessions.delete("api:owner/ses_a");
    expect(await temp.store.approvals.left("a")).toEqual([]);
  });
});
