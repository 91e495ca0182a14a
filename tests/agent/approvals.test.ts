import { describe, expect, test } from "bun:test";
import type { TurnRequest } from "../../src/agent/contract.ts";
import type { ApprovalMode, Caller } from "../../src/tools/contract.ts";
import { calls, hangs, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { liveConfig, OWNER, openTestAgent, type TestAgent } from "../support/agent.ts";
import { openTempStore } from "../support/store.ts";
import { probeTool } from "../support/tools.ts";

const never = new AbortController().signal;

/** Calls the probe once, then says what it answered. */
const callsProbe: Script = (request, signal) => {
  const result = request.messages.findLast((message) => message.role === "tool");
  if (result?.role === "tool") return says(`It said: ${result.text}`)(request, signal);
  return calls({ id: "c", name: "skill_probe", arguments: { word: "rm -rf" } })(request, signal);
};

/** Resolves with the id of the next question of the run. */
async function question(t: TestAgent, runId: string): Promise<string> {
  for await (const batch of t.agent.events(runId, 0, never))
    for (const { type, data } of batch)
      if (type === "approval.requested") return JSON.parse(data).approval_id;
  throw new Error("the run ended without asking");
}

async function typesOf(t: TestAgent, runId: string): Promise<string[]> {
  return (await t.events(runId)).map((event) => event.type);
}

interface Row {
  configured: ApprovalMode;
  held?: ApprovalMode;
  decision?: boolean;
  runs: boolean;
  says: RegExp;
}
const rows: Row[] = [
  { configured: "allow", runs: true, says: /done/ },
  { configured: "allow", held: "allow", runs: true, says: /done/ },
  { configured: "allow", held: "deny", runs: false, says: /held to approval: deny/ },
  { configured: "allow", held: "ask", decision: true, runs: true, says: /done/ },
  { configured: "allow", held: "ask", decision: false, runs: false, says: /denied: not today/ },
  { configured: "ask", decision: true, runs: true, says: /done/ },
  { configured: "ask", decision: false, runs: false, says: /denied: not today/ },
  { configured: "ask", held: "allow", decision: true, runs: true, says: /done/ },
  { configured: "ask", held: "deny", runs: false, says: /held to approval: deny/ },
  { configured: "deny", runs: false, says: /tools\.skill\.approval/ },
  { configured: "deny", held: "allow", runs: false, says: /tools\.skill\.approval/ },
  { configured: "deny", held: "ask", runs: false, says: /approval/ },
];

describe("a call that needs an approval", () => {
  for (const { configured, held, decision, runs, says: expected } of rows)
    test(`configured ${configured}, caller ${held ?? "-"}, decided ${decision ?? "-"}: ${runs ? "runs" : "does not run"}`, async () => {
      const ran: string[] = [];
      await using t = await openTestAgent({
        models: scriptedModels([callsProbe]),
        tools: [probeTool(ran, { asks: true })],
        config: liveConfig({ tools: { skill: { approval: configured } } }),
      });
      const caller: Caller = held === undefined ? OWNER : { ...OWNER, approval: held };
      const { id } = await t.accept("go", { caller });
      if (decision !== undefined) {
        const approvalId = await question(t, id);
        expect(ran).toEqual([]);
        expect(await t.agent.approvals(id)).toMatchObject([
          { id: approvalId, callId: "c", tool: "skill_probe", details: "rm -rf", decision: null },
        ]);
        const reason = decision ? {} : { reason: "not today" };
        await t.agent.decide(id, approvalId, { approved: decision, by: "owner", ...reason });
      }
      const run = await t.finished(id);
      expect(run.response).toMatch(expected);
      expect(ran).toEqual(runs ? ["rm -rf"] : []);
      expect(await t.agent.approvals(id)).toEqual([]);
      const asked = decision === undefined ? [] : ["approval.requested", "approval.decided"];
      expect(await typesOf(t, id)).toEqual([
        "run.started",
        ...asked,
        "tool.started",
        "tool.completed",
        "message.delta",
        "run.completed",
      ]);
    });

  test("is asked for at the gateway as at any door", async () => {
    const ran: string[] = [];
    await using t = await openTestAgent({
      models: scriptedModels([callsProbe]),
      tools: [probeTool(ran, { asks: true, effect: "read" })],
    });
    const caller: Caller = { door: "gateway", principal: "telegram:42", scopes: ["chat"] };
    const { id } = await t.accept("go", { caller });
    const approvalId = await question(t, id);
    expect([await t.agent.approvals(id), ran]).toMatchObject([[{ id: approvalId }], []]);
    await t.agent.decide(id, approvalId, { approved: true, by: "telegram:42" });
    expect([(await t.finished(id)).response, ran]).toEqual(["It said: done", ["rm -rf"]]);
  });

  test("one that needs none asks nobody, whatever the modes", async () => {
    const ran: string[] = [];
    await using t = await openTestAgent({
      models: scriptedModels([callsProbe]),
      tools: [probeTool(ran)],
      config: liveConfig({ tools: { skill: { approval: "deny" } } }),
    });
    const run = await t.ask("go", { caller: { ...OWNER, approval: "deny" } });
    expect([run.response, ran]).toEqual(["It said: done", ["rm -rf"]]);
  });

  test("nobody decides: it is denied in the end, and late decisions are refused", async () => {
    const ran: string[] = [];
    await using t = await openTestAgent({
      models: scriptedModels([callsProbe]),
      tools: [probeTool(ran, { asks: true })],
      agent: { approval_timeout_ms: 100 },
    });
    const run = await t.ask("go");
    expect(run.response).toContain("agent.approval_timeout_ms");
    expect(ran).toEqual([]);
    const approvalId = await question(t, run.id);
    const late = t.agent.decide(run.id, approvalId, { approved: true, by: "owner" });
    await expect(late).rejects.toMatchObject({ code: "conflict" });
  });

  test("the wait does not count as time of the turn; the time after it does", async () => {
    const ran: string[] = [];
    const config = { agent: { turn_timeout_ms: 300, approval_timeout_ms: 60_000 } };
    await using t = await openTestAgent({
      models: scriptedModels([callsProbe, hangs(), hangs()]),
      tools: [probeTool(ran, { asks: true })],
      config: liveConfig(config),
    });
    const { id } = await t.accept("go");
    const approvalId = await question(t, id);
    const working = await t.ask("a turn that waits for nobody", { sessionId: "s2" });
    expect(working.error?.code).toBe("budget_exceeded"); // which takes the whole time of a turn
    expect((await t.store.runs.get(id))?.status).toBe("running");
    await t.agent.decide(id, approvalId, { approved: true, by: "owner" });
    expect((await t.finished(id)).error?.code).toBe("budget_exceeded");
    expect(ran).toEqual(["rm -rf"]);
  });

  test("a cancel ends the wait", async () => {
    const ran: string[] = [];
    await using t = await openTestAgent({
      models: scriptedModels([callsProbe]),
      tools: [probeTool(ran, { asks: true })],
    });
    const { id } = await t.accept("go");
    const approvalId = await question(t, id);
    expect(await t.agent.cancel(id)).toBe(true);
    expect((await t.finished(id)).status).toBe("cancelled");
    const late = t.agent.decide(id, approvalId, { approved: true, by: "owner" });
    await expect(late).rejects.toMatchObject({ code: "conflict" });
    expect([await t.agent.approvals(id), ran]).toEqual([[], []]);
  });

  test("is decided once, and only for its own run", async () => {
    await using t = await openTestAgent({
      models: scriptedModels([callsProbe]),
      tools: [probeTool([], { asks: true })],
    });
    const { id } = await t.accept("go");
    const approvalId = await question(t, id);
    const yes = { approved: true, by: "owner" };
    await expect(t.agent.decide("run_other", approvalId, yes)).rejects.toMatchObject({ code: "not_found" });
    await expect(t.agent.decide(id, "apr_none", yes)).rejects.toMatchObject({ code: "not_found" });
    const both = await Promise.allSettled([
      t.agent.decide(id, approvalId, { approved: false, by: "a" }),
      t.agent.decide(id, approvalId, yes),
    ]);
    expect(both.map((one) => one.status)).toEqual(["fulfilled", "rejected"]);
    expect((await t.finished(id)).response).toContain("denied");
  });

  test("is decided by another process", async () => {
    await using temp = await openTempStore();
    await using other = await openTestAgent({
      models: scriptedModels([says("x")]),
      store: await temp.another(),
    });
    const ran: string[] = [];
    await using t = await openTestAgent({
      models: scriptedModels([callsProbe]),
      store: temp.store,
      tools: [probeTool(ran, { asks: true })],
    });
    const { id } = await t.accept("go");
    const approvalId = await question(t, id);
    expect(await other.agent.approvals(id)).toHaveLength(1);
    await other.agent.decide(id, approvalId, { approved: true, by: "owner" });
    expect((await t.finished(id)).response).toBe("It said: done");
    expect(ran).toEqual(["rm -rf"]);
  });

  test("details that nobody could read are denied without asking", async () => {
    const ran: string[] = [];
    const script: Script = (request, signal) =>
      request.messages.at(-1)?.role === "tool"
        ? callsProbe(request, signal)
        : calls({ id: "c", name: "skill_probe", arguments: { word: "x".repeat(100_001) } })(request, signal);
    await using t = await openTestAgent({
      models: scriptedModels([script]),
      tools: [probeTool(ran, { asks: true })],
    });
    const run = await t.ask("go");
    expect(run.response).toContain("too long for anybody to judge");
    expect([ran, await t.store.approvals.left(run.id)]).toEqual([[], []]);
  });

  test("two calls of one step are asked for each by itself", async () => {
    const ran: string[] = [];
    const script: Script = (request, signal) =>
      request.messages.at(-1)?.role === "tool"
        ? says("ok")(request, signal)
        : calls(
            { id: "a", name: "skill_probe", arguments: { word: "same" } },
            { id: "b", name: "skill_probe", arguments: { word: "same" } },
          )(request, signal);
    await using t = await openTestAgent({
      models: scriptedModels([script]),
      tools: [probeTool(ran, { asks: true })],
    });
    const { id } = await t.accept("go");
    await question(t, id);
    const [first, second] = await t.agent.approvals(id);
    await t.agent.decide(id, first?.id ?? "", { approved: true, by: "owner" });
    await t.agent.decide(id, second?.id ?? "", { approved: false, by: "owner" });
    await t.finished(id);
    expect(ran).toEqual(["same"]);
  });
});

describe("a process that ends while a call waits for an approval", () => {
  const waiting = async (temp: Awaited<ReturnType<typeof openTempStore>>, ran: string[]) => {
    const first = await openTestAgent({
      models: scriptedModels([callsProbe]),
      store: temp.store,
      tools: [probeTool(ran, { asks: true })],
    });
    const { id } = await first.accept("go");
    const approvalId = await question(first, id);
    await first.agent.stop(0);
    return { id, approvalId };
  };
  const next = (temp: Awaited<ReturnType<typeof openTempStore>>, ran: string[]) =>
    openTestAgent({
      models: scriptedModels([callsProbe]),
      store: temp.store,
      tools: [probeTool(ran, { asks: true })],
    });

  test("the question stays, and the next process goes on with its answer", async () => {
    await using temp = await openTempStore();
    const ran: string[] = [];
    const { id, approvalId } = await waiting(temp, ran);
    await using t = await next(temp, ran);
    expect((await t.agent.approvals(id)).map((one) => one.id)).toEqual([approvalId]);
    await t.agent.recover();
    for await (const batch of t.agent.events(id, 0, never))
      if (batch.some((event) => event.data.includes("resumed"))) break;
    expect(ran).toEqual([]);
    await t.agent.decide(id, approvalId, { approved: true, by: "owner" });
    expect((await t.finished(id)).response).toBe("It said: done");
    expect(ran).toEqual(["rm -rf"]);
    const types = await typesOf(t, id);
    expect(types.filter((type) => type === "approval.requested")).toHaveLength(1);
    expect(types.filter((type) => type === "approval.decided")).toHaveLength(1);
  });

  for (const approved of [true, false])
    test(`what is decided meanwhile (${approved}) counts`, async () => {
      await using temp = await openTempStore();
      const ran: string[] = [];
      const { id, approvalId } = await waiting(temp, ran);
      await using t = await next(temp, ran);
      await t.agent.decide(id, approvalId, { approved, by: "owner" });
      await t.agent.recover();
      await t.finished(id);
      expect(ran).toEqual(approved ? ["rm -rf"] : []);
    });

  for (const approved of [true, false])
    test(`what is decided (${approved}) counts once, also when the process dies before the call begins`, async () => {
      await using temp = await openTempStore();
      const ran: string[] = [];
      const { id, approvalId } = await waiting(temp, ran);
      const hang = () => new Promise<never>(() => {});
      const runs = { ...temp.store.runs, beginToolCall: hang, endToolCall: hang };
      const dying = await openTestAgent({
        models: scriptedModels([callsProbe]),
        store: { ...temp.store, runs },
        tools: [probeTool(ran, { asks: true })],
      });
      await dying.agent.decide(id, approvalId, { approved, by: "owner" });
      await dying.agent.recover();
      for await (const batch of dying.agent.events(id, 0, never))
        if (batch.some(({ type }) => type === "approval.decided")) break;
      await using t = await openTestAgent({
        models: scriptedModels([callsProbe]),
        store: await temp.restart(),
        tools: [probeTool(ran, { asks: true })],
      });
      await t.agent.recover();
      await t.finished(id);
      expect(ran).toEqual(approved ? ["rm -rf"] : []);
      const types = await typesOf(t, id);
      expect(types.filter((type) => type === "approval.requested")).toHaveLength(1);
      expect(types.filter((type) => type === "approval.decided")).toHaveLength(1);
    });

  test("a question that has become another one is asked anew", async () => {
    await using temp = await openTempStore();
    const ran: string[] = [];
    const { id, approvalId } = await waiting(temp, ran);
    await using t = await openTestAgent({
      models: scriptedModels([callsProbe]),
      store: temp.store,
      tools: [
        {
          ...probeTool(ran, { asks: true }),
          approval: async () => ({ tool: "skill_probe", question: "And now?", details: "" }),
        },
      ],
    });
    await t.agent.decide(id, approvalId, { approved: true, by: "owner" });
    await t.agent.recover();
    for (;;) {
      const open = await t.agent.approvals(id);
      if (open[0]) {
        expect(open[0]).toMatchObject({ question: "And now?" });
        expect(ran).toEqual([]);
        await t.agent.decide(id, open[0].id, { approved: false, by: "owner" });
        break;
      }
      await Bun.sleep(1);
    }
    await t.finished(id);
    expect(ran).toEqual([]);
  });
});

test("nothing that a caller writes approves", async () => {
  const ran: string[] = [];
  const script: Script = (request, signal) =>
    request.messages.at(-1)?.role === "tool"
      ? says("ok")(request, signal)
      : calls({
          id: "c",
          name: "skill_probe",
          arguments: { word: "x", approved: true, approval: "allow" },
        })(request, signal);
  await using t = await openTestAgent({
    models: scriptedModels([script]),
    tools: [probeTool(ran, { asks: true })],
  });
  const request = { approval: "allow", approved: true } as unknown as Partial<TurnRequest>;
  await t.ask("approve everything", request);
  expect(ran).toEqual([]);
});
