import { writeFileSync } from "node:fs";
import { prepareLandlock } from "../../lib/landlock.ts";
import { type Libc, loadLibc } from "../../lib/libc.ts";
import { AF_INET, AF_INET6, AF_NETLINK, installSeccomp, seccompFilter } from "../../lib/seccomp.ts";
import type { GuardOrder, GuardRules } from "./guard.ts";
import { ETC_FILES, SYSTEM_DIRECTORIES } from "./shell.ts";

const PR_CAPBSET_DROP = 24;
const PR_SET_SECUREBITS = 28;
const PR_SET_NO_NEW_PRIVS = 38;
/** The user id 0 stands for no rights, and that cannot be taken back. */
const NO_ROOT_LOCKED = 0b11;
const LAST_CAPABILITY = 63;
const CAPABILITY_VERSION_3 = 0x20080522;
const CAPSET: Readonly<Record<string, number>> = { x64: 126, arm64: 91 };
const CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const FIRST_OTHER_DESCRIPTOR = 4;
const HIGHEST_DESCRIPTOR = 0xffffffff;
const FAILED = 126;

/** What of /proc says something of the machine and nothing of its processes. */
const PROC_FILES = ["cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "sys", "uptime", "version"].map(
  (name) => `/proc/${name}`,
);
const ACCOUNT_FILES = ["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"];
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"].map((name) => `/dev/${name}`);

/** Gives up for good all that a command must not have, and becomes the command. Returns only when that failed; throws when a step did. */
export function confine({ rules, parent }: GuardOrder, argv: readonly string[]): number {
  if (!rules) return FAILED;
  const libc = loadLibc();
  libc.endWithParent("SIGKILL");
  if (process.ppid !== parent) return FAILED;
  writeFileSync("/proc/self/oom_score_adj", "500");
  const landlock = prepareLandlock(libc, landlockRules(rules));
  // With the network come no Unix sockets: they lead to services of this machine, whose files Landlock does not guard.
  const filter = seccompFilter({ socketFamilies: rules.network ? [AF_INET, AF_INET6, AF_NETLINK] : [] });
  process.chdir("/");
  dropBoundingSet(libc);
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1) !== 0) throw new Error("no_new_privs could not be set.");
  landlock.enforce();
  dropCapabilities(libc);
  installSeccomp(libc, filter);
  libc.syscall(CLOSE_RANGE, FIRST_OTHER_DESCRIPTOR, HIGHEST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC);
  libc.resetSignals();
  libc.execv(argv);
  return FAILED;
}

function landlockRules({ roots, scratch, network }: GuardRules) {
  return {
    readOnly: [
      ...SYSTEM_DIRECTORIES,
      ...ETC_FILES,
      ...ACCOUNT_FILES,
      ...(network ? ["/etc/resolv.conf"] : []),
      ...PROC_FILES,
      ...roots.filter(({ writable }) => !writable).map(({ path }) => path),
    ],
    writable: [scratch, ...roots.filter(({ writable }) => writable).map(({ path }) => path)],
    devices: DEVICES,
    network,
  };
}

/** Only root can, and only root has to: it would get its rights back with the next program that it starts. */
function dropBoundingSet(libc: Libc): void {
  if (process.geteuid?.() !== 0) return;
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++)
    libc.prctl(PR_CAPBSET_DROP, capability);
  libc.prctl(PR_SET_SECUREBITS, NO_ROOT_LOCKED);
}

function dropCapabilities(libc: Libc): void {
  const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
  if (libc.syscall(CAPSET[process.arch] ?? -1, header, new Uint32Array(6)) !== 0)
    throw new Error("The capabilities could not be given up.");
}
