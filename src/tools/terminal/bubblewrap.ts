import { closeSync, lstatSync, openSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, seccompFilter } from "../../lib/seccomp.ts";
import type { CommandPlan, Launch, TerminalRoot } from "./contract.ts";
import { baseEnvironment, ETC_FILES, SYSTEM_DIRECTORIES, startArguments } from "./shell.ts";

/** bubblewrap on this machine. */
export interface Bubblewrap {
  /** The path of `bwrap`. */
  program: string;
  /** `--disable-userns`, which versions before 0.8.0 do not have. The seccomp filter refuses namespaces in any case. */
  disableUserns: boolean;
  /** A directory of this process alone, for what is mounted into every sandbox. */
  directory: string;
}

const USER_ID = 1000;
const HOME = "/run/home";
const TMP_BYTES = 256 * 1024 * 1024;
const SHARED_MEMORY_BYTES = 64 * 1024 * 1024;
const FILTER_DESCRIPTOR = 4;
const FILTER_FILE = "seccomp.bpf";

/** Makes the command the first that the kernel ends when there is no memory left; inside, /proc is read-only. */
const ENDED_FIRST_SCRIPT = 'echo 500 > /proc/self/oom_score_adj; exec "$@"';

/** Writes the files that every sandbox gets instead of those of the machine. */
export function writeSandboxFiles(directory: string): void {
  const user = userId();
  const files = {
    passwd: `hermes:x:${user}:${user}::${HOME}:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n`,
    group: `hermes:x:${user}:\nnogroup:x:65534:\n`,
    hosts: "127.0.0.1 localhost hermes\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    [FILTER_FILE]: seccompFilter({ socketFamilies: [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] }),
  };
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, name), content, { mode: 0o600 });
}

/** Whoever runs Hermes, but never root. */
function userId(): number {
  return process.getuid?.() || USER_ID;
}

/** A command inside namespaces of its own, where nothing exists but what is listed here. */
export function launchInBubblewrap(bubblewrap: Bubblewrap, plan: CommandPlan): Launch {
  const { directory } = bubblewrap;
  const filter = openSync(join(directory, FILTER_FILE), "r");
  const argv = [
    ...["/bin/sh", "-c", ENDED_FIRST_SCRIPT, "hermes", bubblewrap.program],
    ...["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...(bubblewrap.disableUserns ? ["--disable-userns"] : []),
    ...(plan.network ? ["--share-net"] : []),
    ...["--uid", `${userId()}`, "--gid", `${userId()}`, "--hostname", "hermes"],
    ...["--seccomp", `${FILTER_DESCRIPTOR}`],
    ...systemMounts(directory, plan.network),
    // Read-only: where Hermes is root, the files of /proc/sys would belong to the command.
    ...["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev"],
    ...temporary("/dev/shm", SHARED_MEMORY_BYTES),
    ...temporary("/tmp", TMP_BYTES),
    ...["--dir", "/var", "--symlink", "/tmp", "/var/tmp"],
    ...temporary(HOME, TMP_BYTES),
    ...rootMounts(plan),
    ...plan.closed.flatMap((path) => ["--remount-ro", path]),
    ...["--remount-ro", "/", "--chdir", "/", "--"],
    ...startArguments(plan.argv, plan.cwd, plan.limits),
  ];
  return {
    argv,
    // Not as arguments of bwrap, which every user of the machine could read.
    env: { ...baseEnvironment(HOME, "/tmp"), ...plan.env },
    descriptors: [filter],
    directory,
    endSignal: "SIGKILL",
    cleanUp: () => undefined,
  };
}

function temporary(path: string, sizeBytes: number): string[] {
  return ["--perms", "1777", "--size", `${sizeBytes}`, "--tmpfs", path];
}

/** The programs of the system, and the little of /etc that they need. */
function systemMounts(directory: string, network: boolean): string[] {
  const made = ["passwd", "group", "hosts", "nsswitch.conf"];
  return [
    ...SYSTEM_DIRECTORIES.flatMap(systemDirectory),
    ...ETC_FILES.flatMap((path) => ["--ro-bind-try", path, path]),
    ...made.flatMap((name) => ["--ro-bind", join(directory, name), `/etc/${name}`]),
    ...(network ? ["--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"] : []),
  ];
}

/** As it is on the machine: a directory, or a link such as /bin -> usr/bin. */
function systemDirectory(path: string): string[] {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status) return [];
  return status.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path];
}

/**
 * Outer directories before inner ones. What is kept from writing, or from sight, inside a writable root is a mount of its
 * own together with every directory on the way to it: the kernel lets nobody move or replace a mount, so that no command can
 * put a link there which the next sandbox would follow.
 */
function rootMounts({ roots, closed }: CommandPlan): string[] {
  const places = [
    ...roots.map((root) => ({ ...root, shut: false })),
    ...closed.map((path) => ({ path, writable: false, shut: true })),
  ].sort((a, b) => a.path.length - b.path.length);
  return places.flatMap(({ path, writable, shut }) => {
    const mount = shut
      ? ["--perms", "0555", "--tmpfs", path]
      : [writable ? "--bind" : "--ro-bind", path, path];
    return [...wayTo(path, places).flatMap((way) => ["--bind", way, way]), ...mount];
  });
}

/** The directories between the nearest place around a path, when that is writable, and the path. */
function wayTo(path: string, places: readonly TerminalRoot[]): string[] {
  const around = places
    .filter((place) => path.startsWith(`${place.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (!around?.writable) return [];
  const way: string[] = [];
  for (let at = dirname(path); at !== around.path; at = dirname(at)) way.unshift(at);
  return way;
}

/** Closes what a launch handed over. */
export function closeDescriptors({ descriptors }: Launch): void {
  for (const descriptor of descriptors) closeSync(descriptor);
}
