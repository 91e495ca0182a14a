// Proves that events are acknowledged in time while the agent is busy and the disk is slow: 200 signed events a second, each
// with a turn of its own, beside 100 turns in flight, with 5 ms added to every fsync. The clock of an event runs from the moment
// at which its sender wanted to send it.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { STANDARD } from "../../src/webhooks/standard.ts";
import { HERMES_COMMAND, makeHome, startService, testConfig } from "../../tests/support/hermes.ts";
import { promptFor, startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";
import { SECRET } from "./webhooks-senders.ts";

const PER_SECOND = 200;
const IN_FLIGHT = 100;
const FSYNC_MORE_US = 5_000;
const P99_MS = 100;
const MOST_MS = 1_000;

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    /** Between two pieces of the answer of each turn in flight. */
    every: { type: "string", default: "500" },
    short: { type: "boolean", default: false },
  },
});
const everyMs = readCount(options.every, "every");
const seconds = options.short ? 5 : readCount(options.seconds, "seconds");

const verdict = createVerdict("events are acknowledged in time while the agent is busy and the disk is slow");
const model = startRecordingModel();
const home = makeHome();
mkdirSync(home, { recursive: true, mode: 0o700 });
const config = {
  ...testConfig(model.url, "prove"),
  agent: { max_concurrent_turns: 1_000, max_queued_turns: 1_000_000 },
  gateway: {
    webhook: {
      secret: SECRET,
      rate_limit: { requests_per_minute: 10_000_000 },
      routes: { busy: { scheme: "standard", prompt: "{{payload.prompt}}", session: "n-{{payload.n}}" } },
    },
  },
};
writeFileSync(join(home, "config.yaml"), JSON.stringify(config), { mode: 0o600 });
const slowDisk = [
  "strace",
  "-f",
  "--seccomp-bpf",
  "-D", // what is started is Hermes, and strace is a process of its own
  "-qqq",
  "-o",
  "/dev/null",
  "-e",
  "trace=fsync,fdatasync",
  "-e",
  `inject=fsync,fdatasync:delay_exit=${FSYNC_MORE_US}`,
];
const hermes = await startService([...slowDisk, ...HERMES_COMMAND, "gateway", "--webhook", "--port", "0"], {
  cwd: home,
  env: { HOME: home, HERMES_HOME: home },
});

let sent = 0;
async function deliver(chunks: number, everyMs: number): Promise<void> {
  const n = sent++;
  const prompt = promptFor({ name: `ack${n}`, chunks, everyMs });
  const body = Buffer.from(JSON.stringify({ n, prompt }));
  const signature = STANDARD.sign(body, SECRET, { id: `msg_${n}`, nowMs: Date.now() });
  const answer = await fetch(`${hermes.url}/webhook/busy`, {
    method: "POST",
    headers: { "content-type": "application/json", ...signature },
    body,
  });
  await answer.arrayBuffer();
  if (answer.status !== 202) verdict.violation(`event ${n} was answered with ${answer.status}`);
}

/** Sends on time, whatever becomes of those before. */
async function steadily(): Promise<number[]> {
  const startedAt = performance.now();
  const tookMs: Promise<number>[] = [];
  for (let n = 0; n < seconds * PER_SECOND; n++) {
    const dueAt = startedAt + (n * 1_000) / PER_SECOND;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await Bun.sleep(waitMs);
    tookMs.push(deliver(1, 0).then(() => performance.now() - dueAt));
  }
  return Promise.all(tookMs);
}

try {
  const chunks = Math.ceil(((seconds + 30) * 1_000) / everyMs);
  await Promise.all(Array.from({ length: IN_FLIGHT }, () => deliver(chunks, everyMs)));
  while (model.unanswered().length < IN_FLIGHT) await Bun.sleep(20);
  const sorted = (await steadily()).toSorted((a, b) => a - b);
  const busy = model.unanswered().length;
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  verdict.figure("events, each on disk before its 202", sorted.length);
  verdict.figure("turns in flight beside them, at the end", busy);
  verdict.figure("  each writes a piece of its answer every", `${everyMs} ms`);
  for (const [name, part] of [
    ["median", 0.5],
    ["p99", 0.99],
    ["most", 1],
  ] as const)
    verdict.figure(`acknowledged after, ${name}`, `${Math.round(at(part))} ms`);
  if (busy < IN_FLIGHT) verdict.violation(`only ${busy} turns were in flight`);
  if (at(0.99) > P99_MS) verdict.violation(`p99 is ${Math.round(at(0.99))} ms, not ${P99_MS} at most`);
  if (at(1) > MOST_MS) verdict.violation(`one took ${Math.round(at(1))} ms, not ${MOST_MS} at most`);
} finally {
  await hermes.kill();
  rmSync(home, { recursive: true, force: true });
  await model.stop();
}
process.exit(verdict.exitCode());
