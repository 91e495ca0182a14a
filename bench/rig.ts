import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Hermes, type Service, startHermes, startService, testConfig } from "../tests/support/hermes.ts";

/** A measured figure beside its floor. */
export interface Row {
  name: string;
  unit: string;
  hermes: number;
  /** The floor of the same run; null where the aim is a plain number. */
  floor: number | null;
  /** The median over the rounds of Hermes divided by the floor. */
  ratio: number | null;
  aim: string;
  met: boolean;
}

export interface Effort {
  rounds: number;
  /** Length of one measurement. */
  seconds: number;
  /** How many of whatever is counted rather than timed: requests, starts. */
  count: number;
  /** Turns before the memory is looked at again. */
  turns: number;
}

export interface Figure {
  name: string;
  measure(effort: Effort): Promise<Row[]>;
}

/** The processes of one measurement; all of them end with it. */
export interface Rig extends AsyncDisposable {
  floor(name: "http" | "elysia" | "proxy" | "model", ...args: string[]): Promise<Service>;
  hermes(modelUrl: string, model: string, agent?: Record<string, unknown>): Promise<Hermes>;
  /** `hermes gateway --webhook`, with this secret, one turn at a time. */
  webhooks(modelUrl: string, model: string, secret: string): Promise<Hermes>;
  /** `hermes mcp --transport http`, with this key. */
  mcp(key: string): Promise<Hermes>;
}

export function createRig(): Rig {
  const ends: (() => Promise<void>)[] = [];
  return {
    async floor(name, ...args) {
      const script = join(import.meta.dir, `floors/${name}.ts`);
      const service = await startService([process.execPath, script, ...args]);
      ends.push(service.kill);
      return service;
    },
    async hermes(modelUrl, model, agent = {}) {
      const config = {
        ...testConfig(modelUrl, model),
        agent: {
          max_concurrent_turns: 1000,
          max_queued_turns: 1_000_000,
          turn_timeout_ms: 3_600_000,
          ...agent,
        },
      };
      const hermes = await startHermes({ config });
      ends.push(hermes.remove);
      return hermes;
    },
    async webhooks(modelUrl, model, secret) {
      const config = {
        ...testConfig(modelUrl, model),
        agent: { max_concurrent_turns: 1, max_queued_turns: 1_000_000, turn_timeout_ms: 3_600_000 },
        gateway: { webhook: { secret, rate_limit: { requests_per_minute: 10_000_000 } } },
      };
      const hermes = await startHermes({ config, args: ["gateway", "--webhook", "--port", "0"] });
      ends.push(hermes.remove);
      return hermes;
    },
    async mcp(key) {
      const mcp = { auth: { api_keys: [key] }, rate_limit: { requests_per_minute: 10_000_000 } };
      const args = ["mcp", "--transport", "http", "--port", "0"];
      const hermes = await startHermes({ config: { mcp, log: { level: "warn" } }, args });
      ends.push(hermes.remove);
      return hermes;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(ends.map((end) => end()));
    },
  };
}

type LoadClient = "rate" | "streams" | "first-byte" | "lines";

/** Starts a load client and yields the lines it prints. */
export async function* client(name: LoadClient, job: unknown): AsyncGenerator<string> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, `clients/${name}.ts`), JSON.stringify(job)],
    { stdout: "pipe", stderr: "inherit" },
  );
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of child.stdout) {
    const lines = (text + decoder.decode(bytes, { stream: true })).split("\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
  if ((await child.exited) !== 0) throw new Error(`load client ${name} failed`);
}

/** Runs a load client to its end and gives what it found. */
export async function runClient<Result>(name: LoadClient, job: unknown): Promise<Result> {
  const lines = await Array.fromAsync(client(name, job));
  return JSON.parse(lines.at(-1) ?? "null") as Result;
}

/** The time that all threads of a process have spent on a processor, in milliseconds. */
export function cpuMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const nanoseconds = readdirSync(tasks).map((task) =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1e6;
}

/** Resident memory of a process in megabytes (10^6 bytes). */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(status.match(/VmRSS:\s+(\d+) kB/)?.[1]) * 1024) / 1e6;
}

export interface Pair<T> {
  hermes: T;
  floor: T;
}

/** Measures Hermes and the floor in turns, after one round of each that does not count; who is first alternates. */
export async function interleave<T>(count: number, measure: Pair<() => Promise<T>>): Promise<Pair<T>[]> {
  await measure.floor();
  await measure.hermes();
  const pairs: Pair<T>[] = [];
  for (let i = 0; i < count; i++)
    if (i % 2 === 0) {
      const floor = await measure.floor();
      pairs.push({ floor, hermes: await measure.hermes() });
    } else {
      const hermes = await measure.hermes();
      pairs.push({ hermes, floor: await measure.floor() });
    }
  return pairs;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Sums up interleaved rounds: the medians of both sides and the median of the rounds' own ratios. */
export function summarise<T>(pairs: readonly Pair<T>[], value: (one: T) => number) {
  return {
    hermes: median(pairs.map((pair) => value(pair.hermes))),
    floor: median(pairs.map((pair) => value(pair.floor))),
    ratio: median(pairs.map((pair) => value(pair.hermes) / value(pair.floor))),
  };
}
