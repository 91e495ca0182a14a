/**
 * What a thread is for. The executable starts with a reluctance to compile of 32 (scripts/build.ts): compiling costs processor time
 * and memory, which code that only the start runs never pays back.
 */
type Work = "computing" | "serving" | "waiting";

/** So many times more often than usually a function must run before it is compiled. */
const RELUCTANCE: Readonly<Record<Work, number>> = {
  // Such as the parsers of pages.
  computing: 1,
  // Requests and turns: with 4, a turn at 16 callers cost a tenth more once it was warm.
  serving: 2,
  // An account of a platform: it has little to do, and waits for the network.
  waiting: 16,
};

/** From now on this thread compiles as befits what it is for. */
export function compileFor(work: Work): void {
  Bun.unsafe.setJITPolicy(RELUCTANCE[work]);
}
