import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../src/config/load.ts";
import type { Config } from "../../../src/config/schema.ts";
import type { Log } from "../../../src/lib/log.ts";
import { readProcesses } from "../../../src/lib/process-tree.ts";
import type { ToolContext, ToolResult } from "../../../src/tools/contract.ts";
import { findSandbox, withoutSandbox } from "../../../src/tools/terminal/sandbox.ts";
import { createTerminal, type Terminal } from "../../../src/tools/terminal/terminal.ts";
import { liveConfigOf } from "../../support/agent.ts";

export type Mode = "bubblewrap" | "landlock" | "none";
type Settings = Config["tools"]["terminal"];

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent };

/** The terminal tools on a workspace of their own, with settings that can be changed. */
export interface Bench {
  home: string;
  workspace: string;
  terminal: Terminal;
  settings(changed: Partial<Settings>): void;
  roots(roots: string[], readOnly?: string[]): void;
  call(
    name: "terminal_run" | "terminal_process",
    input: object,
    context?: Partial<ToolContext>,
  ): Promise<ToolResult>;
  remove(): Promise<void>;
}

export interface RunResult {
  id?: string;
  exit_code: number;
  signal?: string;
  output: string;
  timed_out: boolean;
  truncated: boolean;
  stopped?: string;
}

/** What a command that was run says of itself. */
export function resultOf({ structured, text }: ToolResult): RunResult {
  if (structured === undefined) throw new Error(text);
  return structured as RunResult;
}

export function createBench(
  mode: Mode | "auto",
  changed: Partial<Settings> = {},
  find: typeof findSandbox = mode === "none"
    ? async (_, directory) => withoutSandbox(directory, [])
    : findSandbox,
): Bench {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), "hermes-arena-"));
  const home = join(directory, "home");
  mkdirSync(home, { mode: 0o700 });
  const config = liveConfigOf(loadConfig({ home, env: {} }).config);
  const settings = (more: Partial<Settings>) =>
    config.change((next) => Object.assign(next.tools.terminal, more));
  settings({ ...(mode !== "none" && { sandbox: mode }), unsafe: mode === "none", ...changed });
  const terminal = createTerminal({
    config,
    home,
    log: silent,
    find,
  });
  return {
    home,
    workspace: join(home, "workspace"),
    terminal,
    settings,
    roots: (roots, readOnly = []) =>
      config.change((next) => Object.assign(next.tools.file, { roots, read_only_roots: readOnly })),
    call(name, input, context = {}) {
      const tool = terminal.tools.find((one) => one.name === name);
      if (!tool) throw new Error(name);
      return tool.run(input, {
        caller: { door: "cli", principal: "owner", scopes: ["admin"] },
        signal: new AbortController().signal,
        ...context,
      });
    },
    async remove() {
      await terminal.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * The sandboxes that this machine has. Not every one can make namespaces, a container for one; a sandbox that is not there
 * is said so and not tested, and at least one has to be.
 */
export const SANDBOXES: readonly Exclude<Mode, "none">[] = await findSandboxes();
/** The same, and commands without any. */
export const MODES: readonly Mode[] = [...SANDBOXES, "none"];

async function findSandboxes() {
  const found: Exclude<Mode, "none">[] = [];
  for (const mode of ["bubblewrap", "landlock"] as const) {
    const bench = createBench(mode);
    const { kind, missing } = await bench.terminal.sandbox();
    if (kind === mode) found.push(mode);
    else console.warn(`not tested: ${mode}. ${missing.map(({ reason }) => reason).join(" ")}`);
    await bench.remove();
  }
  if (found.length === 0) throw new Error("this machine has no sandbox to test");
  return found;
}

/** What an attack is after, on this machine outside of the workspace. */
export interface Arena {
  /** A text that stands only in places that no command may read. */
  canary: string;
  directory: string;
  bench: Bench;
  tcpPort: number;
  udpPort: number;
  unixSocket: string;
  /** Of an abstract socket, without the NUL before it. */
  abstractName: string;
  victim: { pid: number };
  /** What reached one of the sockets, or the victim. */
  hits(): string[];
  /** A fresh victim, and no hits. */
  reset(): Promise<void>;
  remove(): Promise<void>;
}

export async function createArena(mode: Mode): Promise<Arena> {
  const bench = createBench(mode, {
    max_processes: 64,
    max_memory_mb: 256,
    max_file_mb: 64,
    max_timeout_ms: 20_000,
  });
  const directory = mkdtempSync(join(realpathSync(tmpdir()), "hermes-outside-"));
  const canary = `canary-${randomBytes(9).toString("hex")}`;
  mkdirSync(join(directory, ".ssh"));
  for (const file of [".ssh/id_rsa", "secret"]) writeFileSync(join(directory, file), canary, { mode: 0o600 });
  for (const file of ["config.yaml", ".env"])
    writeFileSync(join(bench.home, file), `# ${canary}`, { mode: 0o600 });

  let hits: string[] = [];
  const tcp = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: () => void hits.push("tcp"), data() {} },
  });
  const udp = createSocket("udp4").on("message", () => void hits.push("udp"));
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  const unixSocket = join(directory, "socket");
  const unix = Bun.listen({ unix: unixSocket, socket: { open: () => void hits.push("unix"), data() {} } });
  const abstractName = `hermes-${canary}`;
  const abstract = createServer(() => void hits.push("abstract"));
  await new Promise<void>((resolve) => abstract.listen(`\0${abstractName}`, resolve));

  const startVictim = () =>
    Bun.spawn(["/bin/bash", "-c", 'trap "touch $MARK" URG; echo up; for ((;;)); do sleep 0.05; done'], {
      env: { SECRET: canary, MARK: join(directory, "signalled"), PATH: "/usr/bin:/bin" },
      cwd: directory,
      stdio: ["ignore", "pipe", "ignore"],
    });
  const ready = async (victim: ReturnType<typeof startVictim>) => {
    await victim.stdout.getReader().read();
    return victim;
  };
  let victim = await ready(startVictim());
  const ended = () => !readProcesses().some(({ pid, zombie }) => pid === victim.pid && !zombie);
  const exists = (name: string) => existsSync(join(directory, name));
  return {
    canary,
    directory,
    bench,
    tcpPort: tcp.port,
    udpPort: udp.address().port,
    unixSocket,
    abstractName,
    get victim() {
      return { pid: victim.pid };
    },
    hits: () => [
      ...hits,
      ...(ended() ? ["the victim was ended"] : []),
      ...(exists("signalled") ? ["the victim got a signal"] : []),
      ...(exists("pwned") || existsSync(join(bench.home, "pwned")) ? ["a file was written outside"] : []),
    ],
    async reset() {
      hits = [];
      rmSync(join(directory, "signalled"), { force: true });
      for (const place of [directory, bench.home]) rmSync(join(place, "pwned"), { force: true });
      if (ended()) victim = await ready(startVictim());
    },
    async remove() {
      victim.kill("SIGKILL");
      tcp.stop(true);
      unix.stop(true);
      udp.close();
      abstract.close();
      await bench.remove();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The processes whose command line holds the mark. */
export function processesWith(mark: string): number[] {
  return readProcesses().flatMap(({ pid, zombie }) => {
    if (zombie) return [];
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark) ? [pid] : [];
    } catch {
      return []; // it has just gone
    }
  });
}

/** Waits until no process has the mark; what is left after a second. */
export async function leftAfterASecond(mark: string): Promise<number[]> {
  const deadline = performance.now() + 1000;
  for (;;) {
    const left = processesWith(mark);
    if (left.length === 0 || performance.now() > deadline) return left;
    await Bun.sleep(10);
  }
}
