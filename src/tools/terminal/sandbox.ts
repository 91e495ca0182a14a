import { existsSync } from "node:fs";
import { AppError } from "../../lib/errors.ts";
import { LANDLOCK_SCOPE_ABI, LANDLOCK_TRUNCATE_ABI, landlockAbi } from "../../lib/landlock.ts";
import { loadLibc } from "../../lib/libc.ts";
import { type Bubblewrap, launchInBubblewrap, writeSandboxFiles } from "./bubblewrap.ts";
import { startCommand } from "./command.ts";
import type { CommandPlan, Launch, MissingSandbox, SandboxKind, SandboxStatus } from "./contract.ts";
import { launchBelowGuard } from "./guard.ts";
import { createOutput } from "./output.ts";
import { shellArguments } from "./shell.ts";

/** A sandbox that works here, or none that does. */
export interface Sandbox {
  status: SandboxStatus;
  /** How to start a command in it. Throws `forbidden` when it cannot keep what the plan asks, or there is no sandbox. */
  launch(plan: CommandPlan): Launch;
}

export interface SandboxWish {
  sandbox: "auto" | "bubblewrap" | "landlock";
  unsafe: boolean;
  network: boolean;
}

const PROBE_TIMEOUT_MS = 5_000;
const MIB = 1024 * 1024;

/** Finds out by really starting a command which sandbox works. `directory` is of this process alone. */
export async function findSandbox(wish: SandboxWish, directory: string): Promise<Sandbox> {
  const missing: MissingSandbox[] = [];
  if (wish.sandbox !== "landlock") {
    const found = await findBubblewrap(wish, directory);
    if ("program" in found)
      return {
        status: { kind: "bubblewrap", gaps: bubblewrapGaps(wish), missing },
        launch: (plan) => launchInBubblewrap(found, plan),
      };
    missing.push(found);
  }
  if (wish.sandbox !== "bubblewrap") {
    const found = await findLandlock(wish, directory);
    if ("abi" in found)
      return {
        status: { kind: "landlock", gaps: landlockGaps(found.abi, wish), missing },
        launch: (plan) => launchBelowGuard(refuseInner(plan), directory, true),
      };
    missing.push(found);
  }
  return wish.unsafe ? withoutSandbox(directory, missing) : refusing(missing);
}

/** Commands with the rights of Hermes, where the operator wants that. */
export function withoutSandbox(directory: string, missing: readonly MissingSandbox[]): Sandbox {
  const gaps = ["Commands can do whatever Hermes can do: read its keys, use the network, end its processes."];
  return {
    status: { kind: "none", gaps, missing },
    launch: (plan) => launchBelowGuard(plan, directory, false),
  };
}

/** No commands at all. */
export function refusing(missing: readonly MissingSandbox[]): Sandbox {
  return {
    status: { kind: null, gaps: [], missing },
    launch() {
      throw new AppError(
        "forbidden",
        `There is no sandbox on this machine, so no commands are run. ${missing.map(({ reason }) => reason).join(" ")}`,
        { hint: missing[0]?.hint ?? "`hermes doctor` says more." },
      );
    },
  };
}

/** Landlock adds up what is allowed: nothing inside an open directory can be taken out again. */
function refuseInner(plan: CommandPlan): CommandPlan {
  const readOnly = plan.roots.filter(({ writable }) => !writable).map(({ path }) => path);
  for (const { path, writable } of plan.roots) {
    const inner = [...plan.closed, ...(writable ? readOnly : [])].find((one) => one.startsWith(`${path}/`));
    if (inner !== undefined) throw cannotKeep(inner, path);
  }
  return plan;
}

function cannotKeep(inner: string, outer: string): AppError {
  return new AppError("forbidden", `Landlock cannot keep commands from ${inner} inside the root ${outer}.`, {
    hint: "Choose other roots in tools.file, or install bubblewrap.",
  });
}

async function findBubblewrap(wish: SandboxWish, directory: string): Promise<Bubblewrap | MissingSandbox> {
  const program = Bun.which("bwrap");
  if (program === null) return missingBubblewrap("The program bwrap is not installed.");
  try {
    writeSandboxFiles(directory);
  } catch (error) {
    return missingBubblewrap(
      `Its files could not be written: ${error instanceof Error ? error.message : error}`,
    );
  }
  let reason = "";
  for (const disableUserns of [true, false]) {
    const bubblewrap = { program, disableUserns, directory };
    const failure = await tryOut(() => launchInBubblewrap(bubblewrap, probePlan(wish)));
    if (failure === null) return bubblewrap;
    reason = failure;
  }
  return missingBubblewrap(reason);
}

function missingBubblewrap(reason: string): MissingSandbox {
  return { sandbox: "bubblewrap", reason, hint: bubblewrapHint(reason) };
}

function bubblewrapHint(reason: string): string {
  if (reason.includes("not installed"))
    return "Install it: apt-get install bubblewrap (or dnf, pacman, apk add bubblewrap).";
  if (existsSync("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"))
    return "AppArmor may keep bwrap from making user namespaces: give /usr/bin/bwrap a profile with `userns,`, or set sysctl kernel.apparmor_restrict_unprivileged_userns=0.";
  if (/proc/i.test(reason))
    return "Containers forbid it unless they are started with --security-opt systempaths=unconfined and a seccomp profile that allows user namespaces.";
  return "It needs user namespaces: set sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces above 0; in a container, allow them in its seccomp profile.";
}

function bubblewrapGaps({ network }: SandboxWish): string[] {
  return [
    ...(network
      ? [
          "With tools.terminal.network commands reach whatever this machine reaches, services on 127.0.0.1 included.",
        ]
      : []),
    "A Unix socket that a program of this machine keeps inside a root can be used by commands.",
  ];
}

async function findLandlock(wish: SandboxWish, directory: string): Promise<{ abi: number } | MissingSandbox> {
  const hint =
    "It needs Linux 5.13 or newer with landlock among the `lsm=` of the kernel; in a container, a seccomp profile that allows it.";
  let abi = 0;
  try {
    abi = landlockAbi(loadLibc());
  } catch (error) {
    return { sandbox: "landlock", reason: error instanceof Error ? error.message : `${error}`, hint };
  }
  if (abi === 0)
    return { sandbox: "landlock", reason: "The kernel has no Landlock, or has it switched off.", hint };
  const failure = await tryOut(() => launchBelowGuard(probePlan(wish), directory, true));
  return failure === null ? { abi } : { sandbox: "landlock", reason: failure, hint };
}

function landlockGaps(abi: number, { network }: SandboxWish): string[] {
  return [
    ...(network
      ? [
          "With tools.terminal.network commands reach whatever this machine reaches, services on 127.0.0.1 included.",
        ]
      : []),
    "Commands can see that other files exist, and change the mode and the times of files of the user of Hermes.",
    "Commands can find out which process numbers are taken, though nothing of these processes.",
    ...(abi < LANDLOCK_SCOPE_ABI
      ? ["Commands can end other processes of the user of Hermes (before Linux 6.12)."]
      : []),
    ...(abi < LANDLOCK_TRUNCATE_ABI
      ? ["Commands can empty files of the user of Hermes (before Linux 6.2)."]
      : []),
  ];
}

/** Null when a command runs in it, else why not. */
async function tryOut(launch: () => Launch): Promise<string | null> {
  try {
    const output = createOutput({ headBytes: 0, tailBytes: 1024 });
    const command = startCommand({
      launch: launch(),
      stdin: undefined,
      timeoutMs: PROBE_TIMEOUT_MS,
      output,
    });
    const { exitCode, stopped } = await command.ended;
    if (exitCode === 0 && stopped === null) return null;
    return stopped?.message ?? `A first command in it ended with ${exitCode}: ${output.text().text.trim()}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function probePlan({ network }: SandboxWish): CommandPlan {
  return {
    argv: shellArguments("true"),
    roots: [],
    closed: [],
    cwd: "/",
    network,
    limits: { processes: 64, memoryBytes: 512 * MIB, fileBytes: MIB, freeDiskBytes: 0 },
    env: {},
  };
}

/** The kind for people. */
export function sandboxName(kind: SandboxKind | null): string {
  if (kind === "none") return "no sandbox";
  return kind ?? "no sandbox: commands are refused";
}
