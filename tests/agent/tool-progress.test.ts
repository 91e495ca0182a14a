import { afterEach, expect, jest, test } from "bun:test";
import { createProgressReport } from "../../src/agent/tool-progress.ts";
import type { ToolProgress } from "../../src/tools/contract.ts";
import { calls, says, scriptedModels } from "../fakes/scripted-model.ts";
import { openTestAgent } from "../support/agent.ts";
import { probeTool } from "../support/tools.ts";

afterEach(() => void jest.useRealTimers());

test("publishes the first step at once, then the latest, and nothing once it has stopped", () => {
  jest.useFakeTimers();
  const steps: ToolProgress[] = [];
  const report = createProgressReport((step) => steps.push(step));
  report.report({ message: "0", done: 0 });
  expect(steps).toHaveLength(1);
  for (let done = 1; done <= 1_000; done++) report.report({ message: String(done), done, total: 1_000 });
  expect(steps).toHaveLength(1);
  jest.advanceTimersByTime(250);
  expect(steps).toEqual([
    { message: "0", done: 0 },
    { message: "1000", done: 1_000, total: 1_000 },
  ]);
  report.report({ message: "late" });
  report.stop();
  report.report({ message: "too late" });
  jest.advanceTimersByTime(10_000);
  expect(steps).toHaveLength(2);
});

test("a call's progress is in the events, between its start and its end, and not in what the model reads", async () => {
  const models = scriptedModels([calls({ id: "c", name: "skill_probe" }), says("ok")]);
  let late: (() => void) | undefined;
  const tool = probeTool([], {
    run(_input, context) {
      for (let done = 1; done <= 100; done++)
        context.progress?.({ message: `half way ${done}`, done, total: 100 });
      late = () => context.progress?.({ message: "late" });
      return `call ${context.callId}`;
    },
  });
  await using t = await openTestAgent({ models, tools: [tool] });
  const run = await t.ask("go");
  late?.();
  const events = await t.events(run.id);
  expect(events.slice(1, 4)).toMatchObject([
    { type: "tool.started", call_id: "c" },
    { type: "tool.progress", tool: "skill_probe", call_id: "c", message: "half way 1", done: 1, total: 100 },
    { type: "tool.completed", call_id: "c", result: "call c" },
  ]);
  expect(events.filter((event) => event.type === "tool.progress")).toHaveLength(1);
  expect(JSON.stringify(models.requests)).not.toContain("half way");
});
