// Proves that whatever a model does, each door ends in its whole answer or in one clear error, in time, without running a
// tool twice. The matrix: every scenario of the fake model x {chat, stream, execute}.
import { Database } from "bun:sqlite";
import { startFakeLlm, startHermes, testConfig } from "../../tests/support/hermes.ts";
import { type Frame, isLast, readFrames, textOf } from "./frames.ts";
import { EXPECTATIONS, type Expectation } from "./llm-expectations.ts";
import { answerTo, promptFor, startRecordingModel } from "./recording-model.ts";
import { createVerdict } from "./verdict.ts";

const DOORS = ["chat", "stream", "execute"] as const;
type Door = (typeof DOORS)[number];
const RETRIES = 2;
const DEADLINE_MS = 15_000;
const CHUNKS = 12;

/** How a message ended, as its door told it. */
interface Outcome {
  tookMs: number;
  runId: string | null;
  response?: string;
  finishReason?: string;
  error?: { code: string; message: string };
}

const verdict = createVerdict("whatever the model does ends in its whole answer or one clear error, in time");
const fake = await startFakeLlm();
const breaking = startRecordingModel();
const base = testConfig(fake.url, "hello");
const hermes = await startHermes({
  config: {
    ...base,
    providers: {
      fake: { api_key: "none-needed", base_url: `${fake.url}/v1` },
      breaking: { api_key: "none-needed", base_url: `${breaking.url}/v1` },
    },
    model: { default: "fake/hello", retries: RETRIES, first_token_timeout_ms: 2000, stall_timeout_ms: 1000 },
    agent: { turn_timeout_ms: 10_000 },
  },
});

async function ask(door: Door, model: string, text: string): Promise<Outcome> {
  const startedAt = performance.now();
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const response = await fetch(hermes.api(door === "execute" ? "/execute" : "/chat"), {
    method: "POST",
    headers: { ...hermes.headers, ...(door === "execute" ? { prefer: "respond-async" } : {}) },
    body: JSON.stringify({
      model,
      [door === "execute" ? "task" : "message"]: text,
      ...(door === "stream" ? { stream: true } : {}),
    }),
    signal,
  });
  const outcome = await read(door, response, signal);
  return { ...outcome, tookMs: performance.now() - startedAt };
}

async function read(door: Door, response: Response, signal: AbortSignal): Promise<Omit<Outcome, "tookMs">> {
  if (door === "stream") return fromFrames(await Array.fromAsync(readFrames(response)));
  const body = (await response.json()) as Record<string, string>;
  if (door === "execute") {
    const runId = body["run_id"] ?? "";
    const events = await fetch(hermes.api(`/runs/${runId}/events`), { headers: hermes.headers, signal });
    const told = fromFrames(await Array.fromAsync(readFrames(events)));
    const run = await (await fetch(hermes.api(`/runs/${runId}`), { headers: hermes.headers, signal })).json();
    const { status, response, error } = run as {
      status: string;
      response?: string;
      error?: Outcome["error"];
    };
    if (status !== (told.error ? "failed" : "completed"))
      verdict.violation(`${runId}: is ${status} after its events told otherwise`);
    return {
      ...told,
      ...(status === "completed" && response !== undefined ? { response } : {}),
      ...(error ? { error } : {}),
    };
  }
  if (response.ok)
    return {
      runId: body["run_id"] ?? null,
      response: body["response"] ?? "",
      finishReason: body["finish_reason"] ?? "",
    };
  if (!response.headers.get("content-type")?.startsWith("application/problem+json"))
    verdict.violation(`an error that is no problem+json: ${JSON.stringify(body)}`);
  return {
    runId: response.headers.get("x-run-id"),
    error: { code: body["code"] ?? "", message: body["detail"] ?? "" },
  };
}

function fromFrames(frames: Frame[]): Omit<Outcome, "tookMs"> {
  const finals = frames.filter(isLast);
  const last = frames.at(-1);
  const runId = String(frames[0]?.data["run_id"] ?? "");
  if (finals.length !== 1 || last !== finals[0])
    verdict.violation(`${runId}: ${finals.length} final events, the last one ${last?.event}`);
  if (last?.event !== "run.completed")
    return {
      runId,
      error: (last?.data["error"] ?? { code: "", message: "" }) as { code: string; message: string },
    };
  const response = String(last.data["response"]);
  if (textOf(frames) !== response) verdict.violation(`${runId}: the deltas do not add up to the answer`);
  return { runId, response, finishReason: String(last.data["finish_reason"]) };
}

interface SeenRequest {
  body: { messages: { role: string; content: unknown }[] };
}

/** How many calls the fake got for a cell, per step: calls with as many messages belong to the same one. */
async function callsPerStep(text: string): Promise<number> {
  const { requests } = (await (await fetch(`${fake.url}/debug/requests`)).json()) as {
    requests: SeenRequest[];
  };
  const steps = new Map<number, number>();
  for (const { body } of requests) {
    const user = body.messages.findLast((message) => message.role === "user");
    if (!JSON.stringify(user?.content ?? "").includes(JSON.stringify(text).slice(1, -1))) continue;
    steps.set(body.messages.length, (steps.get(body.messages.length) ?? 0) + 1);
  }
  return Math.max(0, ...steps.values());
}

function judge(cell: string, said: string, expected: Expectation, outcome: Outcome): void {
  const { response, error } = outcome;
  if (error) {
    if (!expected.errors?.test(error.code))
      verdict.violation(`${cell}: ended in ${error.code || "an error without a code"}: ${error.message}`);
    if (!error.message) verdict.violation(`${cell}: the error ${error.code} says nothing`);
    return;
  }
  const answer = expected.answer?.(said);
  const right = answer instanceof RegExp ? answer.test(response ?? "") : response === answer;
  if (!right) verdict.violation(`${cell}: answered ${JSON.stringify(response).slice(0, 120)}`);
  if (expected.finishReason && outcome.finishReason !== expected.finishReason)
    verdict.violation(`${cell}: finish_reason is ${outcome.finishReason}, not ${expected.finishReason}`);
}

const show = ({ error, tookMs }: Outcome) => `${error?.code ?? "answer"} ${Math.round(tookMs)} ms`;
const print = (row: string[]) => console.log(row.map((cell, i) => cell.padEnd(i === 0 ? 20 : 28)).join(" "));

async function playScenario(expected: Expectation): Promise<void> {
  const cells = DOORS.map((door) => {
    const cell = `${expected.model}/${door}`;
    return { door, cell, said: expected.say?.replace("CELL", cell) ?? `This is ${cell}.` };
  });
  const outcomes = await Promise.all(
    cells.map(({ door, cell, said }) =>
      ask(door, `fake/${expected.model}`, said).catch((error: unknown): Outcome => {
        verdict.violation(`${cell}: ${error}`);
        return { tookMs: DEADLINE_MS, runId: null, error: { code: "no end", message: String(error) } };
      }),
    ),
  );
  const calls = await Promise.all(cells.map(({ said }) => callsPerStep(said)));
  const most = Math.max(...calls);
  const limit = expected.callsAtMost ?? 1 + RETRIES;
  if (most > limit) verdict.violation(`${expected.model}: ${most} calls for one step, more than ${limit}`);
  if (most === 0) verdict.violation(`${expected.model}: the model was never asked`);
  outcomes.forEach((outcome, i) => {
    const { cell, said } = cells[i] ?? { cell: "", said: "" };
    if (outcome.error?.code !== "no end") judge(cell, said, expected, outcome);
    if (outcome.runId && expected.toolCalls !== undefined)
      toolChecks.push({ cell, runId: outcome.runId, toolCalls: expected.toolCalls });
  });
  print([expected.model, ...outcomes.map(show), `${most} call(s) a step`]);
}

const toolChecks: { cell: string; runId: string; toolCalls: number }[] = [];

/** The model's answer after a tool breaks off: once, and always. The tool must have run once either way. */
async function playBreaks(): Promise<void> {
  for (const cuts of [1, RETRIES, RETRIES + 1]) {
    const name = `tool-then-${cuts}-cuts`;
    const outcomes = await Promise.all(
      DOORS.map(async (door) => {
        const text = promptFor({ name: `${name}-${door}`, chunks: CHUNKS, everyMs: 1, tool: true, cuts });
        const outcome = await ask(door, "breaking/prove", text);
        const expected: Expectation =
          cuts > RETRIES ? { model: name, errors: /^model_/ } : { model: name, answer: () => answerTo(text) };
        judge(`${name}/${door}`, text, expected, outcome);
        const answers = breaking.calls(text).filter((call) => call.step === "answer").length;
        if (answers > 1 + RETRIES) verdict.violation(`${name}/${door}: ${answers} calls for one step`);
        if (outcome.runId) toolChecks.push({ cell: `${name}/${door}`, runId: outcome.runId, toolCalls: 1 });
        return outcome;
      }),
    );
    print([name, ...outcomes.map(show)]);
  }
}

/** Events of a run tell each call of a tool once; the to-do list, which only tools write, has each task once. */
async function checkTools(): Promise<void> {
  for (const { cell, runId, toolCalls } of toolChecks) {
    const response = await fetch(hermes.api(`/runs/${runId}/events`), { headers: hermes.headers });
    const frames = await Array.fromAsync(readFrames(response));
    for (const event of ["tool.started", "tool.completed"]) {
      const count = frames.filter((frame) => frame.event === event).length;
      if (count !== toolCalls) verdict.violation(`${cell}: ${count} x ${event}, not ${toolCalls}`);
    }
  }
  const database = new Database(hermes.databasePath, { readonly: true });
  const repeated = database.query("SELECT title FROM todos GROUP BY title HAVING count(*) > 1").values();
  for (const [title] of repeated) verdict.violation(`${title}: its tool ran twice`);
  database.close();
}

try {
  const listed = (await (await fetch(`${fake.url}/v1/models`)).json()) as { data: { id: string }[] };
  for (const { id } of listed.data)
    if (!EXPECTATIONS.some(({ model }) => model === id))
      verdict.violation(`the scenario ${id} of the fake has no expectation here`);
  print(["model", ...DOORS]);
  for (const expected of EXPECTATIONS) await playScenario(expected);
  await playBreaks();
  await checkTools();
  verdict.figure("cells", (EXPECTATIONS.length + 3) * DOORS.length);
} finally {
  await hermes.remove();
  await breaking.stop();
  await fake.kill();
}
process.exit(verdict.exitCode());
