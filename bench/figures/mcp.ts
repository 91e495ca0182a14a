import { rmSync } from "node:fs";
import { HERMES_COMMAND, type Hermes, makeHome } from "../../tests/support/hermes.ts";
import { MODERN, openSession, postModern } from "../../tests/support/mcp.ts";
import { messageOf, modern, rpc } from "../../tests/support/mcp-requests.ts";
import type { LinesJob, LinesResult } from "../clients/lines.ts";
import {
  createRig,
  type Effort,
  type Figure,
  interleave,
  median,
  type Row,
  runClient,
  summarise,
} from "../rig.ts";
import { compareRates } from "./routes.ts";

const KEY = "a-key-of-mcp-for-the-bench-only";
const CONNECTIONS = 16;
const IN_FLIGHT = 16;
const STDIO_CALLS = 20_000;
const ACCEPT = { accept: "application/json, text/event-stream" };
const HELLO = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "bench", version: "1" },
};
const WRITE = { name: "memory_write", arguments: { key: "bench", value: "a value" } };
const READ = { name: "memory_read", arguments: { key: "bench" } };

/** A small tool call: over HTTP in both eras against a bare route of the same framework, over stdio, and in the sandbox. */
export const mcp: Figure = {
  name: "mcp",
  async measure(effort) {
    await using rig = createRig();
    const hermes = await rig.mcp(KEY);
    const url = new URL("/mcp", hermes.service.url);
    const floor = await rig.floor("elysia");
    const written = await messageOf(await postModern(url, "tools/call", WRITE, { key: KEY }));
    if (written.result?.isError !== undefined) throw new Error(`memory_write: ${JSON.stringify(written)}`);
    const { headers, body } = modern("tools/call", READ);
    const sessions = await Promise.all(Array.from({ length: CONNECTIONS }, () => openSession(url, KEY)));
    const version = "2025-11-25";
    const eras = {
      [MODERN]: { headers: { ...headers, ...ACCEPT, "x-api-key": KEY }, body },
      [`${version}, in a session`]: {
        headers: { ...ACCEPT, "x-api-key": KEY, "mcp-protocol-version": version },
        body: rpc("tools/call", READ),
        headersOf: sessions.map((id) => ({ "mcp-session-id": id })),
      },
    };
    const rows: Row[] = [];
    for (const [era, { headersOf, ...spec }] of Object.entries<EraSpec>(eras)) {
      const pairs = await compareRates(effort.rounds, effort.seconds, CONNECTIONS, {
        hermes: {
          pid: hermes.service.pid,
          request: { method: "POST", url: url.href, ...spec },
          ...(headersOf === undefined ? {} : { headersOf }),
        },
        floor: { pid: floor.pid, request: { method: "POST", url: `${floor.url}/mcp`, ...spec } },
      });
      const rate = summarise(pairs, (one) => one.perSecond);
      const cpu = summarise(pairs, (one) => one.cpuUs);
      const name = `tools/call over HTTP, ${era}`;
      rows.push({ name, unit: "calls/s", ...rate, aim: ">= 2,500 at 16", met: rate.hermes >= 2_500 });
      rows.push({
        name: `${name}, processor time`,
        unit: "us",
        ...cpu,
        aim: "<= 10 x",
        met: cpu.ratio <= 10,
      });
    }
    return [...rows, ...(await stdio(effort)), await sandbox(hermes, url, effort)];
  },
};

interface EraSpec {
  headers: Record<string, string>;
  body: unknown;
  headersOf?: Record<string, string>[];
}

/** `hermes mcp`: calls a second of one client that does not wait, and the time to its first answer. */
async function stdio({ rounds, count }: Effort): Promise<Row[]> {
  const home = makeHome();
  try {
    const env = { HOME: home, HERMES_HOME: home, PATH: process.env["PATH"] ?? "" };
    const line = (id: unknown, method: string, params: object) =>
      JSON.stringify({ ...rpc(method, params), id });
    const job: LinesJob = {
      command: [...HERMES_COMMAND, "mcp"],
      env,
      before: [line(1, "initialize", HELLO), line(2, "tools/call", WRITE)],
      line: line("%ID%", "tools/call", READ),
      requests: Math.min(STDIO_CALLS, 100 * count),
      inFlight: IN_FLIGHT,
    };
    const results: LinesResult[] = [];
    for (let i = 0; i < rounds; i++) results.push(await runClient<LinesResult>("lines", job));
    const perSecond = median(results.map((one) => one.perSecond));
    const cpuUs = median(results.map((one) => one.cpuUs));
    const starts: number[] = [];
    for (let i = 0; i < Math.min(count, 20); i++) starts.push(await firstAnswerMs(env));
    const startMs = median(starts);
    const alone = { floor: null, ratio: null };
    return [
      {
        name: "tools/call over stdio",
        unit: "calls/s",
        hermes: perSecond,
        ...alone,
        aim: ">= 5,000",
        met: perSecond >= 5_000,
      },
      {
        name: "tools/call over stdio, processor time",
        unit: "us",
        hermes: cpuUs,
        ...alone,
        aim: "",
        met: true,
      },
      {
        name: "start over stdio to the first answer",
        unit: "ms",
        hermes: startMs,
        ...alone,
        aim: "<= 250 ms",
        met: startMs <= 250,
      },
    ];
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function firstAnswerMs(env: Record<string, string>): Promise<number> {
  const startedAt = performance.now();
  const child = Bun.spawn([...HERMES_COMMAND, "mcp"], {
    env,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  child.stdin.write(`${JSON.stringify(rpc("initialize", HELLO))}\n`);
  child.stdin.flush();
  const { done } = await child.stdout.getReader().read();
  const elapsedMs = performance.now() - startedAt;
  if (done) throw new Error("hermes mcp ended before it answered");
  child.stdin.end();
  await child.exited;
  return elapsedMs;
}

/** A command that does nothing, against the same command without a sandbox or a Hermes. */
async function sandbox(hermes: Hermes, url: URL, { count }: Effort): Promise<Row> {
  const call = { name: "terminal_run", arguments: { command: "true" } };
  const pairs = await interleave(Math.min(count, 50), {
    hermes: () =>
      timed(async () => {
        const { result } = await messageOf(await postModern(url, "tools/call", call, { key: KEY }));
        if (result?.structuredContent?.exit_code !== 0)
          throw new Error(`terminal_run: ${JSON.stringify(result)}`);
      }),
    floor: () => timed(() => Bun.spawn(["/bin/bash", "-c", "true"], { cwd: hermes.home }).exited),
  });
  const cost = summarise(pairs, (ms) => ms);
  return {
    name: "terminal_run of nothing, in the sandbox",
    unit: "ms",
    ...cost,
    aim: "<= 20 ms more",
    met: cost.hermes - cost.floor <= 20,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
