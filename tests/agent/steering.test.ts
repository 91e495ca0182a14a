import { describe, expect, test } from "bun:test";
import type { TurnRequest } from "../../src/agent/contract.ts";
import { AppError } from "../../src/lib/errors.ts";
import type { ModelMessage } from "../../src/models/contract.ts";
import type { Store } from "../../src/store/contract.ts";
import type { Run } from "../../src/store/records.ts";
import type { Caller } from "../../src/tools/contract.ts";
import { calls, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { openTestAgent, shownText, type TestAgent } from "../support/agent.ts";
import { dyingStore } from "../support/dying-store.ts";
import { openTempStore, quietLog } from "../support/store.ts";
import { probeTool } from "../support/tools.ts";

const ANN: Caller = { door: "gateway", principal: "telegram:42", scopes: ["chat", "tools"] };
const SESSION = "gateway:telegram:42/s1";
const joining: Partial<TurnRequest> = { caller: ANN, joinsRunning: true };

const usersOf = (messages: readonly ModelMessage[] = []) =>
  messages.flatMap((message) =>
    message.role === "user"
      ? message.parts.map((part) => (part.type === "text" ? part.text : part.type))
      : [],
  );

/** Plays a script once something was done, such as a message that came meanwhile. */
function meanwhile(work: () => Promise<unknown>, script: Script): Script {
  return async function* (request, signal) {
    await work();
    yield* script(request, signal);
  };
}

/** The roles of all that is stored of the session, with the text of the users. */
async function storedIn(store: Store): Promise<string[]> {
  const { items } = await store.sessions.messages(SESSION, { limit: 100 });
  return items.map(({ role, parts }) => {
    const [part] = parts;
    return role === "user" && part?.type === "text" ? `user: ${part.text}` : role;
  });
}

async function typesOf(t: TestAgent, runId: string): Promise<string[]> {
  const types = (await t.events(runId)).map((event) => event.type);
  return types.filter((type, index) => type !== "message.delta" || types[index - 1] !== type);
}

describe("a message that joins the running turn", () => {
  test("while a tool runs: the next model call reads it, and its own run ends without an answer", async () => {
    let joined: Run | undefined;
    const tool = probeTool([], {
      effect: "read",
      async run() {
        joined = await t.accept("and blue", joining);
        return "done";
      },
    });
    const models = scriptedModels([calls({ id: "a", name: "skill_probe" }), says("Red and blue.")]);
    await using t = await openTestAgent({ models, tools: [tool] });
    const run = await t.ask("red", { caller: ANN });
    expect(run.response).toBe("Red and blue.");
    expect(models.requests).toHaveLength(2);
    expect(models.requests[1]?.messages.slice(-2)).toMatchObject([
      { role: "tool", text: "done" },
      { role: "user", parts: [{ type: "text", text: "and blue" }] },
    ]);
    expect(await t.finished(joined?.id ?? "")).toMatchObject({ status: "completed", response: null });
    expect(await typesOf(t, run.id)).toEqual([
      "run.started",
      "tool.started",
      "tool.completed",
      "message.steered",
      "message.delta",
      "run.completed",
    ]);
    expect(await t.events(run.id)).toContainEqual({
      type: "message.steered",
      run_id: run.id,
      text: "and blue",
    });
    expect(await storedIn(t.store)).toEqual([
      "user: red",
      "assistant",
      "tool",
      "user: and blue",
      "assistant",
    ]);
    expect(t.agent.stats()).toEqual({ running: 0, queued: 0 });
  });

  test("while the model answers: both answers are said, stored and shown", async () => {
    const both = () => Promise.all([t.accept("and blue", joining), t.accept("and green", joining)]);
    const models = scriptedModels([meanwhile(both, says("Red.")), says("Blue, green.")]);
    await using t = await openTestAgent({ models });
    const run = await t.ask("red", { caller: ANN });
    expect(run).toMatchObject({
      response: "Red.\n\nBlue, green.",
      usage: { inputTokens: 20, outputTokens: 10 },
    });
    expect(models.requests[1]?.messages.slice(1)).toMatchObject([
      { role: "user" },
      { role: "assistant", text: "Red." },
      { role: "user", parts: [{ text: "and blue" }, { text: "and green" }] },
    ]);
    const events = await t.events(run.id);
    expect(shownText(events)).toBe("Red.\n\nBlue, green.");
    expect(events.at(-1)).toMatchObject({ type: "run.completed", response: "Red.\n\nBlue, green." });
    expect(await typesOf(t, run.id)).toEqual([
      "run.started",
      "message.delta",
      "message.steered",
      "message.steered",
      "message.delta",
      "run.completed",
    ]);
    expect(await storedIn(t.store)).toEqual([
      "user: red",
      "assistant",
      "user: and blue",
      "user: and green",
      "assistant",
    ]);
  });

  test("before the first model call: it is read together with the first one", async () => {
    const gate = Promise.withResolvers<void>();
    const models = scriptedModels([meanwhile(() => gate.promise, says("First.")), says("Both.")]);
    await using t = await openTestAgent({ models });
    const first = await t.accept("wait", { caller: ANN });
    const second = await t.accept("red", { caller: ANN });
    await t.accept("and blue", joining);
    gate.resolve();
    expect((await t.finished(first.id)).response).toBe("First.");
    expect((await t.finished(second.id)).response).toBe("Both.");
    expect(usersOf(models.requests[1]?.messages).slice(-2)).toEqual(["red", "and blue"]);
  });

  test("when nothing runs: it has a turn like any other", async () => {
    await using t = await openTestAgent({ models: scriptedModels([says("ok")]) });
    expect((await t.ask("red", joining)).response).toBe("ok");
  });

  test("accepted by another process: that one forgets it, and its listeners learn of the end", async () => {
    await using temp = await openTempStore();
    await using other = await openTestAgent({
      models: scriptedModels([says("never")]),
      store: await temp.another(),
    });
    let joined: Run | undefined;
    const accept = async () => {
      joined = await other.accept("and blue", joining);
    };
    const models = scriptedModels([meanwhile(accept, says("Red.")), says("Blue.")]);
    await using t = await openTestAgent({ models, store: temp.store });
    const run = await t.ask("red", { caller: ANN });
    expect(run.response).toBe("Red.\n\nBlue.");
    expect((await other.finished(joined?.id ?? "")).status).toBe("completed");
    while (other.agent.stats().queued > 0) await Bun.sleep(5);
  });
});

describe("a message keeps a turn of its own", () => {
  /** The responses of a run and of one that came while it was answered. */
  async function answersOf(
    change: Partial<TurnRequest>,
    options: Partial<Parameters<typeof openTestAgent>[0]> = {},
  ): Promise<(string | null | undefined)[]> {
    const caller = change.caller ?? ANN;
    let next: Run | undefined;
    const accept = async () => {
      next = await t.accept("next", { caller, ...change });
    };
    const models = scriptedModels([meanwhile(accept, says("First.")), says("Second.")]);
    await using t = await openTestAgent({ models, ...options });
    const run = await t.ask("red", { caller });
    return [run.response, (await t.finished(next?.id ?? "")).response];
  }

  test("that does not join", async () => {
    expect(await answersOf({})).toEqual(["First.", "Second."]);
  });

  test("that came with a file or an attachment, which only its own turn fetches", async () => {
    const files = [{ platform: "telegram", account: "", kind: "image" as const, ref: "a" }];
    expect(await answersOf({ joinsRunning: true, files })).toEqual(["First.", "Second."]);
  });

  test("when the turn may make no further model call", async () => {
    const limited = { agent: { max_steps: 1 } };
    expect(await answersOf({ joinsRunning: true }, limited)).toEqual(["First.", "Second."]);
  });

  test("when what waits cannot be looked up; no turn fails for that", async () => {
    await using temp = await openTempStore();
    const lines: string[] = [];
    const failing = () => Promise.reject(new AppError("store_unavailable", "The disk fails."));
    const store = { ...temp.store, runs: { ...temp.store.runs, openOf: failing } };
    const answers = await answersOf({ joinsRunning: true }, { store, log: quietLog(lines) });
    expect(answers).toEqual(["First.", "Second."]);
    expect(lines.join("")).toContain("could not be looked up");
  });

  test("at every door but the gateway, and no turn of theirs looks for any", async () => {
    await using temp = await openTempStore();
    let looked = 0;
    const openOf = (key: string) => {
      looked += 1;
      return temp.store.runs.openOf(key);
    };
    const store = { ...temp.store, runs: { ...temp.store.runs, openOf } };
    const api: Caller = { ...ANN, door: "api" };
    expect(await answersOf({ caller: api, joinsRunning: true }, { store })).toEqual(["First.", "Second."]);
    expect(looked).toBe(0);
  });
});

test("a cancel ends the turn with what it took in", async () => {
  const reached = Promise.withResolvers<void>();
  let joined: Run | undefined;
  const accept = async () => {
    joined = await t.accept("and blue", joining);
  };
  const waits: Script = async function* (_request, signal) {
    yield { type: "text", text: "Blu" };
    reached.resolve();
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  await using t = await openTestAgent({ models: scriptedModels([meanwhile(accept, says("Red.")), waits]) });
  const { id } = await t.accept("red", { caller: ANN });
  await reached.promise;
  expect(await t.agent.cancel(joined?.id ?? "")).toBe(false);
  expect(await t.agent.cancel(id)).toBe(true);
  expect((await t.finished(id)).status).toBe("cancelled");
  expect((await t.finished(joined?.id ?? "")).status).toBe("completed");
});

test("the reply of a turn is kept with it, and that of one that joined another ends unsent", async () => {
  const reply = (id: string) => ({
    reply: { id, kind: "answer" as const, target: { platform: "telegram", account: "", chat: "42" } },
  });
  const accept = async () => {
    expect((await t.store.deliveries.waitingOf(SESSION)).map(({ id }) => id)).toEqual(["d1"]);
    await t.accept("and blue", { ...joining, ...reply("d2") });
  };
  await using t = await openTestAgent({
    models: scriptedModels([meanwhile(accept, says("Red.")), says("Blue.")]),
  });
  const run = await t.ask("red", { caller: ANN, ...reply("d1") });
  expect(await t.store.deliveries.get("d1")).toMatchObject({ status: "due", runId: run.id });
  expect(await t.store.deliveries.get("d2")).toMatchObject({ status: "sent", parts: [] });
});

describe("a turn that died", () => {
  const hasSeen = (messages: readonly ModelMessage[], text: string) => usersOf(messages).includes(text);
  const hasResult = (messages: readonly ModelMessage[]) => messages.some(({ role }) => role === "tool");

  /**
   * Calls a tool, during which a message comes, and answers, during which another one comes. The same at every call with the same
   * messages.
   */
  const acts = (send: (text: string) => Promise<unknown>): Script =>
    async function* (request, signal) {
      const { messages } = request;
      if (!hasResult(messages)) return yield* calls({ id: "r", name: "skill_look" })(request, signal);
      if (!hasSeen(messages, "and green")) await send("and green");
      yield* says(hasSeen(messages, "and green") ? "Green." : "Blue.")(request, signal);
    };

  /** Accepts each text once, as a platform's redelivery would. */
  const sender = (agent: () => TestAgent) => (text: string) =>
    agent().accept(text, { ...joining, delivery: { source: "telegram", id: text, fingerprint: text } });
  const lookTool = (send: (text: string) => Promise<unknown>) =>
    probeTool([], {
      name: "skill_look",
      effect: "read",
      run: () => send("and blue").then(() => "done"),
    });

  /** The start, the step, the call's beginning and end, a message taken in, another one behind an answer, the finish. */
  const TURN_WRITES = 7;

  async function start(store: Store): Promise<{ t: TestAgent; models: ReturnType<typeof scriptedModels> }> {
    const send = sender(() => t);
    const models = scriptedModels([acts(send)]);
    const t: TestAgent = await openTestAgent({ models, store, tools: [lookTool(send)] });
    return { t, models };
  }

  test("has this many writes to die at", async () => {
    await using temp = await openTempStore();
    const never = dyingStore(temp.store, Number.POSITIVE_INFINITY, "before");
    const { t } = await start(never.store);
    expect((await t.ask("red", { caller: ANN })).response).toBe("Blue.\n\nGreen.");
    expect(never.writes()).toBe(TURN_WRITES);
    await t.agent.stop(0);
  });

  for (const when of ["before", "after"] as const)
    for (let at = 1; at <= TURN_WRITES; at++)
      test(`${when} the disk had write ${at}: no message is lost, and none is answered twice`, async () => {
        await using temp = await openTempStore();
        const dying = dyingStore(temp.store, at, when);
        const first = await start(dying.store);
        const { id } = await first.t.accept("red", { caller: ANN });
        await dying.died;

        const { t, models } = await start(await temp.restart());
        await t.agent.recover();
        const run = await t.finished(id);
        while (t.agent.stats().running + t.agent.stats().queued > 0) await Bun.sleep(5);

        expect(run).toMatchObject({ status: "completed" });
        expect(shownText(await t.events(id))).toBe(run.response ?? "");
        const stored = await storedIn(t.store);
        for (const text of ["red", "and blue", "and green"])
          expect(stored.filter((line) => line === `user: ${text}`)).toHaveLength(1);
        expect(await t.store.runs.openOf(SESSION)).toEqual([]);
        const { runs } = await t.store.counts();
        expect(runs).toMatchObject({ completed: 3, failed: 0, cancelled: 0 });
        const isFinished = at === TURN_WRITES && when === "after";
        if (!isFinished)
          expect(usersOf(models.requests.at(-1)?.messages)).toEqual(["red", "and blue", "and green"]);
        await t.agent.stop(0);
      }, 20_000);
});
