import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import { loadLibc } from "../../lib/libc.ts";
import { endTree } from "../../lib/process-tree.ts";
import { closeDescriptors } from "./bubblewrap.ts";
import type { Launch } from "./contract.ts";
import type { Output } from "./output.ts";
import { GO, READY } from "./shell.ts";

/** Why Hermes ended a command. `limit`: it used more than it may. */
export type StopReason = "cancelled" | "timeout" | "limit";

export interface Ending {
  exitCode: number;
  /** Null when the command ended by itself. */
  stopped: { reason: StopReason; message: string } | null;
}

/** A command that runs, or sets its sandbox up. */
export interface RunningCommand {
  /** Of the process that was started; everything else is below it. */
  readonly pid: number;
  /** Resolves once nothing of the command is left. Rejects with `internal` when its sandbox could not be set up. */
  readonly ended: Promise<Ending>;
  /** Ends it with all that it has started. The first reason counts. */
  stop(reason: StopReason, message: string): void;
}

export interface CommandOptions {
  launch: Launch;
  /** What the command reads; nothing when absent. */
  stdin: string | undefined;
  timeoutMs: number;
  output: Output;
}

const SETUP_TIMEOUT_MS = 15_000;
const SETUP_TEXT_BYTES = 8192;
/** So long a guard has to end what is below it, before Hermes does so itself. */
const GUARD_PATIENCE_MS = 300;
/** So long output is waited for when everything that could write has ended. */
const DRAIN_MS = 1000;
/** Past this much, output is read slowly: a flood then waits in the pipe instead of keeping Hermes busy. */
const FAST_BYTES = 8 * 1024 * 1024;
const SLOW_PAUSE_MS = 4;

/** Starts a command. Throws when there are no descriptors or processes left. */
export function startCommand({ launch, stdin, timeoutMs, output }: CommandOptions): RunningCommand {
  const { child, out, go } = spawn(launch, stdin);
  let stopped: Ending["stopped"] = null;
  let end: (() => void) | null = () => {
    closeSync(go); // a sandbox that still waits for the go-ahead starts nothing
    void endAll(child, launch.endSignal);
  };
  const stop = (reason: StopReason, message: string) => {
    stopped ??= { reason, message };
    end?.();
    end = null;
  };
  let timer = setTimeout(() => stop("timeout", "Its sandbox was not set up in time."), SETUP_TIMEOUT_MS);
  const start = () => {
    if (end === null) return;
    clearTimeout(timer);
    timer = setTimeout(() => stop("timeout", `It ran longer than ${timeoutMs} ms.`), timeoutMs);
    writeSync(go, GO);
  };
  const reading = readOutput(out, output, start);

  const ended = (async (): Promise<Ending> => {
    const exitCode = await child.exited;
    clearTimeout(timer);
    if (end !== null) closeSync(go);
    end = null;
    const { ready, text } = await reading.finish();
    launch.cleanUp();
    if (!ready && stopped === null) throw setupError(text);
    return { exitCode, stopped };
  })();
  return { pid: child.pid, ended, stop };
}

function setupError(text: string): AppError {
  return new AppError(
    "internal",
    `The sandbox of the command could not be set up: ${text.trim() || "it said nothing"}.`,
    {
      hint: "`hermes doctor` says which sandbox works here, and what is missing.",
    },
  );
}

type Child = Bun.Subprocess<number | "ignore", number, number>;

function spawn(launch: Launch, stdin: string | undefined) {
  const libc = loadLibc();
  const out = libc.pipe();
  const go = libc.pipe();
  const input = stdin === undefined ? null : openText(stdin, launch.directory);
  try {
    const child: Child = Bun.spawn(launch.argv, {
      cwd: "/", // nothing that lies in the workspace is read by what runs outside the sandbox
      env: launch.env,
      stdio: [input ?? "ignore", out.write, out.write, go.read, ...launch.descriptors],
    });
    return { child, out: out.read, go: go.write };
  } catch (error) {
    closeSync(out.read);
    closeSync(go.write);
    launch.cleanUp();
    throw error;
  } finally {
    closeSync(out.write);
    closeSync(go.read);
    if (input !== null) closeSync(input);
    closeDescriptors(launch);
  }
}

/** A file without a name, which, unlike a pipe, never waits for its reader. */
function openText(text: string, directory: string): number {
  const path = join(directory, newId("in"));
  writeFileSync(path, text, { mode: 0o600, flag: "wx" });
  try {
    return openSync(path, "r");
  } finally {
    rmSync(path);
  }
}

/**
 * A bubblewrap that is killed right after it has cloned would leave a child behind that waits for it for ever: it is stopped
 * first, and goes last. A guard ends what is below it by itself, unless it hangs.
 */
async function endAll(child: Child, signal: Launch["endSignal"]): Promise<void> {
  if (signal === "SIGTERM") {
    child.kill(signal);
    await Promise.race([child.exited, Bun.sleep(GUARD_PATIENCE_MS)]);
    if (child.exitCode !== null || child.signalCode !== null) return;
  }
  await endTree(child.pid);
}

/** Reads until the end. What comes before READY is no output of the command, but of what sets the sandbox up. */
function readOutput(descriptor: number, output: Output, onReady: () => void) {
  let ready = false;
  let before = "";
  const take = (chunk: Uint8Array) => {
    if (ready) return output.write(chunk);
    before += Buffer.from(chunk).toString("latin1");
    const at = before.indexOf(READY);
    if (at < 0) {
      before = before.slice(-SETUP_TEXT_BYTES);
      return;
    }
    ready = true;
    output.write(Buffer.from(before.slice(at + READY.length), "latin1"));
    onReady();
  };
  const reader = Bun.file(descriptor).stream().getReader();
  const done = (async () => {
    for (;;) {
      const part = await reader.read();
      if (part.done) return;
      take(part.value);
      if (output.totalBytes > FAST_BYTES) await Bun.sleep(SLOW_PAUSE_MS);
    }
  })();
  return {
    async finish() {
      const late = Promise.withResolvers<"late">();
      const timer = setTimeout(() => late.resolve("late"), DRAIN_MS);
      if ((await Promise.race([done, late.promise])) === "late") await reader.cancel();
      clearTimeout(timer);
      closeSync(descriptor);
      return { ready, text: Buffer.from(before, "latin1").toString() };
    },
  };
}
