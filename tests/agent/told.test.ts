import { expect, test } from "bun:test";
import { FormatRegistry } from "typebox";
import { Value } from "typebox/value";
import type { WebhookEventType } from "../../src/config/webhook-events.ts";
import { AppError } from "../../src/lib/errors.ts";
import type { Caller } from "../../src/tools/contract.ts";
import { createAnnouncer } from "../../src/webhooks/outbound/announcer.ts";
import { payloadSchema } from "../../src/webhooks/outbound/events.ts";
import { calls, hangs, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { liveConfig, openTestAgent, type TestAgent } from "../support/agent.ts";
import { probeTool } from "../support/tools.ts";

FormatRegistry.Set("date-time", (text) => !Number.isNaN(Date.parse(text)));

/** Somebody in a chat. */
const ANN: Caller = { door: "gateway", principal: "telegram:42", scopes: ["chat", "tools"] };

interface Payload {
  type: WebhookEventType;
  data: { run_id: string; [field: string]: unknown };
}

/** An agent whose endpoint asks for every event. */
async function open(scripts: Script[], more: object = {}) {
  const config = liveConfig({
    gateway: {
      webhook: { outbound: { enabled: true, url: "https://a.test/", secret: "abcdefgh", events: ["*"] } },
    },
    tools: { skill: { approval: "ask" } },
  });
  let stored = 0;
  const announcer = createAnnouncer({ config, redact: (text) => text, onStored: () => void stored++ });
  const agent = await openTestAgent({ models: scriptedModels(scripts), config, announcer, ...more });
  return Object.assign(agent, { storedCount: () => stored });
}

/** What others were told, oldest first; each is as the document says. */
async function told(t: TestAgent): Promise<Payload[]> {
  const { items } = await t.store.webhooks.list({ limit: 100 });
  const events = await Promise.all(items.reverse().map(({ id }) => t.store.webhooks.get(id)));
  return events.map((event) => {
    const payload: Payload = JSON.parse(event?.body ?? "");
    expect([...Value.Errors(payloadSchema(payload.type), payload)]).toEqual([]);
    return payload;
  });
}
const types = (payloads: readonly Payload[]) => payloads.map(({ type }) => type);

test("a message and its answer", async () => {
  await using t = await open([says("Hello ", "there.")]);
  const run = await t.ask("hi");
  const events = await told(t);
  expect(types(events)).toEqual(["message.received", "task.started", "task.completed"]);
  const whose = { run_id: run.id, session_id: "s1", owner: "api:owner", kind: "chat" };
  expect(events[0]?.data).toEqual({ ...whose, text: "hi", attachments: 0, truncated: false });
  expect(events[1]?.data).toEqual({ ...whose, model: "scripted/model" });
  expect(events[2]?.data).toMatchObject({
    ...whose,
    response: "Hello there.",
    model: "scripted/model",
    finish_reason: "stop",
    truncated: false,
  });
  expect(t.storedCount()).toBeGreaterThanOrEqual(3);
});

test("a message that is delivered again is told once", async () => {
  await using t = await open([says("ok")]);
  const delivery = { source: "api:owner", id: "k", fingerprint: "f" };
  await t.ask("hi", { delivery });
  await t.ask("hi", { delivery });
  expect(types(await told(t))).toEqual(["message.received", "task.started", "task.completed"]);
});

test("an error, with what can be done about it", async () => {
  const refuses: Script = async function* () {
    yield* [];
    throw new AppError("model_refused", "No.", { hint: "Ask nicely." });
  };
  await using t = await open([refuses]);
  await t.ask("hi");
  const events = await told(t);
  expect(types(events)).toEqual(["message.received", "task.started", "agent.error"]);
  expect(events[2]?.data).toMatchObject({
    error: { code: "model_refused", message: "No.", hint: "Ask nicely." },
    truncated: false,
  });
});

test("a cancel, of what runs and of what waits", async () => {
  await using t = await open([hangs()]);
  const running = await t.accept("one");
  const waiting = await t.accept("two");
  while ((await t.store.runs.get(running.id))?.status !== "running") await Bun.sleep(1);
  await t.agent.cancel(waiting.id);
  await t.agent.cancel(running.id);
  await t.finished(running.id);
  const cancelled = (await told(t)).filter(({ type }) => type === "task.cancelled");
  expect(cancelled.map(({ data }) => data.run_id).toSorted()).toEqual([running.id, waiting.id].toSorted());
});

test("a question and what was decided", async () => {
  const scripts = [calls({ id: "c", name: "skill_probe", arguments: { word: "x" } }), says("done")];
  await using t = await open(scripts, { tools: [probeTool([], { asks: true })] });
  const { id } = await t.accept("go");
  let approvals = await t.agent.approvals(id);
  for (; approvals.length === 0; approvals = await t.agent.approvals(id)) await Bun.sleep(1);
  const approvalId = approvals[0]?.id ?? "";
  await t.agent.decide(id, approvalId, { approved: false, by: "owner" });
  await t.finished(id);
  const events = await told(t);
  expect(types(events)).toEqual([
    "message.received",
    "task.started",
    "approval.requested",
    "approval.decided",
    "task.completed",
  ]);
  expect(events[2]?.data).toMatchObject({ approval_id: approvalId, tool: "skill_probe" });
  expect(events[3]?.data).toMatchObject({ approval_id: approvalId, approved: false });
});

test("a message that a running turn has taken in", async () => {
  let joinedId = "";
  const tool = probeTool([], {
    effect: "read",
    async run() {
      joinedId = (await t.accept("and blue", { caller: ANN, joinsRunning: true })).id;
      return "done";
    },
  });
  await using t = await open([calls({ id: "a", name: "skill_probe" }), says("Red and blue.")], {
    tools: [tool],
  });
  const run = await t.ask("red", { caller: ANN });
  const events = await told(t);
  expect(types(events)).toEqual([
    "message.received",
    "task.started",
    "message.received",
    "task.joined",
    "task.completed",
  ]);
  expect(events[3]?.data).toEqual({
    run_id: joinedId,
    session_id: "s1",
    owner: "gateway:telegram:42",
    kind: "chat",
    joined_run_id: run.id,
  });
});

test("nothing of sub-tasks, and no second message where the last one is answered anew", async () => {
  const scripts = [
    calls({ id: "d", name: "delegate_task", arguments: { task: "a part" } }),
    says("a part of it"),
    says("all of it"),
  ];
  await using t = await open(scripts);
  const run = await t.ask("go");
  expect(run.response).toBe("all of it");
  await t.ask("", { replacesLastTurn: true });
  expect(types(await told(t))).toEqual([
    "message.received",
    "task.started",
    "task.completed",
    "task.started",
    "task.completed",
  ]);
});
