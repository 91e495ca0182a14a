// Proves that an accepted message is answered exactly once, whatever happens to the process: callers send chats, streams
// and asynchronous tasks while the server is killed with SIGKILL at random moments and started again on the same home.
import { parseArgs } from "node:util";
import { startHermes, testConfig } from "../../tests/support/hermes.ts";
import { deliver, type Message, type Target } from "./kill-callers.ts";
import { checkDatabase, checkNoneLost, checkNoneTwice } from "./kill-checks.ts";
import { promptFor, startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";

const RESUME_WITHIN_MS = 2000;
const MESSAGES_PER_SESSION = 8;
const DOORS = ["chat", "stream", "execute"] as const;

const { values: options } = parseArgs({
  options: {
    messages: { type: "string", default: "20000" },
    kills: { type: "string", default: "200" },
    callers: { type: "string", default: "48" },
    short: { type: "boolean", default: false },
  },
});
const wanted = options.short ? 2000 : readCount(options.messages, "messages");
const kills = options.short ? 20 : readCount(options.kills, "kills");
const callers = readCount(options.callers, "callers");

const verdict = createVerdict("every accepted message is answered, and none is run twice");
const model = startRecordingModel();
const config = testConfig(model.url, "prove");
const hermes = await startHermes({ config: { ...config, agent: { max_queued_turns: 1_000_000 } } });
const startedAt = performance.now();

const messages: Message[] = [];
let accepted = 0;
let onAccepted = () => {};
let up = Promise.resolve();
const target: Target = {
  hermes,
  up: () => up,
  accepted: () => {
    accepted++;
    onAccepted();
  },
};

function nextMessage(): Message {
  const n = messages.length;
  const name = `m${String(n).padStart(6, "0")}`;
  const chunks = 1 + Math.floor(Math.random() * 8);
  const message: Message = {
    text: promptFor({ name, chunks, everyMs: Math.floor(Math.random() * 4), tool: n % 4 === 0 }),
    door: DOORS[n % DOORS.length] ?? "chat",
    // Neighbours are under way at the same time: they must not be of one session, or it would be its lane that is measured.
    sessionId: `s${n % Math.max(1, Math.ceil(wanted / MESSAGES_PER_SESSION))}`,
    key: n % 2 === 0 ? `key-${name}` : null,
    runId: null,
    answeredAt: null,
  };
  messages.push(message);
  return message;
}

/** Sends one message after the other until enough have been accepted. */
async function caller(): Promise<void> {
  while (accepted < wanted) await deliver(nextMessage(), target, verdict);
}

function acceptedReaches(count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  onAccepted = () => accepted >= count && resolve();
  onAccepted();
  return promise;
}

const resumeMs: number[] = [];
/** Turns that a kill cut short and that have not been seen to go on. */
const interrupted = new Map<string, { cutAt: number }>();

/** Of the turns that were cut, notes which have gone on since the new process was spawned. */
function noteResumed(spawnedAt: number): void {
  const aliveMs = performance.now() - spawnedAt;
  for (const [text, { cutAt }] of interrupted) {
    const resumed = model.calls(text).find((call) => call.startedAt > cutAt);
    if (resumed) resumeMs.push(resumed.startedAt - spawnedAt);
    const tookMs = resumed ? resumed.startedAt - spawnedAt : aliveMs;
    if (tookMs > RESUME_WITHIN_MS)
      verdict.violation(
        `${text}: not resumed within ${RESUME_WITHIN_MS} ms but after ${Math.round(tookMs)} ms`,
      );
    if (resumed || aliveMs > RESUME_WITHIN_MS) interrupted.delete(text);
  }
}

/** Kills and starts again. Resolves, once the server is ready, with the moment at which its process was spawned. */
async function killAndRestart(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  up = promise;
  await hermes.service.kill();
  const cutAt = performance.now();
  for (const text of model.unanswered()) if (!interrupted.has(text)) interrupted.set(text, { cutAt });
  model.nextLife();
  const spawnedAt = performance.now();
  await hermes.restart();
  resolve();
  return spawnedAt;
}

async function killer(): Promise<void> {
  const moments = Array.from({ length: kills }, () => Math.floor(Math.random() * wanted)).sort(
    (a, b) => a - b,
  );
  let spawnedAt = performance.now();
  for (const moment of moments) {
    await acceptedReaches(moment);
    await Bun.sleep(Math.random() * 40);
    noteResumed(spawnedAt);
    spawnedAt = await killAndRestart();
  }
  await Bun.sleep(RESUME_WITHIN_MS);
  noteResumed(spawnedAt);
}

function quantile(values: number[], part: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)} ms`;
}

try {
  await Promise.all([killer(), ...Array.from({ length: callers }, caller)]);
  const open = await checkNoneLost(messages, hermes, verdict);
  // What is answered stays answered: one more kill must wake nothing up.
  await killAndRestart();
  await Bun.sleep(1000);
  checkNoneTwice(messages, model, verdict);
  await hermes.service.kill();
  const effects = checkDatabase(hermes.databasePath, messages, verdict);

  const unknown = messages.filter((message) => message.runId === null).length;
  const repeats = effects.attempts.filter((attempts) => attempts > 1).length;
  verdict.figure("messages accepted", accepted);
  for (const door of DOORS)
    verdict.figure(
      `  by ${door}`,
      messages.filter((message) => message.door === door && message.runId !== null).length,
    );
  verdict.figure("sent without a key and cut before any answer (fate unknown)", unknown);
  verdict.figure("kills", kills);
  verdict.figure("runs started more than once", repeats);
  verdict.figure("  most starts of one run", Math.max(...effects.attempts));
  verdict.figure("runs that were still open when the callers were done", open);
  verdict.figure("interrupted turns seen to go on", resumeMs.length);
  verdict.figure("  after the spawn, median", quantile(resumeMs, 0.5));
  verdict.figure("  after the spawn, longest", quantile(resumeMs, 1));
  verdict.figure("tool calls that took effect", effects.toolCalls);
  verdict.figure("tool calls whose outcome a kill left unknown", effects.unknownOutcomes);
  verdict.figure("time", `${Math.round((performance.now() - startedAt) / 1000)} s`);
} finally {
  await hermes.remove();
  await model.stop();
}
process.exit(verdict.exitCode());
