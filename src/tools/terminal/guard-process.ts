import { closeSync } from "node:fs";
import { loadLibc } from "../../lib/libc.ts";
import { childrenOf, endOwnDescendants } from "../../lib/process-tree.ts";
import { confine } from "./confine.ts";
import { type GuardOrder, guardCommand } from "./guard.ts";

const PR_SET_CHILD_SUBREAPER = 36;
/** How often orphans that have ended are taken note of. */
const REAP_EVERY_MS = 50;
/** A pipe, on which the start script waits for the go-ahead. */
const GO_DESCRIPTOR = 3;
const FAILED = 126;

/** Hermes started by Hermes as the guard of one command. Resolves with the exit code. */
export async function guard([order = "", ...argv]: readonly string[]): Promise<number> {
  const parsed: GuardOrder = JSON.parse(order);
  if (parsed.role === "supervise") return supervise(parsed, argv);
  return confine(parsed, argv);
}

/**
 * Starts the command and ends everything below itself when the command ends, when it is told to by SIGTERM, and when the
 * Hermes that started it goes away, which the kernel tells by the same signal. Whatever a command does to get away
 * (setsid, fork twice), as a subreaper this process becomes its parent.
 */
async function supervise(order: GuardOrder, argv: readonly string[]): Promise<number> {
  const libc = loadLibc();
  const told = Promise.withResolvers<null>();
  process.on("SIGTERM", () => told.resolve(null));
  libc.prctl(PR_SET_CHILD_SUBREAPER, 1);
  libc.endWithParent("SIGTERM");
  if (process.ppid !== order.parent) return FAILED; // it went before the kernel was asked to tell
  const child = Bun.spawn(
    order.rules ? guardCommand({ ...order, role: "confine", parent: process.pid }, argv) : [...argv],
    { cwd: "/", stdio: ["inherit", "inherit", "inherit", GO_DESCRIPTOR] },
  );
  closeSync(GO_DESCRIPTOR);
  const reaper = setInterval(() => {
    for (const pid of childrenOf(process.pid)) if (pid !== child.pid) libc.reap(pid);
  }, REAP_EVERY_MS);
  const code = await Promise.race([child.exited, told.promise]);
  clearInterval(reaper);
  await endOwnDescendants(libc);
  return code ?? FAILED;
}
