import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toolNotes } from "../../src/agent/prompt.ts";
import type { Caller } from "../../src/tools/contract.ts";
import { hangs, says, scriptedModels } from "../fakes/scripted-model.ts";
import { openTestAgent, type TestAgent } from "../support/agent.ts";
import { openTempStore, quietLog } from "../support/store.ts";
import { probeTool } from "../support/tools.ts";

function addSkill(t: TestAgent, name: string): void {
  const folder = join(dirname(t.store.path), "skills", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "SKILL.md"), `---\nname: ${name}\ndescription: Does ${name}.\n---\nText\n`);
}

describe("the system prompt", () => {
  test("names the skills, from the next turn on after one was added by hand", async () => {
    const models = scriptedModels([says("ok")]);
    await using t = await openTestAgent({ models });
    const system = () => JSON.stringify(models.requests.at(-1)?.messages[0]);
    await t.ask("hi");
    expect(system()).not.toContain("skill_load");
    addSkill(t, "pdf-forms");
    await t.ask("hi");
    expect(system()).toContain("- pdf-forms: Does pdf-forms.");
  });

  test("has the operator's words first, then those of the door, also after a restart", async () => {
    const models = scriptedModels([hangs(), says("ok")]);
    await using temp = await openTempStore();
    const agent = { system_prompt: "Be brief." };
    const first = await openTestAgent({ models, store: temp.store, agent });
    const { id } = await first.accept("hi", { instructions: "You speak with Ann." });
    while (models.requests.length === 0) await Bun.sleep(1);
    await first.agent.stop(0);
    await using next = await openTestAgent({ models, store: temp.store, agent });
    await next.agent.recover();
    await next.finished(id);
    expect(models.requests).toHaveLength(2);
    for (const { messages } of models.requests)
      expect(messages[0]).toMatchObject({
        role: "system",
        text: expect.stringMatching(/^Be brief\.\nYou speak with Ann\.\nYou are Hermes/),
      });
  });

  test("does not name them to a caller that may not load them, nor to a model without tools", async () => {
    const models = scriptedModels([says("ok")]);
    await using t = await openTestAgent({ models });
    addSkill(t, "pdf-forms");
    const narrow: Caller = { door: "api", principal: "owner", scopes: ["chat"], tools: ["memory"] };
    await t.ask("hi", { caller: narrow });
    const blind = scriptedModels([says("ok")], { tools: false });
    await using u = await openTestAgent({ models: blind, store: t.store });
    await u.ask("hi", { sessionId: "s2" });
    for (const { requests } of [models, blind]) {
      expect(requests).toHaveLength(1);
      expect(JSON.stringify(requests)).not.toContain("pdf-forms");
    }
  });

  test("goes without what a tool fails to say", async () => {
    const lines: string[] = [];
    const fails = { ...probeTool([]), prompt: () => Promise.reject(new Error("disk")) };
    const says = { ...probeTool([], { name: "other" }), prompt: async () => "A note." };
    expect(await toolNotes([fails, says, probeTool([])], quietLog(lines))).toEqual(["A note."]);
    expect(lines.join("")).toContain("disk");
  });
});
