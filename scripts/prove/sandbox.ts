// Proves that whatever a command has started is gone within a second after it is cancelled, after its time limit, after
// Hermes stops, and after Hermes is killed; and measures what the sandbox costs a command.
import { parseArgs } from "node:util";
import {
  type Bench,
  createBench,
  MODES,
  type Mode,
  processesWith,
} from "../../tests/tools/terminal/arena.ts";
import { createVerdict, readCount } from "./verdict.ts";

const { values: options } = parseArgs({
  options: {
    trials: { type: "string", default: "200" },
    calls: { type: "string", default: "200" },
    short: { type: "boolean", default: false },
    /** A mode: this process only starts a command and waits to be killed. */
    victim: { type: "string" },
    mark: { type: "string", default: "" },
  },
});
const trials = options.short ? 24 : readCount(options.trials, "trials");
const calls = options.short ? 30 : readCount(options.calls, "calls");
const LIMIT_MS = 1000;
const AIM_MS = 20;

/** Different ways to get away, all at once. MARK stands in every command line. */
const ESCAPING = `
sleep MARK & setsid sleep MARK & setsid -f sleep MARK
( ( setsid sleep MARK & ) & )
nohup sleep MARK > /dev/null 2>&1 & disown
(trap '' TERM HUP INT QUIT; exec setsid sleep MARK) &
setsid sh -c 'exec <&- >&- 2>&-; exec sleep MARK' &
sleep MARK`;
const commandFor = (mark: string) => ESCAPING.replaceAll("MARK", mark);

if (options.victim !== undefined) {
  const bench = createBench(options.victim as Mode);
  console.log(bench.home);
  await bench.call("terminal_run", { command: commandFor(options.mark) });
  process.exit(0);
}

const verdict = createVerdict(
  `nothing that a command started lives ${LIMIT_MS} ms after the command was ended, in ${trials} trials of each sandbox`,
);

/** Until the command has got going, or for a while at random, so that it is also ended in the middle of its start. */
async function letRun(mark: string, trial: number): Promise<void> {
  if (trial % 2 === 0) return void (await Bun.sleep(Math.random() * 120));
  const deadline = performance.now() + 5000;
  while (processesWith(mark).length < 4 && performance.now() < deadline) await Bun.sleep(5);
}

/** Milliseconds until nothing has the mark any more. */
async function untilGone(mark: string): Promise<number> {
  const beganMs = performance.now();
  while (processesWith(mark).length > 0 && performance.now() - beganMs < 5 * LIMIT_MS) await Bun.sleep(2);
  return performance.now() - beganMs;
}

const ENDS = {
  async cancel(mode: Mode, mark: string, trial: number) {
    const abort = new AbortController();
    const call = bench(mode).call("terminal_run", { command: commandFor(mark) }, { signal: abort.signal });
    call.catch(() => undefined);
    await letRun(mark, trial);
    abort.abort(new Error("cancelled"));
    return untilGone(mark);
  },
  async timeout(mode: Mode, mark: string) {
    await bench(mode).call("terminal_run", { command: commandFor(mark), timeout_ms: 100 });
    return untilGone(mark);
  },
  async stop(mode: Mode, mark: string, trial: number) {
    const own = createBench(mode);
    await own.call("terminal_run", { command: commandFor(mark), background: true });
    await letRun(mark, trial);
    const beganMs = performance.now();
    await Promise.all([own.remove(), untilGone(mark)]);
    return performance.now() - beganMs;
  },
  async "kill -9"(mode: Mode, mark: string, trial: number) {
    const hermes = Bun.spawn([process.execPath, import.meta.path, "--victim", mode, "--mark", mark], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await hermes.stdout.getReader().read();
    await letRun(mark, trial);
    hermes.kill("SIGKILL");
    await hermes.exited;
    return untilGone(mark);
  },
};

const benches = new Map<Mode, Bench>();
function bench(mode: Mode): Bench {
  return benches.getOrInsertComputed(mode, createBench);
}

function percentile(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
}

async function proveEnds(mode: Mode): Promise<void> {
  const ends = Object.entries(ENDS);
  const took: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const [name, end] = ends[trial % ends.length] as (typeof ends)[number];
    const ms = await end(
      mode,
      `${40_000 + trial}.${process.pid}${MODES.indexOf(mode)}`,
      Math.floor(trial / ends.length),
    );
    took.push(ms);
    if (ms > LIMIT_MS) verdict.violation(`${mode}, ${name}: something lived ${ms.toFixed(0)} ms longer`);
  }
  took.sort((a, b) => a - b);
  verdict.figure(
    `${mode}: ms until all is gone, median / p99 / most`,
    [0.5, 0.99, 1].map((p) => percentile(took, p)).join(" / "),
  );
}

async function timeCalls(call: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < calls; i++) {
    const beganMs = performance.now();
    await call();
    took.push(performance.now() - beganMs);
  }
  return took.sort((a, b) => a - b);
}

async function measureCost(): Promise<void> {
  const plain = await timeCalls(async () => {
    const child = Bun.spawn(["/bin/bash", "-c", "true"], { stdio: ["ignore", "pipe", "pipe"] });
    await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  });
  const show = (took: number[]) => `${percentile(took, 0.5)} / ${percentile(took, 0.99)}`;
  verdict.figure("plain bash: ms a call, median / p99", show(plain));
  for (const mode of MODES) {
    const took = await timeCalls(() => bench(mode).call("terminal_run", { command: "true" }));
    const added = Number(percentile(took, 0.5)) - Number(percentile(plain, 0.5));
    verdict.figure(
      `${mode}: ms a call, median / p99`,
      `${show(took)}, ${added.toFixed(1)} more than plain (aim: ${AIM_MS})`,
    );
  }
}

for (const mode of MODES) await proveEnds(mode);
await measureCost();
for (const one of benches.values()) await one.remove();
process.exit(verdict.exitCode());
