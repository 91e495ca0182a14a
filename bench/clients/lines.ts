// Talks to a program over its stdin and stdout as fast as it answers, with a number of requests under way at once.
import { cpuMs } from "../rig.ts";
import { readJob } from "./wire.ts";

export interface LinesJob {
  command: string[];
  env: Record<string, string>;
  /** Lines that come before what is measured; each is answered by one line. */
  before: string[];
  /** The line that is sent again and again; `%ID%` in it is another number each time. */
  line: string;
  requests: number;
  inFlight: number;
}
export interface LinesResult {
  seconds: number;
  perSecond: number;
  /** Processor time of the program, in microseconds a request. */
  cpuUs: number;
}

const NEWLINE = 10;
const job = readJob<LinesJob>();
const child = Bun.spawn(job.command, { env: job.env, stdin: "pipe", stdout: "pipe", stderr: "inherit" });
let answered = 0;
let waiting: { count: number; resolve(): void } | null = null;
let onAnswers: (count: number) => void = () => undefined;

async function read(): Promise<void> {
  for await (const bytes of child.stdout) {
    let count = 0;
    for (const byte of bytes) if (byte === NEWLINE) count += 1;
    answered += count;
    onAnswers(count);
    if (waiting !== null && answered >= waiting.count) waiting.resolve();
  }
}

function answers(count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting = { count, resolve };
  if (answered >= count) resolve();
  return promise;
}

let sent = 0;
function send(count: number): void {
  let text = "";
  for (let i = 0; i < count && sent < job.requests; i++, sent++)
    text += `${job.line.replace("%ID%", String(1_000 + sent))}\n`;
  if (text === "") return;
  child.stdin.write(text);
  child.stdin.flush();
}

void read();
for (const [i, line] of job.before.entries()) {
  child.stdin.write(`${line}\n`);
  child.stdin.flush();
  await answers(i + 1);
}
const cpuBeforeMs = cpuMs(child.pid);
const startedAt = performance.now();
onAnswers = send;
send(job.inFlight);
await answers(job.before.length + job.requests);
const seconds = (performance.now() - startedAt) / 1000;
const result: LinesResult = {
  seconds,
  perSecond: job.requests / seconds,
  cpuUs: ((cpuMs(child.pid) - cpuBeforeMs) * 1000) / job.requests,
};
child.stdin.end();
await child.exited;
console.log(JSON.stringify(result));
