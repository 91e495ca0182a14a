import { describe, expect, test } from "bun:test";
import type { RunEvent } from "../../src/agent/events.ts";
import { AppError } from "../../src/lib/errors.ts";
import type { ModelEvent } from "../../src/models/contract.ts";
import { calls, end, hangs, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { OWNER, openTestAgent, shownText } from "../support/agent.ts";
import { quietLog } from "../support/store.ts";
import { probeTool } from "../support/tools.ts";

const endsWith = (...events: ModelEvent[]): Script =>
  async function* () {
    yield* events;
  };

describe("a turn", () => {
  test("streams, answers, and stores both sides", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("Hel", "lo")]) });
    const run = await t.ask("hi");
    expect(run).toMatchObject({ status: "completed", response: "Hello", finishReason: "stop", attempts: 1 });
    const events = await t.events(run.id);
    expect(events.map((event) => event.type)).toEqual(["run.started", "message.delta", "run.completed"]);
    expect(events.at(-1)).toMatchObject({
      run_id: run.id,
      session_id: "s1",
      response: "Hello",
      finish_reason: "stop",
    });
    const { items } = await t.store.sessions.messages("api:owner/s1", { limit: 10 });
    expect(items.map((message) => [message.role, message.usage?.outputTokens])).toEqual([
      ["user", undefined],
      ["assistant", 5],
    ]);
  });

  test("every event is one line of JSON that begins with type and run", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("a\nb\r\n\u2028c")]) });
    const run = await t.ask("hi");
    for (const event of await t.store.runs.events(run.id, 0, 100)) {
      expect(event.data).not.toMatch(/[\n\r]/);
      expect(event.data).toStartWith(`{"type":"${event.type}","run_id":"${run.id}"`);
    }
  });

  test("runs the tools of a step side by side and hands the results back in order", async () => {
    const ran: string[] = [];
    const both = Promise.withResolvers<void>();
    const tool = probeTool(ran, {
      async run(input) {
        if (ran.length === 2) both.resolve();
        await both.promise; // ends only when the other has begun
        return `result ${input.word}`;
      },
    });
    const models = scriptedModels([
      calls(
        { id: "a", name: "skill_probe", arguments: { word: "one" }, text: "Looking." },
        { id: "b", name: "skill_probe", arguments: { word: "two" } },
      ),
      says("done"),
    ]);
    await using t = await openTestAgent({ models, tools: [tool] });
    const run = await t.ask("go");
    expect(run.response).toBe("done");
    expect(models.requests[1]?.messages.slice(-3)).toMatchObject([
      { role: "assistant", text: "Looking.", toolCalls: [{ id: "a" }, { id: "b" }] },
      { role: "tool", toolCallId: "a", text: "result one" },
      { role: "tool", toolCallId: "b", text: "result two" },
    ]);
    expect(shownText(await t.events(run.id))).toBe("done");
  });

  test("reasoning goes back inside the tool loop", async () => {
    const thinks: Script = endsWith(
      { type: "reasoning", text: "I should look." },
      { type: "tool_call", call: { id: "a", name: "memory_search", arguments: '{"query":"x"}' } },
      { ...end("tool_calls"), providerData: { signature: "s" } } as ModelEvent,
    );
    const models = scriptedModels([thinks, says("ok")]);
    await using t = await openTestAgent({ models });
    await t.ask("go");
    expect(models.requests[1]?.messages.at(-2)).toMatchObject({
      reasoning: "I should look.",
      providerData: { signature: "s" },
    });
  });

  test("an image of a tool is stored, and shown to the model", async () => {
    const probe = probeTool([]);
    const image = { mediaType: "image/png", data: "aGk=" };
    const tool = { ...probe, run: async () => ({ text: "a cat", images: [image] }) };
    const models = scriptedModels([calls({ id: "a", name: "skill_probe" }), says("nice")]);
    await using t = await openTestAgent({ models, tools: [tool] });
    const run = await t.ask("look");
    const last = models.requests[1]?.messages.at(-1);
    expect(last).toMatchObject({ role: "tool", text: "a cat", images: [{ type: "image", ...image }] });
    const { messages } = await t.store.runs.journal(run.id);
    expect(messages[2]?.parts).toEqual([
      { type: "text", text: "a cat" },
      { type: "image", ...image },
    ]);
    expect(JSON.stringify(await t.events(run.id))).not.toContain("aGk=");
  });

  const faults: [string, Parameters<typeof calls>[0], RegExp][] = [
    ["malformed arguments", { id: "a", name: "memory_read", arguments: '{"key":' }, /not valid JSON/],
    ["wrong arguments", { id: "a", name: "memory_read", arguments: { kee: 1 } }, /do not fit/],
    ["an unknown tool", { id: "a", name: "memory_reed" }, /Did you mean memory_read/],
    [
      "a tool that is not allowed",
      { id: "a", name: "memory_write", arguments: { key: "k", value: 1 } },
      /not among/,
    ],
  ];
  for (const [what, call, says_] of faults)
    test(`${what}: the model is told and goes on`, async () => {
      const models = scriptedModels([calls(call), says("I see")]);
      await using t = await openTestAgent({ models });
      const run = await t.ask("go", { caller: { ...OWNER, tools: ["memory_read"] } });
      expect(run.response).toBe("I see");
      expect(models.requests[1]?.messages.at(-1)).toMatchObject({ role: "tool", isError: true });
      expect(JSON.stringify(models.requests[1]?.messages.at(-1))).toMatch(says_);
      expect(models.requests[0]?.tools.map((tool) => tool.name)).toEqual(["memory_read"]);
    });

  test("repeated and empty call ids are made unique", async () => {
    const same = { id: "call_0", name: "memory_search", arguments: { query: "x" } };
    const models = scriptedModels([calls(same), calls(same, { ...same, id: "" }), says("ok")]);
    await using t = await openTestAgent({ models });
    expect((await t.ask("go")).status).toBe("completed");
    const ids = models.requests[2]?.messages.flatMap((message) =>
      message.role === "assistant" ? message.toolCalls.map((call) => call.id) : [],
    );
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(3);
    expect(ids).not.toContain("");
  });

  test("a restarted model call takes its text back", async () => {
    const restarts: Script = async function* () {
      yield { type: "text", text: "wrong" };
      await Bun.sleep(0);
      yield { type: "restart", reason: "cut off" };
      yield { type: "text", text: "right" };
      yield end();
    };
    await using t = await openTestAgent({ models: scriptedModels([restarts]) });
    const run = await t.ask("hi");
    expect(run.response).toBe("right");
    const events = await t.events(run.id);
    expect(events).toContainEqual({ type: "message.delta", run_id: run.id, delta: "", reset: true });
    expect(shownText(events)).toBe("right");
  });

  test("the first message after a tool loop answers, not the talk between", async () => {
    const call = { id: "a", name: "memory_search", arguments: { query: "x" }, text: "One moment." };
    await using t = await openTestAgent({ models: scriptedModels([calls(call), says("Here.")]) });
    expect((await t.ask("go")).response).toBe("Here.");
  });
});

describe("answers that are none", () => {
  test("an empty answer is asked for once more", async () => {
    const models = scriptedModels([says("  "), says("there")]);
    await using t = await openTestAgent({ models });
    const run = await t.ask("hi");
    expect(run.response).toBe("there");
    expect(run.usage).toMatchObject({ inputTokens: 20, outputTokens: 10 });
    expect(shownText(await t.events(run.id))).toBe("there");
  });

  test("two empty answers are an error", async () => {
    const models = scriptedModels([says()]);
    await using t = await openTestAgent({ models });
    expect(await t.ask("hi")).toMatchObject({ status: "failed", error: { code: "model_bad_answer" } });
    expect(models.requests).toHaveLength(2);
  });

  test("a cut-off answer is completed as such, a cut-off nothing is an error", async () => {
    const models = scriptedModels([
      endsWith({ type: "text", text: "half an" }, end("length")),
      endsWith(end("length")),
    ]);
    await using t = await openTestAgent({ models });
    expect(await t.ask("one")).toMatchObject({
      status: "completed",
      response: "half an",
      finishReason: "length",
    });
    expect(await t.ask("two")).toMatchObject({ status: "failed", error: { code: "model_bad_answer" } });
  });

  test("a filtered answer is a refusal", async () => {
    const models = scriptedModels([endsWith({ type: "text", text: "I" }, end("content_filter"))]);
    await using t = await openTestAgent({ models });
    expect(await t.ask("hi")).toMatchObject({ status: "failed", error: { code: "model_refused" } });
  });

  test("a stream without an end is never an answer", async () => {
    await using t = await openTestAgent({
      models: scriptedModels([endsWith({ type: "text", text: "half" })]),
    });
    const run = await t.ask("hi");
    expect(run).toMatchObject({ status: "failed", response: null, error: { code: "model_bad_answer" } });
    expect((await t.events(run.id)).at(-1)).toMatchObject({ type: "run.failed", status: "failed" });
  });

  test("what the model throws is what the run says; other throws stay inside", async () => {
    const models = scriptedModels([
      async function* () {
        yield { type: "text", text: "x" };
        throw new AppError("model_unreachable", "No way.", { hint: "Check it." });
      },
      // biome-ignore lint/correctness/useYield: throws before it says anything
      async function* () {
        throw new Error("inner secret");
      },
    ]);
    await using t = await openTestAgent({ models });
    expect((await t.ask("one")).error).toEqual({
      code: "model_unreachable",
      message: "No way.",
      hint: "Check it.",
    });
    const second = await t.ask("two");
    expect(second.error?.code).toBe("internal");
    expect(JSON.stringify(second)).not.toContain("inner secret");
  });
});

describe("budgets", () => {
  const failed = async (agent: Record<string, unknown>, script: Script[], info = {}) => {
    await using t = await openTestAgent({ models: scriptedModels(script, info), agent });
    const run = await t.ask("go");
    expect(run).toMatchObject({ status: "failed", error: { code: "budget_exceeded" } });
    const last = (await t.events(run.id)).at(-1) as Extract<RunEvent, { type: "run.failed" }>;
    expect(last.usage.total_tokens).toBe((run.usage?.inputTokens ?? 0) + (run.usage?.outputTokens ?? 0));
    return run;
  };
  const loops = calls({ id: "a", name: "memory_search", arguments: { query: "x" } });
  const endless: Script = async function* () {
    for (;;) yield { type: "text", text: "more and more and more " };
  };
  const pricey = { inputUsdPerMillion: 1_000, outputUsdPerMillion: 1_000, cachedUsdPerMillion: null };

  test("steps", async () => {
    expect((await failed({ max_steps: 3 }, [loops])).error?.hint).toContain("agent.max_steps");
  });

  test("tokens, counted over the steps", async () => {
    const run = await failed({ max_tokens: 40 + 1_000_000 }, [
      endsWith(
        { type: "tool_call", call: { id: "a", name: "memory_search", arguments: '{"query":"x"}' } },
        {
          type: "end",
          finish: "tool_calls",
          usage: { inputTokens: 2_000_000, outputTokens: 1 },
          model: "scripted/model",
        },
      ),
    ]);
    expect(run.error?.hint).toContain("agent.max_tokens");
  });

  test("tokens of a stream without end", async () => {
    const run = await failed({ max_tokens: 5_000 }, [endless]);
    expect(run.error?.hint).toContain("agent.max_tokens");
    expect(run.usage?.outputTokens).toBeGreaterThan(1_000);
  });

  test("cost, also of a stream without end", async () => {
    const run = await failed({ max_cost_usd: 5 }, [endless], pricey);
    expect(run.error?.hint).toContain("agent.max_cost_usd");
    expect(run.usage?.costUsd).toBeGreaterThan(5);
  });

  test("cost of a model without a price: one warning", async () => {
    const lines: string[] = [];
    const agent = { max_cost_usd: 5 };
    await using t = await openTestAgent({ models: scriptedModels([says("x")]), agent, log: quietLog(lines) });
    await t.ask("one");
    await t.ask("two");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("scripted/model");
  });

  test("time", async () => {
    expect((await failed({ turn_timeout_ms: 100 }, [hangs()])).error?.hint).toContain(
      "agent.turn_timeout_ms",
    );
  });

  test("time, with a tool that does not mind its signal", async () => {
    const deaf = probeTool([], { run: () => new Promise(() => {}) });
    await using t = await openTestAgent({
      models: scriptedModels([calls({ id: "a", name: "skill_probe" })]),
      tools: [deaf],
      agent: { turn_timeout_ms: 100 },
    });
    expect((await t.ask("go")).error?.code).toBe("budget_exceeded");
  });
});

describe("usage", () => {
  const priced = (inputTokens: number, outputTokens: number, costUsd?: number): ModelEvent => ({
    type: "end",
    finish: "stop",
    usage: { inputTokens, outputTokens, cachedTokens: 1, ...(costUsd === undefined ? {} : { costUsd }) },
    model: "scripted/model",
  });
  const call: ModelEvent = {
    type: "tool_call",
    call: { id: "a", name: "memory_search", arguments: '{"query":"x"}' },
  };
  const text: ModelEvent = { type: "text", text: "ok" };

  test("is kept per message and summed per run, with its cost", async () => {
    const models = scriptedModels([
      endsWith(call, priced(100, 10, 0.25)),
      endsWith(text, priced(200, 20, 0.5)),
    ]);
    await using t = await openTestAgent({ models });
    const run = await t.ask("go");
    expect(run.usage).toEqual({ inputTokens: 300, outputTokens: 30, cachedTokens: 2, costUsd: 0.75 });
    const { items } = await t.store.sessions.messages(run.sessionKey, { limit: 10 });
    expect(items.flatMap((message) => message.usage?.costUsd ?? [])).toEqual([0.25, 0.5]);
  });

  test("has no cost when one part of it is not known", async () => {
    const models = scriptedModels([endsWith(call, priced(100, 10, 0.25)), endsWith(text, priced(200, 20))]);
    await using t = await openTestAgent({ models });
    expect((await t.ask("go")).usage).not.toHaveProperty("costUsd");
  });

  test("is estimated when the provider gives none", async () => {
    await using t = await openTestAgent({ models: scriptedModels([endsWith(text, { ...priced(0, 0) })]) });
    const { usage } = await t.ask("go");
    expect(usage?.inputTokens).toBeGreaterThan(50);
    expect(usage?.outputTokens).toBe(1);
  });
});
