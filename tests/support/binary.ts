import { mkdirSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/** Stays after the run, as it is large and `bun test` tells nobody when it ends; the next run builds over it. */
const OUT = join(ROOT, ".cache/test-build");

export interface Built {
  /** Where the build put its files. */
  directory: string;
  /** What the build printed. */
  output: string;
}

let built: Promise<Built> | undefined;

/** The executables of both targets, built by the first caller of a test run. */
export function buildAll(): Promise<Built> {
  built ??= build();
  return built;
}

async function build(): Promise<Built> {
  mkdirSync(OUT, { recursive: true });
  const child = Bun.spawn([process.execPath, join(ROOT, "scripts/build.ts"), "--all", "--out", OUT], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`the build failed\n${output}`);
  return { directory: OUT, output };
}
