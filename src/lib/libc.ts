import { dlopen, type Pointer, ptr } from "bun:ffi";
import { constants } from "node:os";

/** The few calls of the C library that Bun has no function for. Linux with glibc, x64 and arm64. */
export interface Libc {
  /** syscall(2) with up to five arguments; -1 when it failed. A typed array stands for its address. */
  syscall(number: number, ...args: (number | bigint | NodeJS.TypedArray)[]): number;
  /** prctl(2); -1 when it failed. */
  prctl(option: number, a?: number, b?: number | NodeJS.TypedArray): number;
  /** Has the kernel send this process the signal when its parent ends (PR_SET_PDEATHSIG). */
  endWithParent(signal: NodeJS.Signals): void;
  /** A pipe whose ends are closed on exec; throws when there are no descriptors left. */
  pipe(): { read: number; write: number };
  /** Every signal as a new program expects it: neither ignored nor blocked. */
  resetSignals(): void;
  /** execv(3) with the environment of the process. Returns only when it failed. */
  execv(argv: readonly string[]): void;
  /** Takes note of a child that has ended. False when there is no such child, for -1 when there is none at all. */
  reap(pid: number): boolean;
  /** Where the bytes lie in memory; keep hold of them while the address is used. */
  addressOf(bytes: Uint8Array): bigint;
  pageBytes(): number;
}

const PR_SET_PDEATHSIG = 1;
const O_CLOEXEC = 0o2000000;
const SIG_SETMASK = 2;
const LAST_SIGNAL = 31;
const WNOHANG = 1;
const SC_PAGESIZE = 30;

let loaded: Libc | undefined;

/** The library, loaded at the first call, which takes about a millisecond. Throws where there is no glibc. */
export function loadLibc(): Libc {
  loaded ??= open();
  return loaded;
}

function open(): Libc {
  const { symbols } = dlopen("libc.so.6", {
    syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
    prctl: { args: ["i32", "i64", "i64", "i64", "i64"], returns: "i32" },
    pipe2: { args: ["ptr", "i32"], returns: "i32" },
    signal: { args: ["i32", "ptr"], returns: "ptr" },
    sigprocmask: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    execv: { args: ["ptr", "ptr"], returns: "i32" },
    sysconf: { args: ["i32"], returns: "i64" },
    waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  });
  const value = (argument: number | bigint | NodeJS.TypedArray = 0) =>
    typeof argument === "object" ? BigInt(ptr(argument)) : BigInt(argument);
  return {
    syscall(number, a, b, c, d, e) {
      return Number(symbols.syscall(BigInt(number), value(a), value(b), value(c), value(d), value(e)));
    },
    prctl: (option, a, b) => symbols.prctl(option, value(a), value(b), 0n, 0n),
    endWithParent: (signal) => {
      symbols.prctl(PR_SET_PDEATHSIG, BigInt(constants.signals[signal]), 0n, 0n, 0n);
    },
    pipe() {
      const ends = new Int32Array(2);
      if (symbols.pipe2(ptr(ends), O_CLOEXEC) !== 0) throw new Error("No pipe could be made.");
      const [read = -1, write = -1] = ends;
      return { read, write };
    },
    resetSignals() {
      for (let signal = 1; signal <= LAST_SIGNAL; signal++) symbols.signal(signal, null);
      symbols.sigprocmask(SIG_SETMASK, ptr(new Uint8Array(128)), null);
    },
    execv(argv) {
      const words = argv.map((word) => Buffer.from(`${word}\0`));
      const addresses = new BigUint64Array([...words.map((word) => BigInt(ptr(word))), 0n]);
      symbols.execv(ptr(words[0] ?? Buffer.from("\0")) as Pointer, ptr(addresses));
    },
    addressOf: (bytes) => BigInt(ptr(bytes)),
    pageBytes: () => Number(symbols.sysconf(SC_PAGESIZE)),
    reap: (pid) => symbols.waitpid(pid, null, WNOHANG) >= 0,
  };
}
