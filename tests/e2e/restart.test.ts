import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { type Frame, isLast, readFrames } from "../../scripts/prove/frames.ts";
import {
  type Hermes,
  makeHome,
  runHermes,
  type Service,
  startFakeLlm,
  startHermes,
  testConfig,
} from "../support/hermes.ts";

const CHUNKS = 150;
const EVERY_MS = 10;
const ANSWER = Array.from({ length: CHUNKS }, (_, i) => `word${i + 1} `).join("");

let fake: Service;
const started: Hermes[] = [];

beforeAll(async () => {
  fake = await startFakeLlm();
}, 60_000);
afterEach(async () => {
  await Promise.all(started.splice(0).map((hermes) => hermes.remove()));
});
afterAll(() => fake.kill());

async function start(home?: string): Promise<Hermes> {
  const config = testConfig(fake.url, `text-${CHUNKS}-every-${EVERY_MS}`);
  const hermes = await startHermes({ config, ...(home ? { home } : {}) });
  started.push(hermes);
  return hermes;
}

function post(hermes: Hermes, path: string, body: object, headers: Record<string, string> = {}) {
  return fetch(hermes.api(path), {
    method: "POST",
    headers: { ...hermes.headers, ...headers },
    body: JSON.stringify(body),
    keepalive: false,
  });
}

async function eventsOf(hermes: Hermes, runId: string, lastEventId?: string): Promise<Frame[]> {
  const headers = { ...hermes.headers, ...(lastEventId ? { "last-event-id": lastEventId } : {}) };
  return Array.fromAsync(readFrames(await fetch(hermes.api(`/runs/${runId}/events`), { headers })));
}

const bytesOf = (frames: readonly Frame[]) => frames.map((frame) => frame.raw).join("");

/** How many calls the fake got whose last user message is this. */
async function modelCalls(text: string): Promise<number> {
  const { requests } = (await (await fetch(`${fake.url}/debug/requests`)).json()) as {
    requests: { body: { messages: { role: string; content: unknown }[] } }[];
  };
  const asked = requests.map(({ body }) => body.messages.findLast((message) => message.role === "user"));
  return asked.filter((message) => JSON.stringify(message?.content).includes(text)).length;
}

/** Reads the frames of a response until the connection ends, however it ends. */
async function readWhatComes(frames: AsyncGenerator<Frame>, seen: Frame[]): Promise<Frame[]> {
  try {
    for await (const frame of frames) seen.push(frame);
  } catch (error) {
    expect(seen.some(isLast), `the stream broke after its end: ${error}`).toBe(false);
  }
  return seen;
}

describe("restart", () => {
  test("a turn that SIGKILL cut short goes on at the next start, and its stream with it", async () => {
    const hermes = await start();
    const message = "cut me short";
    const frames = readFrames(await post(hermes, "/chat", { message, stream: true }));
    const seen: Frame[] = [];
    while (seen.filter((frame) => frame.event === "message.delta").length < 5)
      seen.push((await frames.next()).value as Frame);
    const runId = String(seen[0]?.data["run_id"]);
    await hermes.service.kill();
    expect(await modelCalls(message)).toBe(1);
    await readWhatComes(frames, seen);

    await hermes.restart();
    const rest = await eventsOf(hermes, runId, seen.at(-1)?.id);
    expect(rest.at(-1)?.data["response"]).toBe(ANSWER);
    expect(
      rest.filter((frame) => frame.event === "run.started").map((frame) => frame.data["resumed"]),
    ).toEqual([true]);
    expect(bytesOf([...seen, ...rest])).toBe(bytesOf(await eventsOf(hermes, runId)));
    expect(await modelCalls(message)).toBe(2);
  }, 60_000);

  test("a run that had ended is not run again", async () => {
    const hermes = await start();
    const answer = (await (await post(hermes, "/chat", { message: "only once" })).json()) as {
      response: string;
      run_id: string;
    };
    expect(answer.response).toBe(ANSWER);
    await hermes.service.kill();
    await hermes.restart();
    const other = await post(hermes, "/chat", { message: "after the restart" });
    expect(((await other.json()) as { response: string }).response).toBe(ANSWER);
    expect(await modelCalls("only once")).toBe(1);
  }, 60_000);

  test("SIGTERM with open streams exits with 0 and drops nothing", async () => {
    const hermes = await start();
    const streams = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const frames = readFrames(await post(hermes, "/chat", { message: `stop ${i}`, stream: true }));
        const first = (await frames.next()).value as Frame;
        return { runId: String(first.data["run_id"]), seen: readWhatComes(frames, [first]) };
      }),
    );
    const waiting = await post(hermes, "/execute", { task: "stop, waiting" }, { prefer: "respond-async" });
    expect(waiting.status).toBe(202);
    const { run_id: waitingId } = (await waiting.json()) as { run_id: string };
    expect(await hermes.service.stop()).toBe(0);

    await hermes.restart();
    for (const { runId, seen } of streams) {
      const before = await seen;
      const whole = await eventsOf(hermes, runId);
      expect(whole.at(-1)?.data["response"]).toBe(ANSWER);
      const rest = before.some(isLast) ? [] : await eventsOf(hermes, runId, before.at(-1)?.id);
      expect(bytesOf([...before, ...rest])).toBe(bytesOf(whole));
    }
    expect((await eventsOf(hermes, waitingId)).at(-1)?.data["response"]).toBe(ANSWER);
  }, 60_000);
});

describe("two processes", () => {
  test("on one port: the second one is refused and says why", async () => {
    const first = await start();
    const home = makeHome();
    try {
      const { port } = new URL(first.service.url);
      const second = await runHermes(["api", "--port", port], home);
      expect(second.code).toBeGreaterThan(0);
      expect(second.stderr).toContain(port);
      expect(second.stderr).toMatch(/in use/);
      expect(second.stderr).not.toMatch(/^\s+at /m);
      expect((await fetch(`${first.service.url}/health`)).status).toBe(200);
    } finally {
      rmSync(home, { recursive: true });
    }
  }, 60_000);

  test("on one home: they share what is stored and leave each other's turns alone", async () => {
    const first = await start();
    const message = "mine alone";
    const accepted = await post(first, "/execute", { task: message }, { prefer: "respond-async" });
    const { run_id: runId } = (await accepted.json()) as { run_id: string };
    const second = await start(first.home);
    expect((await post(first, "/memory", { key: "shared", value: { from: "first" } })).ok).toBe(true);
    const read = await fetch(second.api("/memory?key=shared"), { headers: second.headers });
    expect(((await read.json()) as { value: unknown }).value).toEqual({ from: "first" });

    const [own, others] = await Promise.all([eventsOf(first, runId), eventsOf(second, runId)]);
    expect(own.at(-1)?.data["response"]).toBe(ANSWER);
    expect(bytesOf(others)).toBe(bytesOf(own));
    expect(own.filter((frame) => frame.event === "run.started")).toHaveLength(1);
    expect(await modelCalls(message)).toBe(1);
  }, 60_000);
});
