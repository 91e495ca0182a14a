import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import type { Libc } from "./libc.ts";

/** One process, from /proc. */
export interface ProcessFacts {
  pid: number;
  parent: number;
  /** It has ended and waits for its parent to take note. */
  zombie: boolean;
  /** It stands still (SIGSTOP). */
  stopped: boolean;
  threads: number;
  residentPages: number;
}

const PAUSE_MS = 5;

/** All processes that can be seen. */
export function readProcesses(): ProcessFacts[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? readProcess(Number(name)) : []));
}

/** The threads of all processes of the user of this process. */
export function threadsOfUser(): number {
  const user = process.getuid?.();
  return readProcesses()
    .filter(({ pid }) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === user)
    .reduce((all, { threads }) => all + threads, 0);
}

/** Nothing when it has gone. */
function readProcess(pid: number): ProcessFacts[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
  // The name in brackets may hold anything, brackets and spaces too.
  const [state, parent, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return [
    {
      pid,
      parent: Number(parent),
      zombie: state === "Z" || state === "X",
      stopped: state === "T" || state === "t",
      threads: Number(rest[15]),
      residentPages: Number(rest[19]),
    },
  ];
}

/** What a process has started, and what that has started, and so on; zombies too. */
export function descendantsOf(pid: number, processes: readonly ProcessFacts[]): ProcessFacts[] {
  const children = Map.groupBy(processes, (process) => process.parent);
  const found: ProcessFacts[] = [];
  const open = [pid];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const child of children.get(next) ?? []) {
      found.push(child);
      open.push(child.pid);
    }
  return found;
}

/**
 * Ends everything below a process that is the subreaper of its descendants. They are all stopped first, so that none of
 * them can go on making new ones. Resolves once none is left but zombies, and those that this user may not end.
 */
async function endDescendants(pid: number): Promise<void> {
  const beyond = new Set<number>();
  for (;;) {
    const living = () =>
      descendantsOf(pid, readProcesses()).filter((one) => !one.zombie && !beyond.has(one.pid));
    const stopped = new Set<number>();
    for (let fresh = living(); fresh.length > 0; fresh = living().filter((one) => !stopped.has(one.pid)))
      for (const one of fresh) {
        stopped.add(one.pid);
        if (!send(one.pid, "SIGSTOP")) beyond.add(one.pid);
      }
    if (stopped.size === 0) return;
    for (const one of stopped) send(one, "SIGKILL");
    await Bun.sleep(PAUSE_MS);
  }
}

/**
 * Ends a process with everything below it, itself last. It stands still before the others are looked for, so that it cannot
 * be at making one more.
 */
export async function endTree(pid: number): Promise<void> {
  send(pid, "SIGSTOP");
  while (readProcess(pid).some(({ stopped, zombie }) => !stopped && !zombie)) await Bun.sleep(1);
  await endDescendants(pid);
  send(pid, "SIGKILL");
}

/**
 * Ends all descendants of this process, which has to be their subreaper. What is left over of a tree that forks and exits
 * faster than it can be looked at becomes a child of this process each time; the kernel knows when it has none any more.
 */
export async function endOwnDescendants(libc: Pick<Libc, "reap">): Promise<void> {
  do {
    await endDescendants(process.pid);
    for (const child of childrenOf(process.pid)) {
      send(child, "SIGKILL");
      libc.reap(child);
    }
  } while (libc.reap(-1));
}

/** The children of a process, by the kernel's own list where it keeps one, which is quicker. Zombies too. */
export function childrenOf(pid: number): number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  if (existsSync(list)) return readFileSync(list, "latin1").trim().split(" ").filter(Boolean).map(Number);
  return readProcesses().flatMap((one) => (one.parent === pid ? [one.pid] : []));
}

/** False when this user may not. A process that has gone needs no signal. */
function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
    return code === "ESRCH";
  }
}
