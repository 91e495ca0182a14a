import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AppError } from "../../src/lib/errors.ts";
import type { Tool, ToolContext, ToolResult } from "../../src/tools/contract.ts";
import { fileTools } from "../../src/tools/file/tools.ts";
import { liveConfig } from "../../tests/support/agent.ts";
import { createVerdict, readCount } from "./verdict.ts";

/**
 * Proves that no race leads a file tool out of its root. A child process swaps directories and files for links to the
 * outside and back, as fast as it can, while the tools read, write, edit, list and search the same paths. A secret
 * outside must never be in an answer and nothing outside may change. The control looks first and opens then, as so many
 * do, and has to leak; otherwise the proof proves nothing.
 *
 *   bun scripts/prove/files.ts [--races 1000000]
 */
const { values } = parseArgs({ options: { races: { type: "string", default: "1000000" } } });
const races = readCount(values.races, "races");

const SECRET = "the-secret-of-the-outside";
const CONTROL_TRIES = 2_000_000;
const CONTROL_MS = 30_000;
const CHECK_EVERY = 1_000;
const memory = "/dev/shm"; // the waits of fsync would leave little time to race
const base = realpathSync(mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "hermes-files-")));
const root = join(base, "root");
const outside = join(base, "outside");
prepare();

const verdict = createVerdict("no swap of links, files or directories leads a file tool out of its root");
const tools = new Map(
  fileTools(liveConfig({ tools: { file: { roots: [root] } } }), join(base, "home")).map((tool) => [
    tool.name,
    tool,
  ]),
);
const context: ToolContext = {
  caller: { door: "api", principal: "owner", scopes: ["tools"] },
  signal: new AbortController().signal,
};
const READS = [
  "dir/file.txt",
  "file.txt",
  "link/file.txt",
  "deep/a/b/../../../file.txt",
  "deep/a/b/file.txt",
  "dir/../file.txt",
];
const WRITES = [
  "dir/file.txt",
  "file.txt",
  "link/file.txt",
  "deep/a/file.txt",
  "new/file.txt",
  "dir/made/file.txt",
];

let swaps = 0;
const racer = Bun.spawn([process.execPath, join(import.meta.dir, "files-racer.ts"), root, outside], {
  stdio: ["ignore", "inherit", "inherit"],
  ipc: (done) => {
    swaps = Number(done);
  },
});
try {
  const before = outsideState();
  const counted = await race(before);
  for (const [name, { good, refused }] of counted)
    verdict.figure(`${name}: answered / refused`, `${good} / ${refused}`);
  const swapsOfRace = swaps;
  verdict.figure("swaps meanwhile", swapsOfRace);
  if (swapsOfRace === 0) verdict.violation("nothing was swapped");
  const control = lookThenOpen();
  verdict.figure("control, looking first: leaks / reads", `${control.leaks} / ${control.reads}`);
  if (control.leaks === 0) verdict.violation("the control does not leak, so the races are not real");
} finally {
  if (racer.exitCode !== null) verdict.violation("the racer ended before the races did");
  racer.kill();
  await racer.exited;
  rmSync(base, { recursive: true, force: true });
}
process.exitCode = verdict.exitCode();

function prepare(): void {
  for (const name of ["root/dir", "root/deep/a/b", "outside", "home"])
    mkdirSync(join(base, name), { recursive: true });
  for (const name of ["dir/file.txt", "file.txt", "deep/a/file.txt", "deep/a/b/file.txt"])
    writeFileSync(join(root, name), "inside\n");
  writeFileSync(join(outside, "file.txt"), `${SECRET}\n`);
  symlinkSync("dir", join(root, "link"));
}

async function race(before: string): Promise<Map<string, { good: number; refused: number }>> {
  const counted = new Map<string, { good: number; refused: number }>();
  for (let i = 0; i < races; i++) {
    const [name, input] = nextCall(i);
    const result = await (tools.get(name) as Tool).run(input, context).catch(failed);
    const count = counted.get(name) ?? { good: 0, refused: 0 };
    counted.set(name, count);
    if (result.isError) count.refused += 1;
    else count.good += 1;
    if (result.text.includes(SECRET) || JSON.stringify(result.structured ?? null).includes(SECRET))
      verdict.violation(`${name} ${JSON.stringify(input)} gave the secret`);
    if (i % CHECK_EVERY === 0 && outsideState() !== before) {
      verdict.violation(`something outside changed before call ${i}`);
      break;
    }
  }
  if (outsideState() !== before) verdict.violation("something outside changed");
  return counted;
}

/** A fault that a swap can cause is a refusal too; any other would be one of Hermes. */
function failed(error: unknown): ToolResult {
  if (!(error instanceof AppError)) throw error;
  return { text: error.message, isError: true };
}

/** Mostly reads; of twenty calls one writes, one edits, one lists and one searches. */
function nextCall(i: number): [name: string, input: unknown] {
  const turn = Math.floor(i / 20);
  const path = WRITES[turn % WRITES.length];
  switch (i % 20) {
    case 0:
      return ["file_write", { path, content: "inside\n" }];
    case 1:
      return ["file_edit", { path, old_text: "s", new_text: "s!", replace_all: true }];
    case 2:
      return ["file_list", { path: turn % 2 === 0 ? "." : "dir", recursive: true }];
    case 3:
      return ["file_search", { query: "e", path: turn % 2 === 0 ? "" : "deep" }];
    default:
      return ["file_read", { path: READS[i % READS.length] }];
  }
}

function outsideState(): string {
  return readdirSync(outside)
    .map((name) => `${name}: ${readFileSync(join(outside, name), "utf8")}`)
    .join("\n");
}

/** What the tools do not do: find out where a path leads, and then open it by its name. */
function lookThenOpen(): { leaks: number; reads: number } {
  const paths = [join(root, "dir/file.txt"), join(root, "file.txt"), join(root, "link/file.txt")];
  const until = performance.now() + CONTROL_MS;
  let leaks = 0;
  let reads = 0;
  while (leaks < 5 && reads < CONTROL_TRIES && performance.now() < until) {
    const path = paths[reads++ % paths.length] as string;
    try {
      if (realpathSync(path).startsWith(`${root}/`) && readFileSync(path, "utf8").includes(SECRET))
        leaks += 1;
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error; // swapped away at this moment
    }
  }
  return { leaks, reads };
}
