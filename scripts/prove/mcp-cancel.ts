import { readdirSync, readFileSync } from "node:fs";
import { openSession, postLegacy, postModern } from "../../tests/support/mcp.ts";
import { inLanes, type Part, serveMcp, startStdio } from "./mcp-world.ts";

const LIMIT_MS = 1_000;
/** For what must come to be, where there is no limit to prove. */
const PATIENCE_MS = 20_000;
const POLL_MS = 5;
const LANES = 2;
/** Each is the seconds that a command sleeps, and so its mark among all processes of the machine. */
const FIRST_MARK = 70_000_000;
const SLEEPERS = 4;

/** Begins the command of a trial; calling what comes back takes it back. */
type Way = (command: string, trial: number) => Promise<() => void | Promise<void>>;

/** A command that is cancelled, in whichever way, leaves nothing behind: not even what ignores signals or left its group. */
export async function proveCancel({ verdict, short }: Part): Promise<void> {
  const trials = short ? 20 : 200;
  const server = await serveMcp();
  const stdio = await startStdio(server.home);
  try {
    const session = await openSession(server.url);
    const older = await openSession(server.url, "none", "2025-06-18");
    const params = (command: string) => ({ name: "terminal_run", arguments: { command } });
    const overHttp = (post: (signal: AbortSignal) => Promise<Response>) => {
      const gone = new AbortController();
      const ended = post(gone.signal)
        .then((answer) => answer.text())
        .catch(() => undefined); // it is cut on purpose
      return async () => {
        gone.abort();
        await ended;
      };
    };
    const ways: Readonly<Record<string, Way>> = {
      "stdio, notification": async (command) => {
        const requestId = stdio.nextId;
        void stdio.request("tools/call", params(command));
        return () => stdio.notify("notifications/cancelled", { requestId });
      },
      "HTTP legacy, notification": async (command, trial) => {
        const message = { id: trial, method: "tools/call", params: params(command) };
        void postLegacy(server.url, message, { session }).then((answer) => answer.text());
        return async () => {
          const method = "notifications/cancelled";
          await postLegacy(server.url, { method, params: { requestId: trial } }, { session });
        };
      },
      "HTTP legacy, client gone": async (command, trial) => {
        const message = { id: trial, method: "tools/call", params: params(command) };
        return overHttp((signal) => postLegacy(server.url, message, { session, signal }));
      },
      "HTTP 2025-06-18, client gone": async (command, trial) => {
        const message = { id: trial, method: "tools/call", params: params(command) };
        const version = "2025-06-18";
        return overHttp((signal) => postLegacy(server.url, message, { session: older, version, signal }));
      },
      "HTTP modern, stream closed": async (command, id) =>
        overHttp((signal) => postModern(server.url, "tools/call", params(command), { id, signal })),
    };
    const names = Object.keys(ways);
    const tookMs = new Map<string, number[]>(names.map((name) => [name, []]));
    await inLanes(LANES, Array(trials).keys(), async (trial) => {
      const name = names[trial % names.length] ?? "";
      const mark = String(FIRST_MARK + trial);
      const cancel = await ways[name]?.(treeOf(mark), trial);
      if (!(await until(PATIENCE_MS, () => processesOf(mark).filter(isSleeper(mark)).length >= SLEEPERS)))
        return verdict.violation(`${name}: the processes of trial ${trial} did not start`);
      const at = performance.now();
      await cancel?.();
      const gone = await until(PATIENCE_MS, () => processesOf(mark).length === 0);
      const ms = performance.now() - at;
      tookMs.get(name)?.push(ms);
      if (!gone || ms > LIMIT_MS) verdict.violation(`${name}: something lived ${ms.toFixed(0)} ms longer`);
    });
    verdict.figure("calls cancelled, each with a tree of processes", trials);
    for (const [name, all] of tookMs) {
      const sorted = all.sort((a, b) => a - b);
      const shown = [sorted[sorted.length >> 1], sorted.at(-1)].map((ms) => ms?.toFixed(0)).join(" / ");
      verdict.figure(`${name}: ms until all is gone, median / most`, shown);
    }
  } finally {
    stdio.kill();
    await stdio.exited;
    await server.remove();
  }
}

/** Children, one of them in a session of its own, one without its parent, one that ignores signals. */
function treeOf(mark: string): string {
  return [
    `sleep ${mark} &`,
    `setsid sleep ${mark} &`,
    `(sleep ${mark} &) ;`,
    `(trap '' TERM INT HUP; sleep ${mark}) &`,
    "wait",
  ].join(" ");
}

const isSleeper = (mark: string) => (line: string) => line === `sleep\0${mark}\0`;

/** The command lines of all processes of the machine that name the mark. */
function processesOf(mark: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return line.includes(mark) ? [line] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

async function until(limitMs: number, holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > deadline) return false;
    await Bun.sleep(POLL_MS);
  }
  return true;
}
