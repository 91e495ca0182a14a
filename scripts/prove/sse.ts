// Proves that a client which loses its stream anywhere gets, by Last-Event-ID, exactly the bytes it missed: after the run,
// while the run goes on, and across a SIGKILL of the server.
import { parseArgs } from "node:util";
import { type Hermes, startHermes, testConfig } from "../../tests/support/hermes.ts";
import { type Frame, isLast, readFrames, textOf } from "./frames.ts";
import { answerTo, promptFor, startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";

const { values: options } = parseArgs({
  options: {
    events: { type: "string", default: "200" },
    restarts: { type: "string", default: "20" },
    short: { type: "boolean", default: false },
  },
});
const eventCount = readCount(options.events, "events");
const restarts = options.short ? 4 : readCount(options.restarts, "restarts");
/** Chunks that come while the disk is busy share one event: twice as many chunks make events enough. */
const CHUNKS = 2 * eventCount;
const EVERY_MS = 6;

const verdict = createVerdict("a stream cut at any event and resumed is byte-equal to the uncut one");
const model = startRecordingModel();
const hermes = await startHermes({ config: testConfig(model.url, "prove") });

/** Reads a run's events after `lastEventId`, until its last one, or until `count` have come, when it drops the connection. */
async function read(hermes: Hermes, runId: string, lastEventId?: string, count?: number): Promise<Frame[]> {
  const abort = new AbortController();
  const headers = { ...hermes.headers, ...(lastEventId ? { "last-event-id": lastEventId } : {}) };
  const frames: Frame[] = [];
  if (count === 0) return frames;
  const response = await fetch(hermes.api(`/runs/${runId}/events`), {
    headers,
    signal: abort.signal,
    keepalive: false,
  });
  if (!response.ok) throw new Error(`events of ${runId}: ${response.status} ${await response.text()}`);
  for await (const frame of readFrames(response)) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  abort.abort();
  return frames;
}

const bytesOf = (frames: readonly Frame[]) => frames.map((frame) => frame.raw).join("");

/** Starts a streamed chat and resolves with its run id and, in time, all its frames as the first client gets them. */
async function startChat(name: string) {
  const message = promptFor({ name, chunks: CHUNKS, everyMs: EVERY_MS, tool: true });
  const response = await fetch(hermes.api("/chat"), {
    method: "POST",
    headers: hermes.headers,
    body: JSON.stringify({ message, stream: true }),
    keepalive: false,
  });
  if (!response.ok) throw new Error(`chat: ${response.status} ${await response.text()}`);
  const frames = readFrames(response);
  const first = (await frames.next()).value as Frame;
  const runId = String(first.data["run_id"]);
  const all = (async () => {
    const seen = [first];
    for await (const frame of frames) seen.push(frame);
    return seen;
  })();
  return { message, runId, all };
}

function checkWhole(what: string, message: string, frames: readonly Frame[]): void {
  const last = frames.at(-1);
  const expected = answerTo(message);
  if (!last || !isLast(last)) verdict.violation(`${what}: no final event`);
  else if (last.data["response"] !== expected) verdict.violation(`${what}: ended with ${last.raw}`);
  if (textOf(frames) !== expected) verdict.violation(`${what}: the deltas do not add up to the answer`);
}

function checkEqual(what: string, parts: Frame[][], whole: readonly Frame[]): void {
  if (bytesOf(parts.flat()) !== bytesOf(whole))
    verdict.violation(`${what}: not byte-equal to the uncut stream`);
}

/** Every cut of a run that has ended. */
async function proveEnded(): Promise<void> {
  const { message, runId, all } = await startChat("ended");
  const live = await all;
  const whole = await read(hermes, runId);
  checkWhole("ended", message, whole);
  if (whole.length < eventCount) verdict.violation(`only ${whole.length} events, not ${eventCount}`);
  checkEqual("the first client of the run", [live], whole);
  for (let cut = 0; cut <= whole.length; cut++) {
    const before = await read(hermes, runId, undefined, cut);
    const after = cut === whole.length ? [] : await read(hermes, runId, before.at(-1)?.id);
    checkEqual(`cut at ${cut}`, [before, after], whole);
  }
  verdict.figure("events of the run that was cut after its end", whole.length);
  verdict.figure("cuts, each resumed", whole.length + 1);
  await proveRestarts(runId, whole);
}

/** The same with a SIGKILL of the server between the two halves. */
async function proveRestarts(runId: string, whole: readonly Frame[]): Promise<void> {
  for (let i = 0; i < restarts; i++) {
    const cut = 1 + Math.floor(((whole.length - 2) * i) / Math.max(1, restarts - 1));
    const before = await read(hermes, runId, undefined, cut);
    await hermes.service.kill();
    await hermes.restart();
    checkEqual(`restart at ${cut}`, [before, await read(hermes, runId, before.at(-1)?.id)], whole);
  }
  verdict.figure("cuts with a SIGKILL in between", restarts);
}

/** A client per event index, all at once, each cut there and resumed while the run goes on. */
async function proveLive(): Promise<void> {
  const { message, runId, all } = await startChat("live");
  const cuts = Array.from({ length: eventCount }, (_, i) => i + 1);
  const clients = cuts.map(async (cut) => {
    const before = await read(hermes, runId, undefined, cut);
    const last = before.at(-1);
    return last && isLast(last) ? [before] : [before, await read(hermes, runId, last?.id)];
  });
  const [live, ...halves] = await Promise.all([all, ...clients]);
  const whole = await read(hermes, runId);
  checkWhole("live", message, whole);
  checkEqual("the first client of the live run", [live], whole);
  halves.forEach((parts, i) => {
    checkEqual(`live cut at ${cuts[i]}`, parts, whole);
  });
  verdict.figure("events of the run that was cut while it went on", whole.length);
  verdict.figure("clients cut while it went on, each resumed", clients.length);
}

/** The server is killed while the run goes on; the run goes on after the restart and so does the stream. */
async function proveLiveRestarts(): Promise<void> {
  for (let i = 0; i < restarts; i++) {
    const cut = 1 + Math.floor((eventCount * i) / restarts);
    const { message, runId, all } = await startChat(`restart-${i}`);
    const stale = all.catch(() => []); // this client's connection dies with the server
    const before = await read(hermes, runId, undefined, cut);
    await hermes.service.kill();
    await hermes.restart();
    const after = await read(hermes, runId, before.at(-1)?.id);
    const whole = await read(hermes, runId);
    await stale;
    checkWhole(`live restart at ${cut}`, message, whole);
    checkEqual(`live restart at ${cut}`, [before, after], whole);
  }
  verdict.figure("runs killed while they were streamed, then resumed", restarts);
}

try {
  await proveEnded();
  await proveLive();
  await proveLiveRestarts();
} finally {
  await hermes.remove();
  await model.stop();
}
process.exit(verdict.exitCode());
