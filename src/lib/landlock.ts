import { closeSync, constants, openSync, statSync } from "node:fs";
import type { Libc } from "./libc.ts";

/** Landlock (landlock(7)): the kernel's own way for a process to give up what it may do, for itself and its children. */
const CREATE_RULESET = 444;
const ADD_RULE = 445;
const RESTRICT_SELF = 446;
const VERSION_FLAG = 1;
const PATH_BENEATH = 1;

const EXECUTE = 1n << 0n;
const WRITE_FILE = 1n << 1n;
const READ_FILE = 1n << 2n;
const READ_DIR = 1n << 3n;
const MAKE_CHAR = 1n << 6n;
const MAKE_BLOCK = 1n << 11n;
const TRUNCATE = 1n << 14n;
const IOCTL_DEV = 1n << 15n;
const BIND_TCP = 1n << 0n;
const CONNECT_TCP = 1n << 1n;
const SCOPE_ABSTRACT_UNIX = 1n << 0n;
const SCOPE_SIGNAL = 1n << 1n;

/** From this ABI on rules know truncation, TCP, and signals with abstract sockets. */
export const LANDLOCK_TRUNCATE_ABI = 3;
export const LANDLOCK_TCP_ABI = 4;
export const LANDLOCK_SCOPE_ABI = 6;

const O_PATH = 0o10000000;

export interface LandlockRules {
  /** Files and directories that may be read and executed; those that are missing are left out. */
  readOnly: readonly string[];
  /** Directories in which everything may be done but make devices. They must exist. */
  writable: readonly string[];
  /** Files that may be read and written, such as /dev/null. */
  devices: readonly string[];
  /** Whether TCP is kept as it is. */
  network: boolean;
}

/** The version of Landlock that the kernel has; 0 when it has none, or has it switched off. */
export function landlockAbi(libc: Libc): number {
  return Math.max(0, libc.syscall(CREATE_RULESET, 0, 0, VERSION_FLAG));
}

/** All rights on files that an ABI knows. */
function fileRights(abi: number): bigint {
  const count = abi >= 5 ? 16 : abi >= LANDLOCK_TRUNCATE_ABI ? 15 : abi === 2 ? 14 : 13;
  return (1n << BigInt(count)) - 1n;
}

/** Makes the ruleset; `enforce` puts it on this thread and what it starts, for good, which needs no_new_privs. */
export function prepareLandlock(libc: Libc, rules: LandlockRules): { enforce(): void } {
  const abi = landlockAbi(libc);
  const all = fileRights(abi);
  const attributes = [all];
  if (abi >= LANDLOCK_TCP_ABI) attributes.push(rules.network ? 0n : BIND_TCP | CONNECT_TCP);
  if (abi >= LANDLOCK_SCOPE_ABI) attributes.push(SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL);
  const ruleset = libc.syscall(CREATE_RULESET, new BigUint64Array(attributes), 8 * attributes.length, 0);
  if (ruleset < 0) throw new Error("The kernel has no Landlock.");
  const add = (path: string, rights: bigint) => addRule(libc, ruleset, path, rights & all);
  for (const path of rules.readOnly) add(path, EXECUTE | READ_FILE | READ_DIR);
  for (const path of rules.writable) add(path, all & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV));
  for (const path of rules.devices) add(path, READ_FILE | WRITE_FILE);
  return {
    enforce() {
      if (libc.syscall(RESTRICT_SELF, ruleset, 0) !== 0)
        throw new Error("Landlock could not be put in force.");
      closeSync(ruleset);
    },
  };
}

/** A file takes only the rights that files have. */
function addRule(libc: Libc, ruleset: number, path: string, rights: bigint): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return;
  const allowed = status.isDirectory() ? rights : rights & (EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE);
  const fd = openSync(path, O_PATH | constants.O_RDONLY);
  try {
    const attribute = new DataView(new ArrayBuffer(12)); // struct landlock_path_beneath_attr, packed
    attribute.setBigUint64(0, allowed, true);
    attribute.setInt32(8, fd, true);
    if (libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, new Uint8Array(attribute.buffer), 0) !== 0)
      throw new Error(`Landlock takes no rule for ${path}.`);
  } finally {
    closeSync(fd);
  }
}
