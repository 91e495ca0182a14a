import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LiveConfig } from "../../config/live.ts";
import type { Config } from "../../config/schema.ts";
import { AppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { ApprovalMode, Tool } from "../contract.ts";
import { type RunningCommand, startCommand } from "./command.ts";
import type { CommandLimits, SandboxStatus } from "./contract.ts";
import { createJobs } from "./jobs.ts";
import { createOutput } from "./output.ts";
import { placesOf, workingDirectory } from "./places.ts";
import type { CommandRequest, CommandRunner } from "./runner.ts";
import { findSandbox, type Sandbox, type SandboxWish } from "./sandbox.ts";
import { shellArguments } from "./shell.ts";
import { terminalTools } from "./tools.ts";
import { createResourceWatch } from "./watch.ts";

export interface TerminalParts {
  config: LiveConfig;
  /** Hermes's own directory, which commands never see. */
  home: string;
  log: Log;
  /** Instead of trying out what works here. */
  find?: typeof findSandbox;
}

/** The terminal group, with all commands that run in this process. */
export interface Terminal {
  tools: Tool[];
  /** Which sandbox is in force. Found out at the first question, and again when the configuration changes. */
  sandbox(): Promise<SandboxStatus>;
  /** What becomes of commands when the configuration does not say: allowed in a sandbox, asked for without one. */
  approvalDefault(): Promise<ApprovalMode>;
  /** Ends every command. Resolves once nothing of them is left. */
  stop(): Promise<void>;
}

const MIB = 1024 * 1024;
/** What Linux takes as one argument (MAX_ARG_STRLEN), with its end. */
const MAX_COMMAND_BYTES = 128 * 1024 - 1;

/** Makes the terminal tools. Nothing is started or tried before the first command. */
export function createTerminal({ config, home, log, find = findSandbox }: TerminalParts): Terminal {
  let directory: string | null = null;
  const privateDirectory = () => (directory ??= mkdtempSync(join(tmpdir(), "hermes-sandbox-")));
  const running = new Set<RunningCommand>();
  let starting = 0;
  let stopped = false;
  const watch = createResourceWatch();
  const sandbox = cachedSandbox(config, (wish) => find(wish, privateDirectory()), log);

  const runner: CommandRunner = {
    get settings() {
      return config.current.tools.terminal;
    },
    sandbox: async () => (await sandbox()).status,
    async start(request) {
      if (stopped) throw new AppError("shutting_down", "Hermes is stopping.");
      const { max_concurrent } = config.current.tools.terminal;
      if (running.size + starting >= max_concurrent) return { problem: tooMany(max_concurrent) };
      const unusable = problemWith(request.command);
      if (unusable !== null) return { problem: unusable };
      starting++;
      try {
        return await start(request);
      } finally {
        starting--;
      }
    },
  };

  const start = async (request: CommandRequest) => {
    const { launch } = await sandbox();
    if (stopped) throw new AppError("shutting_down", "Hermes is stopping.");
    const { tools } = config.current;
    const places = placesOf(config.current, home);
    const cwd = workingDirectory(places, request.cwd);
    if ("problem" in cwd) return cwd;
    const limits = limitsOf(tools.terminal);
    const { stdin, timeoutMs } = request;
    const { network, env } = tools.terminal;
    const argv = shellArguments(request.command);
    const output = createOutput(request.output);
    const command = startCommand({
      launch: launch({ ...places, argv, cwd: cwd.path, network, env, limits }),
      stdin,
      timeoutMs,
      output,
    });
    running.add(command);
    const disks = places.roots.flatMap(({ path, writable }) => (writable ? [path] : []));
    const unwatch = watch.add(command, limits, [...disks, privateDirectory()]);
    const forget = () => {
      unwatch();
      running.delete(command);
    };
    command.ended.then(forget, forget);
    return { running: command, output };
  };

  return {
    tools: terminalTools(runner, createJobs()),
    sandbox: runner.sandbox,
    async approvalDefault() {
      return (await sandbox()).status.kind === "none" ? "ask" : "allow";
    },
    async stop() {
      stopped = true;
      for (const command of running) command.stop("cancelled", "Hermes was stopped.");
      await Promise.allSettled([...running].map((command) => command.ended));
      if (directory !== null) rmSync(directory, { recursive: true, force: true });
      directory = null;
    },
  };
}

/** Tries sandboxes out at the first use, and again when what is wished for has changed. */
function cachedSandbox(
  config: LiveConfig,
  find: (wish: SandboxWish) => Promise<Sandbox>,
  log: Log,
): () => Promise<Sandbox> {
  let tried: { wish: string; found: Promise<Sandbox> } | null = null;
  return () => {
    const { sandbox, unsafe, network } = config.current.tools.terminal;
    const wish: SandboxWish = { sandbox, unsafe, network };
    const key = JSON.stringify(wish);
    if (tried?.wish !== key) {
      const found = find(wish);
      tried = { wish: key, found };
      found.then(
        ({ status }) => log.info("commands run in", { sandbox: status.kind ?? "none: they are refused" }),
        () => {
          tried = null; // whoever asked gets the error; the next one tries again
        },
      );
    }
    return tried.found;
  };
}

function limitsOf(settings: Config["tools"]["terminal"]): CommandLimits {
  return {
    processes: settings.max_processes,
    memoryBytes: settings.max_memory_mb * MIB,
    fileBytes: settings.max_file_mb * MIB,
    freeDiskBytes: settings.min_free_disk_mb * MIB,
  };
}

function tooMany(limit: number): string {
  return `${limit} commands run already, those in the background included. Wait, or stop one with terminal_process.`;
}

function problemWith(command: string): string | null {
  if (command.includes("\0")) return "A command cannot hold a NUL character.";
  if (Buffer.byteLength(command) > MAX_COMMAND_BYTES)
    return "The command is longer than 128 KB. Write it to a file with file_write, and run that.";
  return null;
}
