import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BUILD = join(import.meta.dir, "../build.ts");

/**
 * Runs the calling script once more on a Hermes that is compiled for it, and gives its exit code; null where HERMES_BINARY
 * already names one. What is built is gone afterwards.
 */
export async function onCompiledHermes(): Promise<number | null> {
  if (process.env["HERMES_BINARY"]) return null;
  const directory = mkdtempSync(join(tmpdir(), "hermes-build-"));
  try {
    await run([process.execPath, BUILD, "--out", directory]).then((code) => {
      if (code !== 0) throw new Error("the build failed");
    });
    const binary = join(directory, "hermes");
    return await run([process.execPath, ...process.argv.slice(1)], { HERMES_BINARY: binary });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(command: string[], env: Record<string, string> = {}): Promise<number> {
  const stdio = ["ignore", "inherit", "inherit"] as const;
  return Bun.spawn(command, { stdio: [...stdio], env: { ...process.env, ...env } }).exited;
}
