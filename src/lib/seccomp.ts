import type { Libc } from "./libc.ts";

/**
 * A seccomp(2) filter, as the classic BPF program that prctl(2) and bubblewrap take. It refuses with EPERM what no command
 * of a sandbox needs and many ways out of one begin with: namespaces and mounts, looking into other processes, the key
 * rings, bpf, perf, io_uring (whose work no filter sees), kernel modules, the clock, and typing into a terminal (TIOCSTI).
 */
export interface SeccompOptions {
  /** The address families that socket(2) may have. socketpair(2) is not concerned. */
  socketFamilies: readonly number[];
}

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;

interface Architecture {
  /** AUDIT_ARCH_* of the kernel. */
  audit: number;
  clone: number;
  ioctl: number;
  socket: number;
  denied: readonly number[];
}

/** io_uring, open_tree to fspick, mount_setattr, pidfd_getfd: numbered alike everywhere. */
const DENIED_EVERYWHERE = [425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442];
const CLONE3 = 435;

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    ioctl: 16,
    socket: 41,
    // ptrace syslog vhangup modify_ldt pivot_root chroot acct settimeofday mount umount2 swapon swapoff reboot sethostname
    // setdomainname iopl ioperm init_module delete_module quotactl clock_settime kexec_load add_key request_key keyctl
    // unshare perf_event_open name_to_handle_at open_by_handle_at setns process_vm_readv process_vm_writev kcmp
    // finit_module kexec_file_load bpf userfaultfd
    denied: [
      101, 103, 153, 154, 155, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 175, 176, 179, 227,
      246, 248, 249, 250, 272, 298, 303, 304, 308, 310, 311, 312, 313, 320, 321, 323,
    ],
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    ioctl: 29,
    socket: 198,
    // umount2 mount pivot_root chroot vhangup quotactl acct unshare kexec_load init_module delete_module clock_settime
    // syslog ptrace reboot sethostname setdomainname settimeofday add_key request_key keyctl swapon swapoff
    // perf_event_open name_to_handle_at open_by_handle_at setns process_vm_readv process_vm_writev kcmp finit_module
    // bpf userfaultfd kexec_file_load
    denied: [
      39, 40, 41, 51, 58, 60, 89, 97, 104, 105, 106, 112, 116, 117, 142, 161, 162, 170, 217, 218, 219, 224,
      225, 241, 264, 265, 268, 270, 271, 272, 273, 280, 282, 294,
    ],
  },
};

/** All CLONE_NEW* flags that clone(2) takes. */
const NAMESPACE_FLAGS = 0x7e020000;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const ANY_BIT = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const ERRNO = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;
const X32_BIT = 0x40000000;

/** Offsets in `struct seccomp_data`: the number, the architecture, and the low half of an argument. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number) => 16 + 8 * index;

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];

/** The program of the filter. Throws on a processor that it is not written for. */
export function seccompFilter({ socketFamilies }: SeccompOptions): Uint8Array {
  const arch = ARCHITECTURES[process.arch];
  if (!arch) throw new Error(`There is no seccomp filter for ${process.arch}.`);
  const allow: Instruction = [RETURN, 0, 0, ALLOW];
  const deny: Instruction = [RETURN, 0, 0, ERRNO | EPERM];
  const unless = (code: number, value: number, then: Instruction): Instruction[] => [
    [code, 0, 1, value],
    then,
  ];
  /** What to do with a call of this number, as a block that is jumped over for others. */
  const when = (number: number, block: readonly Instruction[]): Instruction[] => [
    [EQUAL, 0, block.length, number],
    ...block,
  ];
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCHITECTURE],
    [EQUAL, 1, 0, arch.audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER],
    ...(process.arch === "x64" ? unless(AT_LEAST, X32_BIT, deny) : []),
    ...[...arch.denied, ...DENIED_EVERYWHERE].flatMap((number) => unless(EQUAL, number, deny)),
    // Its flags lie in memory, where a filter cannot look; the C library then uses clone.
    ...unless(EQUAL, CLONE3, [RETURN, 0, 0, ERRNO | ENOSYS]),
    ...when(arch.clone, [[LOAD, 0, 0, argument(0)], ...unless(ANY_BIT, NAMESPACE_FLAGS, deny), allow]),
    ...when(arch.ioctl, [
      [LOAD, 0, 0, argument(1)],
      ...unless(EQUAL, TIOCSTI, deny),
      ...unless(EQUAL, TIOCLINUX, deny),
      allow,
    ]),
    ...when(arch.socket, [
      [LOAD, 0, 0, argument(0)],
      ...socketFamilies.flatMap((family) => unless(EQUAL, family, allow)),
      deny,
    ]),
    allow,
  ];
  return encode(program);
}

/** `struct sock_filter` each. */
function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8 * program.length));
  for (const [i, [code, whenTrue, whenFalse, value]] of program.entries()) {
    bytes.setUint16(8 * i, code, true);
    bytes.setUint8(8 * i + 2, whenTrue);
    bytes.setUint8(8 * i + 3, whenFalse);
    bytes.setUint32(8 * i + 4, value, true);
  }
  return new Uint8Array(bytes.buffer);
}

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;

/** Puts the filter on this thread and what it starts, for good. Needs no_new_privs. Throws when the kernel refuses. */
export function installSeccomp(libc: Libc, filter: Uint8Array): void {
  const program = new DataView(new ArrayBuffer(16)); // struct sock_fprog
  program.setUint16(0, filter.length / 8, true);
  program.setBigUint64(8, libc.addressOf(filter), true);
  if (libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, new Uint8Array(program.buffer)) !== 0)
    throw new Error("The kernel takes no seccomp filter.");
}
