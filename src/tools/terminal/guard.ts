import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { threadsOfUser } from "../../lib/process-tree.ts";
import { GUARD_ARGUMENT, SELF } from "../self.ts";
import type { CommandPlan, Launch, TerminalRoot } from "./contract.ts";
import { baseEnvironment, startArguments } from "./shell.ts";

/** What the guard of a command is told on its command line, as JSON; the arguments of the start script come after it. */
export interface GuardOrder {
  /** `supervise` ends all descendants with the command; `confine` puts Landlock on itself and becomes the command. */
  role: "supervise" | "confine";
  /** Without it nothing is confined. */
  rules?: GuardRules;
  /** The process that has to live for the command to go on. */
  parent: number;
}

export interface GuardRules {
  roots: readonly TerminalRoot[];
  /** The private directory that stands in for /tmp and the home. */
  scratch: string;
  network: boolean;
}

/** The command line of a guard. */
export function guardCommand(order: GuardOrder, argv: readonly string[]): string[] {
  return [...SELF, GUARD_ARGUMENT, JSON.stringify(order), ...argv];
}

/**
 * A command below a guard, a second Hermes that gathers and ends all descendants; the guard starts a third one, which puts
 * Landlock on itself and becomes the command. Without `confined` there is only the guard.
 */
export function launchBelowGuard(plan: CommandPlan, directory: string, confined: boolean): Launch {
  const scratch = mkdtempSync(join(directory, "command-"));
  // Without namespaces the kernel counts all threads of the user.
  const processes = plan.limits.processes + threadsOfUser();
  const start = startArguments(plan.argv, plan.cwd, { ...plan.limits, processes });
  const rules = confined ? { rules: { roots: plan.roots, scratch, network: plan.network } } : {};
  return {
    argv: guardCommand({ role: "supervise", parent: process.pid, ...rules }, start),
    env: { ...baseEnvironment(scratch, scratch), ...plan.env },
    descriptors: [],
    directory: scratch,
    endSignal: "SIGTERM",
    cleanUp: () => rmSync(scratch, { recursive: true, force: true }),
  };
}
