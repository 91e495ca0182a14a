import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { within } from "../../lib/waiting.ts";

/** After stdin is closed, and again after SIGTERM, a server gets this long before the next stronger step. */
const GRACE_MS = 1000;
/** After the process has ended, what still stands in its pipes is read for this long. */
const DRAIN_MS = 500;

export interface ServerProcess {
  readonly pid: number | null;
  readonly stdin: Writable;
  /** Resolves once it runs. Rejects when it cannot be started. */
  readonly started: Promise<void>;
  /** Resolves once it has ended and its output is read: how it ended, in words. */
  readonly ended: Promise<string>;
  /** Closes its stdin, then SIGTERM, then SIGKILL, to it and all of its process group. Resolves once it has ended. */
  stop(): Promise<void>;
}

export interface ServerProcessParts {
  command: string;
  args: readonly string[];
  /** Its whole environment. */
  env: Readonly<Record<string, string>>;
  onStdout(chunk: Buffer): void;
  onStderr(chunk: Buffer): void;
}

/**
 * Starts a program without a shell, as the leader of a process group of its own, so that what it starts in turn ends with
 * it: the rest of the group is killed as soon as the leader has ended, for whatever reason.
 */
export function startProcess(parts: ServerProcessParts): ServerProcess {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(parts.command, [...parts.args], {
    env: { ...parts.env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    shell: false,
  });
  const started = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<string>();
  started.promise.catch(() => undefined); // whoever waits for it is told; nobody has to
  child.once("spawn", () => started.resolve());
  child.once("error", (error) => {
    started.reject(error);
    exited.resolve("it could not be started");
    ended.resolve("it could not be started");
  });
  child.once("exit", (code, signal) => {
    signalGroup(child.pid, "SIGKILL");
    const how = signal ? `it was ended by ${signal}` : `it ended with code ${code}`;
    exited.resolve(how);
    const timer = setTimeout(() => ended.resolve(how), DRAIN_MS);
    child.once("close", () => {
      clearTimeout(timer);
      ended.resolve(how);
    });
  });
  child.stdout.on("data", parts.onStdout);
  child.stderr.on("data", parts.onStderr);
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => stream.destroy());

  return {
    get pid() {
      return child.pid ?? null;
    },
    stdin: child.stdin,
    started: started.promise,
    ended: ended.promise,
    async stop() {
      child.stdin.end();
      for (const signal of ["SIGTERM", "SIGKILL"] as const)
        if (!(await within(exited.promise, GRACE_MS))) signalGroup(child.pid, signal);
      await exited.promise;
    },
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody of the group is left, or nobody whom Hermes may signal.
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
