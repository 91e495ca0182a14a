import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type FakeLlm, startFakeLlm } from "../../src/models/fake-llm/server.ts";
import { createModelRouter } from "../../src/models/router.ts";
import { type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { liveConfig, OWNER, openTestAgent } from "../support/agent.ts";
import { quietLog } from "../support/store.ts";

const isSummary =
  (script: Script, otherwise: Script): Script =>
  (request, signal) =>
    (request.tools.length === 0 ? script : otherwise)(request, signal);

describe("a history that does not fit", () => {
  const small = { contextTokens: 4_000 };
  /** Few tools, so that the small window is for what was said. */
  const caller = { ...OWNER, tools: ["memory"] };
  const long = (i: number) => `message ${i} ${"about many things ".repeat(100)}`;

  test("is summarised once, the summary is kept, and its usage counts", async () => {
    const models = scriptedModels([isSummary(says("They spoke at length."), says("ok"))], small);
    await using t = await openTestAgent({ models });
    const usages = [];
    for (let i = 0; i < 8; i++) usages.push((await t.ask(long(i), { caller })).usage?.inputTokens);
    const summaries = models.requests.filter((request) => request.tools.length === 0);
    expect(summaries.length).toBeGreaterThanOrEqual(1);
    expect(summaries.length).toBeLessThan(4);
    expect(usages.filter((tokens) => tokens === 20)).toHaveLength(summaries.length);
    expect(JSON.stringify(models.requests.at(-1))).toContain("They spoke at length.");
    expect(await t.store.sessions.summary("api:owner/s1")).toMatchObject({ text: "They spoke at length." });
    expect(JSON.stringify(summaries[0])).toContain("message 0");
    if (summaries[1]) expect(JSON.stringify(summaries[1])).toContain("They spoke at length.");
  });

  test("loses its oldest turns, with a note, when the summary fails", async () => {
    // biome-ignore lint/correctness/useYield: throws before it says anything
    const fails: Script = async function* () {
      throw new Error("no summary");
    };
    const models = scriptedModels([isSummary(fails, says("ok"))], small);
    const lines: string[] = [];
    await using t = await openTestAgent({ models, log: quietLog(lines) });
    for (let i = 0; i < 8; i++) expect((await t.ask(long(i))).status).toBe("completed");
    const last = JSON.stringify(models.requests.at(-1));
    expect(last).toContain("left out here");
    expect(last).toContain("message 7");
    expect(last).not.toContain("message 0");
    expect(lines.join("")).toContain("not summarised");
  });

  test("a summary without end is cut off", async () => {
    const endless: Script = async function* () {
      for (;;) yield { type: "text", text: "and so on ".repeat(100) };
    };
    const models = scriptedModels([isSummary(endless, says("ok"))], small);
    await using t = await openTestAgent({ models });
    for (let i = 0; i < 8; i++) expect((await t.ask(long(i))).status).toBe("completed");
  });

  test("a message that is too long for the model fails with what to do", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("ok")], small) });
    const run = await t.ask("word ".repeat(20_000));
    expect(run).toMatchObject({ status: "failed", error: { code: "invalid_request" } });
  });

  test("agent.context_tokens makes the window smaller", async () => {
    await using t = await openTestAgent({
      models: scriptedModels([says("ok")]),
      agent: { context_tokens: 2_000 },
    });
    expect((await t.ask("word ".repeat(4_000))).status).toBe("failed");
  });
});

test("the configured limits and the prompt of the operator go along", async () => {
  const models = scriptedModels([says("ok")]);
  const config = liveConfig({
    agent: { system_prompt: "You serve tea." },
    model: { max_output_tokens: 77, temperature: 0.5 },
  });
  await using t = await openTestAgent({ models, config });
  await t.ask("hi");
  expect(models.requests[0]).toMatchObject({ maxOutputTokens: 77, temperature: 0.5 });
  const [system] = models.requests[0]?.messages ?? [];
  expect(system?.role === "system" ? system.text : "").toStartWith("You serve tea.\nYou are Hermes");
  expect(JSON.stringify(system)).toContain("Session: s1.");
});

test("a model without tools is offered none", async () => {
  const models = scriptedModels([says("ok")], { tools: false });
  await using t = await openTestAgent({ models });
  expect((await t.ask("hi")).status).toBe("completed");
  expect(models.requests[0]?.tools).toEqual([]);
});

describe("on the wire", () => {
  let fake: FakeLlm;
  beforeAll(() => {
    fake = startFakeLlm({ port: 0 });
  });
  afterAll(() => fake.stop());

  test("a hello with all tools on costs at most 12 KB", async () => {
    const config = liveConfig({
      model: { default: "fake/hello" },
      providers: { fake: { api_key: "x", base_url: fake.url } },
    });
    const models = createModelRouter({ config, log: quietLog() });
    await using t = await openTestAgent({ models, config });
    expect((await t.ask("hello")).status).toBe("completed");
    const { body } = fake.requests.at(-1) ?? {};
    const sent = body as { tools: { function: { name: string; parameters: object } }[] };
    expect(sent.tools.map((tool) => tool.function.name)).toEqual(
      t.tools.list(OWNER).map((tool) => tool.name),
    );
    expect(JSON.stringify(sent).length).toBeLessThan(12 * 1024);
    const write = sent.tools.find((tool) => tool.function.name === "memory_write");
    expect(write?.function.parameters).toEqual({
      type: "object",
      required: ["key", "value"],
      properties: { key: { type: "string" }, value: expect.any(Object) }, // no limits, which the registry checks
    });
  });

  test("a real tool loop over HTTP ends in an answer from the tool", async () => {
    const config = liveConfig({
      model: { default: "fake/script" },
      providers: { fake: { api_key: "x", base_url: fake.url } },
    });
    const models = createModelRouter({ config, log: quietLog() });
    await using t = await openTestAgent({ models, config });
    const run = await t.ask(
      'call memory_write {"key":"city","value":"杭州"}\ncall memory_read {"key":"city"}',
    );
    expect(run.response).toContain("杭州");
    expect(await t.store.memory.get("owner", "city")).toMatchObject({ value: "杭州", source: run.id });
    expect(run.usage?.inputTokens).toBeGreaterThan(0);
  });
});
