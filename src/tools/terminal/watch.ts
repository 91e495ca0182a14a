import { statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { loadLibc } from "../../lib/libc.ts";
import { descendantsOf, readProcesses } from "../../lib/process-tree.ts";
import type { RunningCommand } from "./command.ts";
import type { CommandLimits } from "./contract.ts";

/** Stops commands that use more than they may, where the limits of single processes do not reach. */
export interface ResourceWatch {
  /** Watches the command until the returned function is called. `disks`: directories on the disks it can fill. */
  add(command: RunningCommand, limits: CommandLimits, disks: readonly string[]): () => void;
}

interface Watched {
  command: RunningCommand;
  limits: CommandLimits;
  disks: readonly string[];
  /** What was free when it began, by directory. */
  freeAtStart: Map<string, number>;
}

const EVERY_MS = 200;
const MIB = 1024 * 1024;
/** Memory that belongs to no process, such as that of memfd_create, shows only in what is left of the machine. */
const MIN_FREE_MEMORY_BYTES = 128 * MIB;
/** A command is not blamed for less. */
const BLAME_BYTES = 8 * MIB;
/** Files that must still be possible, on file systems that count them. */
const MIN_FREE_FILES = 1024;

/** Looks around only while something is watched. */
export function createResourceWatch(): ResourceWatch {
  const all = new Set<Watched>();
  let looking = false;
  const lookAround = async () => {
    for (looking = true; all.size > 0; await Bun.sleep(EVERY_MS)) {
      const processes = readProcesses();
      for (const watched of all) checkProcesses(watched, processes);
      if (freemem() < MIN_FREE_MEMORY_BYTES)
        for (const { command } of all) command.stop("limit", "The machine has no memory left.");
      for (const watched of all) await checkDisks(watched);
    }
    looking = false;
  };
  return {
    add(command, limits, disks) {
      const watched = { command, limits, disks, freeAtStart: new Map() };
      all.add(watched);
      if (!looking) void lookAround();
      return () => all.delete(watched);
    },
  };
}

function checkProcesses({ command, limits }: Watched, processes: ReturnType<typeof readProcesses>): void {
  const own = descendantsOf(command.pid, processes).filter(({ zombie }) => !zombie);
  const sum = (value: (one: (typeof own)[number]) => number) => own.reduce((all, one) => all + value(one), 0);
  if (sum(({ threads }) => threads) > limits.processes)
    command.stop("limit", `It had more than ${limits.processes} processes and threads.`);
  else if (sum(({ residentPages }) => residentPages) * loadLibc().pageBytes() > limits.memoryBytes)
    command.stop("limit", `It used more than ${Math.round(limits.memoryBytes / MIB)} MB of memory.`);
}

async function checkDisks({ command, limits, disks, freeAtStart }: Watched): Promise<void> {
  for (const disk of disks) {
    const status = await statfs(disk).catch(() => null); // a directory that has gone
    if (status === null) continue;
    const { bavail, bsize, files, ffree } = status;
    const free = bavail * bsize;
    const before = freeAtStart.getOrInsert(disk, free);
    if (free < limits.freeDiskBytes && before - free > BLAME_BYTES)
      command.stop(
        "limit",
        `It left less than ${Math.round(limits.freeDiskBytes / MIB)} MB free on the disk.`,
      );
    else if (files > 0 && ffree < MIN_FREE_FILES)
      command.stop("limit", "It left no room for more files on the disk.");
  }
}
