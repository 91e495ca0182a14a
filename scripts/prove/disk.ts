import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "../../src/store/open.ts";
import { quietLog } from "../../tests/support/store.ts";
import { createVerdict, readCount } from "./verdict.ts";

/**
 * Proves that a full or failing disk never makes the store say that something is kept which is not, that the process
 * lives on, and that it works again without a restart. The faults: a small file system that is filled up and freed again
 * (where this user may mount one), and errors that strace (Debian package `strace`) answers in the place of the kernel.
 *
 *   bun scripts/prove/disk.ts [--faults 60]
 */
const { values } = parseArgs({ options: { faults: { type: "string", default: "60" } } });
const faults = readCount(values.faults, "faults");
const RECOVERY_LIMIT_MS = 5_000;
const STEP_LIMIT_MS = 60_000;
const WARM_UP = 100;
const AFTERWARDS = 50;

const verdict = createVerdict("no false acknowledgement on a failing disk, and recovery without a restart");
const work = mkdtempSync(join(tmpdir(), "hermes-disk-"));
try {
  await fillUp();
  await inject("fsync fails (EIO)", "fsync,fdatasync", `EIO:when=150..${150 + faults}`);
  await inject("write fails (ENOSPC)", "pwrite64", `ENOSPC:when=1500..${1500 + faults}`);
  await inject("write fails (EIO)", "pwrite64", `EIO:when=1500..${1500 + faults}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = verdict.exitCode();

/** A file system of 4 MB, filled by a stranger's file and freed again. */
async function fillUp(): Promise<void> {
  const name = "disk full (tmpfs of 4 MB)";
  const directory = join(work, "small");
  mkdirSync(directory);
  const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory]);
  if (mount.exitCode !== 0) return verdict.figure(name, "not tried: this user may not mount");
  try {
    const path = join(directory, "hermes.db");
    const writer = startWriter(path, []);
    await writer.until("kept", WARM_UP);
    const ballast = join(directory, "ballast");
    fill(ballast);
    await writer.until("refused", 1);
    await writer.until("refused", faults);
    rmSync(ballast);
    await recover(name, writer, path);
  } finally {
    Bun.spawnSync(["umount", "--lazy", directory]);
  }
}

/** Writes until there is no room left. */
function fill(path: string): void {
  const block = Buffer.alloc(4_096);
  for (;;)
    try {
      writeFileSync(path, block, { flag: "a" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") return;
      throw error;
    }
}

/** The disk fails at these calls and works before and after. */
async function inject(name: string, calls: string, fault: string): Promise<void> {
  const path = join(work, name.replace(/\W+/g, "-"), "hermes.db");
  const strace = [
    "strace",
    "-o",
    "/dev/null",
    "-e",
    `trace=${calls}`,
    "-e",
    `inject=${calls}:error=${fault}`,
  ];
  const writer = startWriter(path, strace);
  await writer.until("refused", 1);
  await recover(name, writer, path);
}

/** From here on the disk is sound again: the writer must keep what it writes, and still know what it kept before. */
async function recover(name: string, writer: Writer, path: string): Promise<void> {
  const soundMs = performance.now();
  const keptAtFault = writer.lines("kept").length;
  await writer.until("kept", keptAtFault + 1);
  const recoveryMs = performance.now() - soundMs;
  await writer.until("kept", keptAtFault + AFTERWARDS);
  const code = await writer.stop();

  const refused = writer.lines("refused");
  verdict.figure(name, `${writer.lines("kept").length} kept, ${refused.length} refused`);
  verdict.figure("  milliseconds until it kept a write again", Math.round(recoveryMs));
  verdict.figure(
    "  refusals while health() told of the fault",
    refused.filter((line) => line === "refused unhealthy").length,
  );
  if (code !== 0) verdict.violation(`${name}: the process ended with code ${code}`);
  if (recoveryMs > RECOVERY_LIMIT_MS) verdict.violation(`${name}: it took ${recoveryMs} ms to recover`);
  if (!refused.includes("refused unhealthy")) verdict.violation(`${name}: health() never told of the fault`);
  for (const line of writer.lines("wrong")) verdict.violation(`${name}: ${line}`);

  const store = await openStore({ path, log: quietLog() });
  const known = new Set(
    (await store.memory.list("owner", { limit: 1_000_000 })).items.map((entry) => entry.key),
  );
  for (const line of writer.lines("kept"))
    if (!known.has(line.slice("kept ".length))) verdict.violation(`${name}: acknowledged and lost: ${line}`);
  for (const problem of await store.check()) verdict.violation(`${name}: ${problem}`);
  await store.close();
}

interface Writer {
  /** The lines so far that begin with this word. */
  lines(word: string): string[];
  /** Resolves once there are that many of them. */
  until(word: string, count: number): Promise<void>;
  /** Ends it in good order; its exit code. */
  stop(): Promise<number>;
}

function startWriter(path: string, wrapper: string[]): Writer {
  const child = Bun.spawn([...wrapper, process.execPath, join(import.meta.dir, "disk-writer.ts"), path], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const seen: string[] = [];
  let wake = () => {};
  const reading = (async () => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      seen.push(...parts);
      wake();
    }
  })();
  const lines = (word: string) => seen.filter((line) => line.startsWith(word));
  return {
    lines,
    async until(word, count) {
      const limit = AbortSignal.timeout(STEP_LIMIT_MS);
      while (lines(word).length < count) {
        if (limit.aborted) throw new Error(`waited too long for ${count} x ${word}; last: ${seen.slice(-3)}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, 100);
        });
      }
    },
    async stop() {
      child.stdin.end();
      const code = await child.exited;
      await reading;
      return code;
    },
  };
}
