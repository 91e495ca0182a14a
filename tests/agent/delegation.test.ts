import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AppError } from "../../src/lib/errors.ts";
import type { ModelMessage } from "../../src/models/contract.ts";
import type { Store } from "../../src/store/contract.ts";
import type { Run } from "../../src/store/records.ts";
import type { Caller } from "../../src/tools/contract.ts";
import { calls, hangs, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { liveConfig, OWNER, openTestAgent, type TestAgent } from "../support/agent.ts";
import { openTempStore } from "../support/store.ts";
import { probeTool } from "../support/tools.ts";

const never = new AbortController().signal;

const textOf = (message: ModelMessage | undefined) =>
  message?.role === "user" && message.parts[0]?.type === "text" ? message.parts[0].text : "";
const taskOf = (messages: readonly ModelMessage[]) =>
  textOf(messages.find((message) => message.role === "user"));
const results = (messages: readonly ModelMessage[]) =>
  messages.flatMap((message) => (message.role === "tool" ? [message.text] : []));

/** Plays the script of the task that the conversation began with; once tools have answered, says what they said. */
function byTask(scripts: Record<string, Script>): Script {
  return (request, signal) => {
    const said = results(request.messages);
    if (said.length > 0) return says(said.join(" | "))(request, signal);
    const script = scripts[taskOf(request.messages)];
    if (!script) throw new Error(`no script for ${taskOf(request.messages)}`);
    return script(request, signal);
  };
}

const delegates = (...tasks: Record<string, unknown>[]) =>
  calls(...tasks.map((task, i) => ({ id: `d${i}`, name: "delegate_task", arguments: task })));

/** Every run but this one, oldest first. */
async function others(store: Store, runId: string): Promise<Run[]> {
  const { items } = await store.runs.list({ limit: 100 });
  return items.filter((run) => run.id !== runId).reverse();
}

/** Waits until this many runs are under way. */
async function running(t: TestAgent, count: number): Promise<Run[]> {
  for (;;) {
    const { items } = await t.store.runs.list({ limit: 100, status: "running" });
    if (items.length === count && t.agent.stats().running === count) return items;
    await Bun.sleep(1);
  }
}

describe("a sub-task", () => {
  test("runs in a session of its own and knows nothing but the task", async () => {
    const models = scriptedModels([
      byTask({
        "my secret": delegates({ task: "count", context: "there are two" }),
        "count\n\nContext:\nthere are two": says("two"),
      }),
    ]);
    await using t = await openTestAgent({ models });
    const run = await t.ask("my secret");
    expect(run.response).toContain("two");
    const [child] = await others(t.store, run.id);
    expect(child).toMatchObject({ kind: "delegate", status: "completed", response: "two" });
    expect(JSON.stringify(models.requests[1])).not.toContain("my secret");
    expect(run.response).toContain(`source="sub-task ${child?.id}"`); // data, not instructions
    expect(await t.store.runs.subTasks(run.id)).toHaveLength(1);
  });

  test("is no session in lists and searches, and is read by its id", async () => {
    await using t = await openTestAgent({
      models: scriptedModels([
        byTask({ go: delegates({ task: "find the walrus" }), "find the walrus": says("walrus") }),
      ]),
    });
    const run = await t.ask("go");
    const [child] = await others(t.store, run.id);
    const key = child?.sessionKey ?? "";
    expect((await t.store.sessions.list({ limit: 10 })).items.map((one) => one.key)).toEqual([
      run.sessionKey,
    ]);
    const found = await t.store.sessions.search("find", { limit: 10 });
    expect(found.items).toEqual([]);
    expect((await t.store.sessions.search("find", { limit: 10, sessionKey: key })).items).toHaveLength(1);
    expect((await t.store.sessions.messages(key, { limit: 10 })).items).toHaveLength(2);
    expect((await t.store.sessions.get(key))?.owner).toBe("api:owner");
  });

  test("goes with the session of its parent, its words too", async () => {
    await using t = await openTestAgent({
      models: scriptedModels([byTask({ go: delegates({ task: "walrus" }), walrus: says("walrus") })]),
    });
    const run = await t.ask("go");
    const [child] = await others(t.store, run.id);
    expect(await t.store.sessions.delete(run.sessionKey)).toBe(true);
    expect(await t.store.runs.get(child?.id ?? "")).toBeNull();
    expect(await t.store.sessions.get(child?.sessionKey ?? "")).toBeNull();
    const left = await t.store.sessions.search("walrus", { limit: 10, sessionKey: child?.sessionKey ?? "" });
    expect(left.items).toEqual([]);
    expect(await t.store.check()).toEqual([]);
  });

  test("that fails is an error for the parent, with its message, and the parent goes on", async () => {
    const fails: Script = () => {
      throw new AppError("model_unreachable", "No way to the model.");
    };
    await using t = await openTestAgent({
      models: scriptedModels([byTask({ go: delegates({ task: "fail" }), fail: fails })]),
    });
    const run = await t.ask("go");
    expect(run.response).toContain("No way to the model.");
    const completed = (await t.events(run.id)).find((event) => event.type === "tool.completed");
    expect(completed).toMatchObject({ is_error: true });
  });

  test("tells the parent's stream what it does", async () => {
    await using t = await openTestAgent({
      models: scriptedModels([
        byTask({
          go: delegates({ task: "look" }),
          look: calls({ id: "m", name: "memory_search", arguments: { query: "x" }, text: "Looking around." }),
        }),
      ]),
    });
    const run = await t.ask("go");
    const events = await t.events(run.id);
    expect(events.map((event) => event.type).filter((type) => type === "tool.progress")).not.toEqual([]);
    const progress = events.find((event) => event.type === "tool.progress");
    expect(progress).toMatchObject({
      tool: "delegate_task",
      call_id: "d0",
      done: 1,
      message: "says: Looking around.",
    });
    expect(JSON.stringify(await t.store.sessions.messages(run.sessionKey, { limit: 10 }))).not.toContain(
      "says: ",
    );
  });

  test("of a caller without a run is a run of that caller", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("done")]) });
    const caller: Caller = { door: "mcp-http", principal: "bob", scopes: ["tools"] };
    const result = await t.tools.call("delegate_task", { task: "do it" }, { caller, signal: never });
    expect(result).toMatchObject({ structured: { status: "completed", response: "done" } });
    const [run] = await others(t.store, "");
    expect(run).toMatchObject({ kind: "delegate", request: { caller, subTask: { depth: 1 } } });
    expect(run?.sessionKey).toStartWith("mcp-http:bob/");
  });

  test("bad requests are told to the model before anything is stored", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("x")]) });
    const context = { caller: { ...OWNER, tools: ["delegate", "memory_read"] }, signal: never };
    const rows: [object, RegExp][] = [
      [{ task: "x", model: "no/such" }, /no\/such/],
      [{ task: "x", tools: ["memry_read"] }, /memory_read/],
      [{ task: "x", tools: ["todolist"] }, /cannot be used/],
      [{ task: " " }, /do not fit/],
      [{ task: "x", approved: true }, /do not fit/],
    ];
    for (const [input, expected] of rows) {
      const result = await t.tools.call("delegate_task", input, context);
      expect([result.isError, result.text]).toEqual([true, expect.stringMatching(expected)]);
    }
    expect(await others(t.store, "")).toEqual([]);
  });
});

describe("the rights of a sub-task", () => {
  test("are the parent's or fewer, whatever it asks for", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("x")]) });
    const names = [...t.tools.names(), "memory", "todolist", "session", "skill", "delegate"];
    const some = fc.option(fc.subarray(names), { nil: undefined });
    const scopes = fc.subarray(["read", "chat", "tools", "admin"] as const);
    await fc.assert(
      fc.asyncProperty(
        scopes,
        some,
        some,
        fc.integer({ min: 1, max: 3 }),
        async (held, own, asked, maxDepth) => {
          t.config.change((config) => {
            config.tools.delegate.max_depth = maxDepth;
          });
          const caller: Caller = {
            door: "mcp-http",
            principal: "p",
            scopes: ["tools", ...held],
            approval: "ask",
            tools: own ? [...own, "delegate_task"] : names,
          };
          const task = { task: "x", ...(asked ? { tools: asked } : {}) };
          const result = await t.tools.call("delegate_task", task, { caller, signal: never });
          if (result.isError) return;
          const { run_id } = result.structured as { run_id: string };
          const { caller: child } = ((await t.store.runs.get(run_id)) as Run).request as { caller: Caller };
          const may = new Set(t.tools.list(caller).map((tool) => tool.name));
          for (const tool of t.tools.list(child)) expect(may).toContain(tool.name);
          if (asked) {
            const wanted = new Set(t.tools.resolveNames(asked));
            for (const tool of t.tools.list(child)) expect(wanted).toContain(tool.name);
          }
          expect(child).toMatchObject({ principal: "p", scopes: caller.scopes, approval: "ask" });
          if (maxDepth === 1)
            expect(t.tools.list(child).map((tool) => tool.name)).not.toContain("delegate_task");
        },
      ),
      { numRuns: 60 },
    );
  });

  test("delegate_task is gone at the last depth, and with a depth of 0 from the start", async () => {
    const seen: Record<string, boolean> = {};
    const notes: Script = (request, signal) => {
      const task = taskOf(request.messages);
      seen[task] = request.tools.some((tool) => tool.name === "delegate_task");
      const deeper = byTask({ 0: delegates({ task: "1" }), 1: delegates({ task: "2" }), 2: says("deep") });
      return deeper(request, signal);
    };
    await using t = await openTestAgent({ models: scriptedModels([notes]) });
    expect((await t.ask("0")).response).toContain("deep");
    expect(seen).toEqual({ 0: true, 1: true, 2: false });
    t.config.change((config) => {
      config.tools.delegate.max_depth = 0;
    });
    await t.ask("2", { sessionId: "s2" });
    expect(seen).toEqual({ 0: true, 1: true, 2: false });
    expect(t.tools.list(OWNER).map((tool) => tool.name)).not.toContain("delegate_task");
  });
});

describe("places", () => {
  test("three levels come to an end with a single place, and others get theirs in turn", async () => {
    const script = byTask({
      0: delegates({ task: "1" }, { task: "1" }),
      1: delegates({ task: "2" }, { task: "2" }),
      2: delegates({ task: "3" }),
      3: says("leaf"),
      other: says("other"),
    });
    await using t = await openTestAgent({
      models: scriptedModels([script]),
      config: liveConfig({ agent: { max_concurrent_turns: 1 }, tools: { delegate: { max_depth: 3 } } }),
    });
    const all = await Promise.all(["a", "b", "c"].map((sessionId) => t.accept("0", { sessionId })));
    const other = await t.accept("other", { sessionId: "d" });
    for (const run of all) expect((await t.finished(run.id)).response?.match(/leaf/g)).toHaveLength(4);
    expect((await t.finished(other.id)).response).toBe("other");
    expect(t.agent.stats()).toEqual({ running: 0, queued: 0 });
  });

  test("no more at once than tools.delegate.max_parallel, and no fewer", async () => {
    let now = 0;
    let most = 0;
    const gates = Promise.withResolvers<void>();
    const work: Script = async function* (request, signal) {
      now += 1;
      most = Math.max(most, now);
      if (now === 2) gates.resolve();
      await gates.promise;
      now -= 1;
      yield* says("ok")(request, signal);
    };
    const tasks = Array.from({ length: 6 }, () => ({ task: "work" }));
    await using t = await openTestAgent({
      models: scriptedModels([byTask({ go: delegates(...tasks), work })]),
      config: liveConfig({ tools: { delegate: { max_parallel: 2 } } }),
    });
    await t.ask("go");
    expect(most).toBe(2);
  });
});

describe("the budget of a sub-task", () => {
  const spends = (tokens: number): Script =>
    async function* () {
      yield { type: "text", text: "ok" };
      yield {
        type: "end",
        finish: "stop",
        usage: { inputTokens: tokens, outputTokens: 0 },
        model: "scripted/model",
      };
    };

  test("its usage is part of its parent's", async () => {
    await using t = await openTestAgent({
      models: scriptedModels([
        byTask({ go: delegates({ task: "a" }, { task: "b" }), a: spends(100), b: spends(1000) }),
      ]),
    });
    const run = await t.ask("go");
    expect(run.usage).toMatchObject({ inputTokens: 100 + 1000 + 2 * 10, outputTokens: 10 });
    const last = (await t.events(run.id)).at(-1);
    expect(last).toMatchObject({ usage: { input_tokens: 1120 } });
  });

  test("what it spends is not there for its parent any more", async () => {
    await using t = await openTestAgent({
      models: scriptedModels([byTask({ go: delegates({ task: "a" }), a: spends(5_000) })]),
      agent: { max_tokens: 5_000 },
    });
    const run = await t.ask("go");
    expect(run).toMatchObject({ status: "failed", error: { code: "budget_exceeded" } });
    expect(run.usage?.inputTokens).toBeGreaterThan(5_000);
  });

  test("those side by side spend together what one may, and all of them stop", async () => {
    const endless: Script = async function* () {
      for (;;) {
        yield { type: "text", text: "more and more and more " };
        await Bun.sleep(0);
      }
    };
    await using t = await openTestAgent({
      models: scriptedModels([
        byTask({ go: delegates({ task: "a" }, { task: "a" }, { task: "a" }), a: endless }),
      ]),
      agent: { max_tokens: 6_000 },
    });
    const run = await t.ask("go");
    expect(run.error?.code).toBe("budget_exceeded");
    const used = (run.usage?.inputTokens ?? 0) + (run.usage?.outputTokens ?? 0);
    expect(used).toBeGreaterThan(6_000);
    expect(used).toBeLessThan(9_000);
    for (const child of await others(t.store, run.id)) expect(child.error?.code).toBe("budget_exceeded");
  });

  test("it makes no more model calls than its parent had left", async () => {
    const loops: Script = calls({ id: "", name: "memory_search", arguments: { query: "x" } });
    const script: Script = (request, signal) =>
      taskOf(request.messages) === "loop"
        ? loops(request, signal)
        : byTask({ go: delegates({ task: "loop" }) })(request, signal);
    await using t = await openTestAgent({ models: scriptedModels([script]), agent: { max_steps: 5 } });
    const run = await t.ask("go");
    expect(run.status).toBe("completed");
    const [child] = await others(t.store, run.id);
    const { messages } = await t.store.runs.journal(child?.id ?? "");
    expect(messages.filter((message) => message.role === "assistant")).toHaveLength(4);
  });
});

describe("the end of a parent is the end of its sub-tasks", () => {
  const tree = byTask({
    0: delegates({ task: "1" }, { task: "1" }),
    1: delegates({ task: "2" }),
    2: hangs("working"),
  });
  const RUNS = 5;

  /** Nothing runs, and nothing is left that would run later. */
  async function allEnded(t: TestAgent): Promise<void> {
    const by = performance.now() + 1_000;
    for (;;) {
      const { queued, running } = (await t.store.counts()).runs;
      if (queued + running + t.agent.stats().running === 0) return;
      if (performance.now() > by) throw new Error(`${queued} wait and ${running} run after a second`);
      await Bun.sleep(5);
    }
  }

  test("a cancel here", async () => {
    await using t = await openTestAgent({ models: scriptedModels([tree]) });
    const { id } = await t.accept("0");
    await running(t, RUNS);
    expect(await t.agent.cancel(id)).toBe(true);
    await allEnded(t);
    for (const run of await others(t.store, "")) expect(run.status).toBe("cancelled");
  });

  test("a cancel in another process", async () => {
    await using temp = await openTempStore();
    await using other = await openTestAgent({
      models: scriptedModels([says("x")]),
      store: await temp.another(),
    });
    await using t = await openTestAgent({ models: scriptedModels([tree]), store: temp.store });
    const { id } = await t.accept("0");
    await running(t, RUNS);
    expect(await other.agent.cancel(id)).toBe(true);
    await allEnded(t);
  });

  test("its time is up", async () => {
    await using t = await openTestAgent({ models: scriptedModels([tree]), agent: { turn_timeout_ms: 400 } });
    const run = await t.ask("0");
    expect(run.error?.code).toBe("budget_exceeded");
    await allEnded(t);
  });

  test("it is cancelled while it waits in the queue after a crash", async () => {
    await using temp = await openTempStore();
    const first = await openTestAgent({ models: scriptedModels([tree]), store: temp.store });
    const { id } = await first.accept("0");
    await running(first, RUNS);
    await first.agent.stop(0);
    expect((await temp.store.counts()).runs.queued).toBe(RUNS);
    await using t = await openTestAgent({ models: scriptedModels([tree]), store: temp.store });
    expect(await t.agent.cancel(id)).toBe(true);
    await allEnded(t);
  });

  test("it has ended while nobody could tell its sub-tasks", async () => {
    await using temp = await openTempStore();
    const first = await openTestAgent({ models: scriptedModels([tree]), store: temp.store });
    const { id } = await first.accept("0");
    await running(first, RUNS);
    await first.agent.stop(0);
    const outcome = { status: "cancelled", usage: { inputTokens: 0, outputTokens: 0 } } as const;
    await temp.store.runs.finish(id, outcome, { messages: [], events: [] });
    await using t = await openTestAgent({ models: scriptedModels([tree]), store: temp.store });
    await t.agent.recover();
    await allEnded(t);
  });

  test("a client without a run goes away", async () => {
    await using t = await openTestAgent({ models: scriptedModels([tree]) });
    const client = new AbortController();
    const call = t.tools.call("delegate_task", { task: "1" }, { caller: OWNER, signal: client.signal });
    await running(t, 2);
    client.abort(new Error("gone"));
    await expect(call).rejects.toThrow("gone");
    await allEnded(t);
  });

  test("it waits for a sub-task's approval", async () => {
    const asks = byTask({ 0: delegates({ task: "1" }), 1: calls({ id: "p", name: "skill_probe" }) });
    const ran: string[] = [];
    await using t = await openTestAgent({
      models: scriptedModels([asks]),
      tools: [probeTool(ran, { asks: true })],
    });
    const { id } = await t.accept("0");
    while ((await t.agent.approvals(id)).length === 0) await Bun.sleep(1);
    await t.agent.cancel(id);
    await allEnded(t);
    expect(ran).toEqual([]);
  });
});

describe("an approval in a sub-task", () => {
  const script = byTask({
    go: delegates({ task: "ask" }),
    ask: calls({ id: "p", name: "skill_probe", arguments: { word: "rm" } }),
  });
  const open = (ran: string[]) =>
    openTestAgent({ models: scriptedModels([script]), tools: [probeTool(ran, { asks: true })] });
  const asked = async (t: TestAgent, runId: string) => {
    for (;;) {
      const [approval] = await t.agent.approvals(runId);
      if (approval) return approval;
      await Bun.sleep(1);
    }
  };

  for (const approved of [true, false])
    test(`is asked at the parent, and the decision (${approved}) is handed down`, async () => {
      const ran: string[] = [];
      await using t = await open(ran);
      const { id } = await t.accept("go");
      const approval = await asked(t, id);
      expect(approval).toMatchObject({
        callId: "d0",
        tool: "skill_probe",
        question: "For a sub-task: May skill_probe go on?",
        details: "rm",
      });
      await t.agent.decide(id, approval.id, { approved, by: "owner", reason: "as I said" });
      const run = await t.finished(id);
      expect(ran).toEqual(approved ? ["rm"] : []);
      expect(run.response).toContain(approved ? "done" : "as I said");
    });

  test("that is decided at the sub-task is asked at the parent no more", async () => {
    const ran: string[] = [];
    await using t = await open(ran);
    const { id } = await t.accept("go");
    await asked(t, id);
    const [child] = await others(t.store, id);
    const below = await asked(t, child?.id ?? "");
    await t.agent.decide(child?.id ?? "", below.id, { approved: true, by: "owner" });
    expect((await t.finished(id)).status).toBe("completed");
    expect(ran).toEqual(["rm"]);
  });

  test("is denied where nobody can be asked", async () => {
    const ran: string[] = [];
    await using t = await open(ran);
    const result = await t.tools.call("delegate_task", { task: "ask" }, { caller: OWNER, signal: never });
    expect(result.text).toContain("nobody can be asked here");
    expect(ran).toEqual([]);
  });
});

describe("a process that ends while a sub-task runs", () => {
  test("the next one finds the same sub-task, and what it spent counts", async () => {
    await using temp = await openTempStore();
    const gate = byTask({ go: delegates({ task: "a" }, { task: "b" }), a: says("first"), b: hangs("work") });
    const first = await openTestAgent({ models: scriptedModels([gate]), store: temp.store });
    const { id } = await first.accept("go");
    for await (const batch of first.agent.events(id, 0, never))
      if (batch.some((event) => event.type === "tool.completed")) break;
    await running(first, 2);
    await first.agent.stop(0);
    const before = (await others(temp.store, id)).map((run) => run.id);
    const models = scriptedModels([byTask({ go: delegates(), b: says("second") })]);
    await using t = await openTestAgent({ models, store: temp.store });
    await t.agent.recover();
    const run = await t.finished(id);
    expect(run.response).toMatch(/first[\s\S]*second/);
    expect((await others(temp.store, id)).map((one) => one.id)).toEqual(before);
    expect(run.usage).toMatchObject({ inputTokens: 4 * 10, outputTokens: 4 * 5 });
  });

  test("also when only the session of the parent is taken up", async () => {
    await using temp = await openTempStore();
    const gate = byTask({ go: delegates({ task: "a" }), a: hangs("work") });
    const first = await openTestAgent({ models: scriptedModels([gate]), store: temp.store });
    const { id } = await first.accept("go");
    await running(first, 2);
    await first.agent.stop(0);
    const models = scriptedModels([byTask({ go: delegates(), a: says("mended"), next: says("next") })]);
    await using t = await openTestAgent({ models, store: temp.store }); // never recovers
    const next = await t.accept("next");
    expect((await t.finished(id)).response).toContain("mended");
    expect((await t.finished(next.id)).status).toBe("completed");
  });

  test("a sub-task that had ended is not begun again", async () => {
    await using temp = await openTempStore();
    const log: string[] = [];
    const a: Script = (request, signal) => {
      log.push("a");
      return says("once")(request, signal);
    };
    const runs = { ...temp.store.runs };
    runs.endToolCall = () => new Promise(() => {}); // dies before it has the result of the call
    const first = await openTestAgent({
      models: scriptedModels([byTask({ go: delegates({ task: "a" }), a })]),
      store: { ...temp.store, runs },
    });
    const { id } = await first.accept("go");
    const child = async () => (await others(temp.store, id))[0];
    while ((await child())?.status !== "completed") await Bun.sleep(1);
    await temp.store.runs.park(temp.store.instance);
    await using t = await openTestAgent({
      models: scriptedModels([byTask({ go: delegates(), a })]),
      store: temp.store,
    });
    await t.agent.recover();
    expect((await t.finished(id)).response).toContain("once");
    expect(log).toEqual(["a"]);
  });
});

test("a turn without sub-tasks and approvals asks the store no more than before", async () => {
  await using temp = await openTempStore();
  const asked: string[] = [];
  const noted = <T extends object>(part: T, prefix: string): T =>
    Object.fromEntries(
      Object.entries(part).map(([name, method]) => [
        name,
        (...parts: unknown[]) => {
          asked.push(`${prefix}.${name}`);
          return method(...parts);
        },
      ]),
    ) as T;
  const store = {
    ...temp.store,
    runs: noted(temp.store.runs, "runs"),
    approvals: noted(temp.store.approvals, "approvals"),
    sessions: noted(temp.store.sessions, "sessions"),
  };
  const script = byTask({ go: calls({ id: "m", name: "skill_probe" }) });
  await using t = await openTestAgent({ models: scriptedModels([script]), store, tools: [probeTool([])] });
  const { id } = await t.accept("go");
  for await (const batch of t.agent.events(id, 0, never)) if (batch.length === 0) break;
  expect(asked.filter((name) => name !== "runs.events").toSorted()).toEqual(
    [
      "runs.accept",
      "runs.start",
      "runs.get",
      "runs.get",
      "runs.journal",
      "sessions.summary",
      "sessions.messages",
      "runs.recordStep",
      "runs.beginToolCall",
      "runs.endToolCall",
      "runs.finish",
    ].toSorted(),
  );
});
