/**
 * `bun run build [--all] [--out DIRECTORY]`: compiles Hermes to one executable per target, with SHA256SUMS.
 * Without `--all` only for this machine. `hermes` in the directory is the one for this machine.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Glob } from "bun";
import { engines, version } from "../package.json";
import { buildPlugins } from "./build-plugins.ts";

const ROOT = resolve(import.meta.dir, "..");
const TARGETS = ["x64", "arm64"] as const;
type Target = (typeof TARGETS)[number];

const { values } = parseArgs({
  options: { all: { type: "boolean", default: false }, out: { type: "string", default: join(ROOT, "dist") } },
});
const native = TARGETS.find((target) => target === process.arch);
if (Bun.version !== engines.bun)
  fail(`Bun ${engines.bun} is needed, this is ${Bun.version}: "$(scripts/bun)" run build`);
if (!native || process.platform !== "linux") fail("Hermes is built on Linux, on x64 or arm64.");

const out = resolve(values.out);
mkdirSync(out, { recursive: true });
for (const name of ["hermes", "SHA256SUMS", ...TARGETS.map(fileName)])
  rmSync(join(out, name), { force: true });

const commit = currentCommit();
const sums: string[] = [];
for (const target of values.all ? TARGETS : [native]) {
  const bytes = await compile(target);
  sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${fileName(target)}\n`);
  const shown = join(relative(process.cwd(), out), fileName(target));
  console.log(
    `${shown}: ${(bytes.length / 1e6).toFixed(1)} MB, version ${version}${commit && ` (${commit})`}`,
  );
}
linkSync(join(out, fileName(native)), join(out, "hermes"));
writeFileSync(join(out, "SHA256SUMS"), sums.join(""));

function fileName(target: Target): string {
  return `hermes-linux-${target}`;
}

/** Builds beside the final place and moves the result there, so that a running Hermes keeps its file. */
async function compile(target: Target): Promise<Uint8Array> {
  const draft = join(out, `.draft-${process.pid}`);
  try {
    await Bun.build({
      // A worker is an entry point of its own: nothing imports it.
      entrypoints: [join(ROOT, "src/main.ts"), ...new Glob(join(ROOT, "src/**/*.worker.ts")).scanSync()],
      target: "bun",
      format: "esm",
      // Every file goes into one directory: a worker is beside the code that opens it there, as it is among the sources.
      naming: { entry: "[name].[ext]" },
      // Parsed ahead of time, and what a command does not import is not loaded: both for a quick start.
      bytecode: true,
      splitting: true,
      // Not minified: renamed identifiers break Elysia, which reads its handlers' source, and without line ends the
      // report of a crash shows half a megabyte as one line. All that it saves is 0.8 MB.
      minify: false,
      plugins: await buildPlugins(),
      define: { HERMES_COMMIT: JSON.stringify(commit) },
      compile: {
        outfile: join(draft, "hermes"),
        target: `bun-linux-${target}`,
        // The runtime of another target comes from npm, the one registry that a build needs anyway.
        ...(target === native ? {} : { executablePath: runtimeOf(target) }),
        execArgv: ["--use-system-ca"],
        // What a running Hermes uses lies together, so that it reads less of its own file; see record-order.ts.
        bytecodeOrder: join(ROOT, "scripts/bytecode.order"),
        // What only the start needs is hardly compiled; see src/lib/compiling.ts for what comes after it.
        jitPolicy: 32,
        // Else the executable would run the `preload` of any bunfig.toml in its working directory, and read its .env.
        autoloadBunfig: false,
        autoloadDotenv: false,
      },
    });
    chmodSync(join(draft, "hermes"), 0o755);
    renameSync(join(draft, "hermes"), join(out, fileName(target)));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return readFileSync(join(out, fileName(target)));
}

function runtimeOf(target: Target): string {
  const found = spawnSync(join(ROOT, "scripts/bun"), [target], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  if (found.status !== 0) fail(`Bun for ${target} could not be fetched.`);
  return found.stdout.trim();
}

/** The short id of the commit; empty outside a git repository of our own, or without git. */
function currentCommit(): string {
  const git = (...args: string[]) => spawnSync("git", ["-C", ROOT, ...args], { encoding: "utf8" });
  const top = git("rev-parse", "--show-toplevel");
  return top.status === 0 && top.stdout.trim() === ROOT
    ? git("rev-parse", "--short", "HEAD").stdout.trim()
    : "";
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
