import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readFrames } from "../../scripts/prove/frames.ts";
import { type Hermes, type Service, startFakeLlm, startHermes, testConfig } from "../support/hermes.ts";

setDefaultTimeout(60_000);

let fake: Service;
let hermes: Hermes;
beforeAll(async () => {
  fake = await startFakeLlm();
});
afterEach(() => hermes.remove());
afterAll(() => fake.kill());

interface ShownRun {
  status: string;
  response: string | null;
  approvals: { approval_id: string }[];
}

async function execute(task: string): Promise<string> {
  const answer = await fetch(hermes.api("/execute"), {
    method: "POST",
    headers: { ...hermes.headers, prefer: "respond-async" },
    body: JSON.stringify({ task }),
  });
  return ((await answer.json()) as { run_id: string }).run_id;
}

async function until(runId: string, holds: (run: ShownRun) => boolean): Promise<ShownRun> {
  for (;;) {
    const run = (await (
      await fetch(hermes.api(`/runs/${runId}`), { headers: hermes.headers })
    ).json()) as ShownRun;
    if (holds(run)) return run;
    await Bun.sleep(5);
  }
}

const events = (runId: string) => fetch(hermes.api(`/runs/${runId}/events`), { headers: hermes.headers });

/** Kills without warning, and starts again on the same home. */
async function crash(): Promise<void> {
  await hermes.service.kill();
  await hermes.restart();
}

test("killed while a call waits for an approval: the same question is open, and its answer counts", async () => {
  hermes = await startHermes({ config: testConfig(fake.url, "script") });
  const skill = { name: "greet", description: "Says hello.", instructions: "Say hello." };
  const saved = join(hermes.home, "skills/greet/SKILL.md");
  const runId = await execute(`call skill_save ${JSON.stringify(skill)}`);
  const [asked] = (await until(runId, (run) => run.approvals.length > 0)).approvals;
  await crash();
  const [again] = (await until(runId, (run) => run.status === "running")).approvals;
  expect(again?.approval_id).toBe(asked?.approval_id as string);
  expect(existsSync(saved)).toBe(false);
  const decided = await fetch(hermes.api(`/runs/${runId}/approvals/${asked?.approval_id}`), {
    method: "POST",
    headers: hermes.headers,
    body: JSON.stringify({ decision: "approve" }),
  });
  expect(decided.status).toBe(200);
  const run = await until(runId, ({ status }) => status !== "running");
  expect(run.status).toBe("completed");
  expect(run.response).not.toContain("not known");
  expect(existsSync(saved)).toBe(true);
});

test("killed while a sub-task speaks: the parent finds it again, and both are answered once", async () => {
  hermes = await startHermes({ config: testConfig(fake.url, "script") });
  const task = { task: "count", model: "fake/text-100-every-20" };
  const runId = await execute(`call delegate_task ${JSON.stringify(task)}`);
  for await (const frame of readFrames(await events(runId))) if (frame.raw.includes("says: word")) break;
  await crash();
  const run = await until(runId, ({ status }) => status !== "running" && status !== "queued");
  expect(run.status).toBe("completed");
  expect(run.response).toContain("word100");
  const frames = await Array.fromAsync(readFrames(await events(runId)));
  expect(frames.map((frame) => Number(frame.id))).toEqual(frames.map((_, i) => i + 1));
  using database = new Database(hermes.databasePath, { readonly: true });
  const rows = database.query("SELECT id, status, attempts FROM runs WHERE kind = 'delegate'").all();
  expect(rows).toEqual([{ id: expect.any(String), status: "completed", attempts: 2 }]);
});
