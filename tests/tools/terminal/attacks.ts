import { spawnSync } from "node:child_process";
import type { Arena } from "./arena.ts";
import { freeDiskBytes } from "./free-disk.ts";

/** Something that a command must not be able to do. It has worked when the canary, or PWNED, is in the output, or something was hit. */
export interface Attack {
  name: string;
  /** Commands before it, which have worked when they leave something behind for it. */
  before?: (arena: Arena) => string[];
  command: (arena: Arena) => string;
  cwd?: (arena: Arena) => string;
  /** Run without a sandbox, where it must work, or the attack proves nothing. Left out where that would do harm. */
  control?: boolean;
  /** Why it works with Landlock all the same; `hermes doctor` says so too. */
  landlockGap?: string;
  /** Settings for it alone. */
  settings?: (arena: Arena) => { min_free_disk_mb: number };
}

/** Says that it has worked, without standing in the command itself, which a result may quote. */
const PWNED = "printf 'PWN%s\\n' ED";
const python = (code: string) => `python3 - <<'EOF'\n${code}\nEOF`;
/** A system call of x64 and arm64 that must be refused with EPERM, whatever its arguments. */
const refused = (x64: number, arm64: number, ...args: number[]) =>
  python(`import ctypes, errno, platform
libc = ctypes.CDLL(None, use_errno=True)
number = ${x64} if platform.machine() == "x86_64" else ${arm64}
if libc.syscall(ctypes.c_long(number), ${args.map((arg) => `ctypes.c_long(${arg})`).join(", ")}) >= 0 or ctypes.get_errno() != errno.EPERM: print("PWN" "ED")`);
const reach = (family: string, type: string, address: string) =>
  python(`import socket
s = socket.socket(socket.${family}, socket.${type}); s.settimeout(2)
s.connect(${address}); s.send(b"x")`);

const secrets: Attack[] = [
  {
    name: "the configuration of Hermes",
    command: ({ bench }) => `cat ${bench.home}/config.yaml`,
    control: true,
  },
  { name: ".env of Hermes", command: ({ bench }) => `cat ${bench.home}/.env`, control: true },
  { name: "Hermes's home by ..", command: () => "cat ../config.yaml ../.env", control: true },
  { name: "an SSH key", command: ({ directory }) => `cat ${directory}/.ssh/id_rsa`, control: true },
  { name: "/etc/shadow", command: () => `grep -q root /etc/shadow && ${PWNED}` },
  { name: "/root", command: () => `ls /root && ${PWNED}` },
  {
    name: "everything by find",
    command: ({ directory }) => `find ${directory} -type f -exec cat {} +`,
    control: true,
  },
  {
    name: "a copy by cp",
    command: ({ directory }) => `cp ${directory}/secret s && cat s; rm -f s`,
    control: true,
  },
  {
    name: "a hard link",
    command: ({ directory }) => `ln -f ${directory}/secret h && cat h; rm -f h`,
    control: true,
  },
  {
    name: "a symbolic link",
    command: ({ directory }) => `ln -sfn ${directory} l && cat l/secret; rm -f l`,
    control: true,
  },
  {
    name: "a link made before",
    before: ({ directory }) => [`ln -sfn ${directory} made`],
    command: () => "cat made/secret; rm made",
    control: true,
  },
  { name: "a working directory outside", command: () => "cat secret", cwd: ({ directory }) => directory },
  { name: "a working directory by ..", command: () => "cat config.yaml", cwd: () => ".." },
  {
    name: "a working directory by a link",
    before: ({ directory }) => [`ln -sfn ${directory} way`],
    command: () => "cat secret; pwd",
    cwd: () => "way",
  },
  {
    name: "the workspace swapped for a link",
    command: ({ directory, bench }) =>
      `mv ${bench.workspace} ${bench.workspace}-old; ln -s ${directory} ${bench.workspace}; cat ${bench.workspace}/secret; rm -f ${bench.workspace} && mv ${bench.workspace}-old ${bench.workspace}`,
    control: true,
  },
  {
    name: "the environment of another process",
    command: ({ victim }) => `cat /proc/${victim.pid}/environ`,
    control: true,
  },
  {
    name: "the environments of all processes",
    command: () => "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep ^SECRET=", // all of them would be cut
    control: true,
  },
  {
    name: "the environment of the first process",
    command: () =>
      `tr '\\0' '\\n' < /proc/1/environ | grep -v -E '^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_ALL|TERM|TMPDIR|PWD)=' | grep = && ${PWNED}`,
  },
  { name: "a secret in the environment of Hermes", command: () => "env; export; cat /proc/self/environ" },
  {
    name: "the root of the first process",
    command: ({ directory }) => `cat /proc/1/root${directory}/secret`,
  },
  {
    name: "the root of another process",
    command: ({ victim, directory }) => `cat /proc/${victim.pid}/root${directory}/secret`,
    control: true,
  },
  {
    name: "the directory of another process",
    command: ({ victim }) => `cat /proc/${victim.pid}/cwd/secret`,
    control: true,
  },
  {
    name: "command lines of other processes",
    command: ({ victim }) => `grep -q MARK /proc/${victim.pid}/cmdline && ${PWNED}`,
    control: true,
  },
  {
    name: "inherited descriptors",
    command: () =>
      python(
        "import os\nfor fd in range(3, 1024):\n  try: os.fstat(fd); print('PWN' 'ED', fd)\n  except OSError: pass",
      ),
  },
  {
    name: "physical memory and disks",
    command: () =>
      `for d in /dev/mem /dev/kmem /dev/port /dev/kmsg /dev/vda /dev/sda /dev/nvme0n1; do head -c1 $d && ${PWNED}; done`,
  },
  {
    name: "a device made by oneself",
    command: () => `mknod disk b 254 0 && head -c1 disk && ${PWNED}; rm -f disk`,
  },
  {
    name: "that a file exists",
    command: ({ directory }) => `stat ${directory}/secret && ${PWNED}`,
    control: true,
    landlockGap: "names can be seen to exist",
  },
];

const network: Attack[] = [
  {
    name: "TCP to this machine",
    command: ({ tcpPort }) => reach("AF_INET", "SOCK_STREAM", `("127.0.0.1", ${tcpPort})`),
    control: true,
  },
  { name: "TCP by bash", command: ({ tcpPort }) => `echo x > /dev/tcp/127.0.0.1/${tcpPort}`, control: true },
  {
    name: "UDP to this machine",
    command: ({ udpPort }) => reach("AF_INET", "SOCK_DGRAM", `("127.0.0.1", ${udpPort})`),
    control: true,
  },
  {
    name: "a Unix socket",
    command: ({ unixSocket }) => reach("AF_UNIX", "SOCK_STREAM", `"${unixSocket}"`),
    control: true,
  },
  {
    name: "an abstract Unix socket",
    command: ({ abstractName }) => reach("AF_UNIX", "SOCK_STREAM", `"\\0${abstractName}"`),
    control: true,
  },
  { name: "DNS", command: () => `getent ahosts example.com && ${PWNED}` },
  {
    name: "raw packets",
    command: () =>
      python("import socket\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW)\nprint('PWN' 'ED')"),
  },
  {
    name: "the host of a virtual machine (vsock)",
    command: () =>
      python("import socket\nsocket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)\nprint('PWN' 'ED')"),
  },
  {
    name: "other interfaces",
    command: () =>
      python("import socket\nif [n for _, n in socket.if_nameindex() if n != 'lo']: print('PWN' 'ED')"),
  },
];

const processes: Attack[] = [
  {
    name: "kill -9 of another process",
    command: ({ victim }) => `kill -9 ${victim.pid}; sleep 0.2`,
    control: true,
  },
  { name: "a signal to all (kill -1)", command: () => "kill -URG -1; sleep 0.3" },
  { name: "a signal to Hermes", command: () => `kill -0 ${process.pid} && ${PWNED}`, control: true },
  {
    name: "ptrace",
    command: ({ victim }) =>
      python(`import ctypes\nif ctypes.CDLL(None).ptrace(16, ${victim.pid}, 0, 0) == 0: print("PWN" "ED")`),
    control: true,
  },
  {
    name: "reading the memory of another process",
    command: ({ victim }) => python(`f = open("/proc/${victim.pid}/mem", "rb")\nprint("PWN" "ED")`),
    control: true,
  },
  { name: "process_vm_readv", command: () => refused(310, 270, 1, 0, 0, 0, 0), control: true },
  { name: "a higher priority", command: () => `renice -n -5 -p $$ && ${PWNED}` },
  { name: "higher limits", command: () => `ulimit -Hn 65536 && ${PWNED}` },
  {
    name: "a fork bomb",
    command: () =>
      python(
        "import os, time\nfor i in range(1500):\n  if os.fork() == 0:\n    time.sleep(6); os._exit(0)\ntime.sleep(2)\nprint('PWN' 'ED')",
      ),
  },
  { name: "a memory bomb", command: () => python("b = bytearray(600 * 1024 * 1024)\nprint('PWN' 'ED')") },
  {
    name: "a memory bomb of many processes",
    command: () =>
      `for i in 1 2 3 4; do python3 -c 'import time; b = bytearray(180 << 20); time.sleep(3)' & done; wait && ${PWNED}`,
  },
  {
    name: "typing into a terminal (TIOCSTI)",
    command: () =>
      python(
        "import fcntl, os, pty\npid, fd = pty.fork()\nif pid == 0:\n  fcntl.ioctl(0, 0x5412, b'x')\n  os.write(1, b'PWN' b'ED'); os._exit(0)\nprint(os.read(fd, 4096).decode())",
      ),
  },
];

const files: Attack[] = [
  { name: "writing outside", command: ({ directory }) => `echo x > ${directory}/pwned`, control: true },
  {
    name: "writing into Hermes's home",
    command: ({ bench }) => `touch ${bench.home}/pwned`,
    control: true,
  },
  { name: "writing to /usr", command: () => `touch /usr/pwn && ${PWNED} && rm /usr/pwn` },
  {
    name: "writing to /usr/local/bin",
    command: () => `touch /usr/local/bin/pwn && ${PWNED} && rm /usr/local/bin/pwn`,
  },
  { name: "writing to /etc", command: () => `touch /etc/pwn && ${PWNED} && rm /etc/pwn` },
  { name: "writing to /", command: () => `touch /pwn && ${PWNED} && rm /pwn` },
  { name: "/etc/ld.so.preload", command: () => `: >> /etc/ld.so.preload && ${PWNED}` },
  {
    name: "changing the mode of a file outside",
    command: ({ directory }) => `chmod 600 ${directory}/secret && ${PWNED}`,
    control: true,
    landlockGap: "modes can be changed",
  },
  { name: "a huge file", command: () => `head -c 100M /dev/zero > huge && ${PWNED}; rm -f huge` },
  {
    name: "many files until the disk is full",
    command: () => `for i in $(seq 30); do head -c 20M /dev/zero > f$i; sleep 0.1; done; rm -f f*; ${PWNED}`,
    settings: () => ({ min_free_disk_mb: Math.floor(freeDiskBytes() / 2 ** 20) - 100 }),
  },
  {
    name: "filling /tmp",
    command: () =>
      `for i in $(seq 6); do head -c 60M /dev/zero > /tmp/fill$i || { rm -f /tmp/fill*; exit 1; }; done; rm -f /tmp/fill*; ${PWNED}`,
  },
  {
    name: "filling /dev/shm",
    command: () => `for i in 1 2; do head -c 50M /dev/zero > /dev/shm/f$i || exit 1; done; ${PWNED}`,
  },
  { name: "filling /dev", command: () => `head -c 1M /dev/zero > /dev/fill && ${PWNED}` },
];

/** A container often refuses them to everybody: then there is no attack to compare with. */
const HAS_NAMESPACES = spawnSync("unshare", ["-Ur", "true"]).status === 0;

const kernel: Attack[] = [
  { name: "mount", command: () => `mkdir -p m; mount -t tmpfs none m && ${PWNED}; umount m` },
  { name: "unshare", command: () => `unshare -Ur true && ${PWNED}`, control: HAS_NAMESPACES },
  {
    name: "unshare as it is called by programs",
    command: () => refused(272, 97, 0x10000000),
    control: HAS_NAMESPACES,
  },
  { name: "clone into a user namespace", command: () => refused(56, 220, 0x10000011, 0, 0, 0, 0) },
  {
    name: "chroot",
    command: () => `chroot . true; python3 -c 'import os; os.chroot("."); print("PWN" "ED")'`,
  },
  { name: "su", command: () => "su -c 'grep root /etc/shadow && printf PWN%s ED'" },
  { name: "sudo", command: () => "sudo -n grep root /etc/shadow && printf PWN%s ED" },
  {
    name: "a setuid program of one's own",
    command: () => `cp /bin/cat c; chmod u+s c; ./c /etc/shadow && ${PWNED}; rm -f c`,
  },
  {
    name: "the core pattern",
    command: () =>
      `p=$(cat /proc/sys/kernel/core_pattern) && printf %s "$p" > /proc/sys/kernel/core_pattern && ${PWNED}`,
  },
  {
    name: "a setting of the kernel",
    command: () =>
      python(`import os
for top, _, names in os.walk("/proc/sys"):
  for name in names:
    try: open(os.path.join(top, name), "ab"); print("PWN" "ED", top, name)
    except OSError: pass`),
  },
  { name: "sysrq", command: () => `: >> /proc/sysrq-trigger && ${PWNED}` },
  {
    name: "control groups",
    command: () => `mkdir /sys/fs/cgroup/pwn && ${PWNED}; mkdir /sys/fs/cgroup/unified/pwn && ${PWNED}`,
  },
  {
    name: "the release agent of a control group",
    command: () =>
      `find /sys/fs/cgroup -name release_agent -writable 2>/dev/null | grep . && test -w /sys/fs/cgroup && : >> $(find /sys/fs/cgroup -name release_agent | head -1) && ${PWNED}`,
  },
  { name: "the key ring", command: () => refused(250, 219, 0, -3, 1, 0, 0), control: true },
  { name: "bpf", command: () => refused(321, 280, 99, 0, 0) },
  { name: "perf", command: () => refused(298, 241, 0, 0, -1, -1, 0) },
  { name: "io_uring", command: () => refused(425, 425, 1, 0), control: true },
  { name: "userfaultfd", command: () => refused(323, 282, 0) },
  { name: "the name of the machine", command: () => `hostname "$(hostname)" && ${PWNED}` },
  { name: "the clock", command: () => `date -s "@$(date +%s)" && ${PWNED}` },
  { name: "kernel modules", command: () => refused(176, 106, 0, 0) },
  { name: "opening files by handle", command: () => refused(304, 265, -1, 0, 0) },
];

/** A command that was run before, in the same workspace, wants to be run once more by the next one, or by Hermes. */
const planted: Attack[] = [
  ...[".bashrc", ".profile", ".bash_profile", ".bash_login", ".env"].map(
    (name): Attack => ({
      name: `a planted ${name}`,
      before: ({ directory }) => [
        `echo 'export BASH_ENV=$PWD/e; echo PWN""ED; echo x > ${directory}/pwned' > ${name}; cp ${name} e; cp ${name} ~/${name}`,
      ],
      command: () => `true; rm -f ${name} e`,
    }),
  ),
  {
    name: "a planted bunfig.toml",
    before: ({ directory }) => [
      "echo 'preload = [\"./p.ts\"]' > bunfig.toml",
      `echo 'require("fs").writeFileSync("${directory}/pwned", "x")' > p.ts`,
    ],
    command: () => "true; rm bunfig.toml p.ts",
  },
  {
    name: "a planted program in the working directory",
    before: () => [`printf '#!/bin/sh\\nprintf PWN%%s ED\\n' > ls; chmod +x ls`],
    command: () => "ls; rm -f ./ls",
  },
  {
    name: "variables of a command before",
    before: () => ["export BASH_ENV=$PWD/e LD_PRELOAD=/x.so; echo 'echo PWN\"\"ED' > e"],
    command: () => "env | grep -E 'BASH_ENV|LD_PRELOAD' && printf PWN%s ED; rm -f e",
  },
  {
    name: "a background process that waits for the next command",
    before: () => [`(setsid sh -c 'sleep 1; printf PWN%s ED > left') & true`],
    command: () => "sleep 1.5; cat left",
  },
];

export const ATTACKS: readonly Attack[] = [
  ...secrets,
  ...network,
  ...processes,
  ...files,
  ...kernel,
  ...planted,
];
