import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "../../src/store/open.ts";
import { quietLog } from "../../tests/support/store.ts";
import { DiskImage, type Operation, parseTrace } from "./disk-image.ts";
import { createVerdict, readCount } from "./verdict.ts";

/**
 * Proves that a power cut loses nothing that the store acknowledged. A process writes through the real store while strace
 * (Debian package `strace`) records what it asks of the disk; then the disk is rebuilt at many moments, once with all
 * that was written so far and once with a random part of what was not synced yet, sector by sector, and the store must
 * open it, find it sound and know every row that had been acknowledged by then.
 *
 *   bun scripts/prove/powercut.ts [--cuts 1000] [--rounds 60] [--seed 1]
 */
const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "1000" },
    rounds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
  },
});
const cuts = readCount(values.cuts, "cuts");
const rounds = readCount(values.rounds, "rounds");
const random = randomFrom(readCount(values.seed, "seed"));

const work = mkdtempSync(join(tmpdir(), "hermes-powercut-"));
const verdict = createVerdict("a power cut loses no acknowledged row and leaves a sound database");
try {
  const operations = await record();
  const firstAcknowledged = operations.findIndex((operation) => operation.kind === "said");
  const moments = Array.from({ length: cuts }, (_, i) =>
    Math.floor(firstAcknowledged + ((i + 1) * (operations.length - firstAcknowledged)) / cuts),
  );
  verdict.figure("operations recorded", operations.length);
  verdict.figure("of which syncs", operations.filter((operation) => operation.kind === "sync").length);
  verdict.figure(
    "of which acknowledgements",
    operations.filter((operation) => operation.kind === "said").length,
  );

  const honest = await replay(operations, moments, new DiskImage());
  verdict.figure("cuts", moments.length);
  verdict.figure("databases opened and checked", honest.opened);
  verdict.figure("acknowledged rows looked up", honest.lookedUp);
  for (const fault of honest.faults) verdict.violation(fault);

  // The same disk that lies about syncs: if the proof finds nothing there, it proves nothing.
  const lying = await replay(
    operations,
    moments.filter((_, i) => i % Math.ceil(cuts / 20) === 0),
    new DiskImage(true),
  );
  verdict.figure("faults found when the disk ignores every sync", lying.faults.length);
  if (lying.faults.length === 0) verdict.violation("the proof does not notice a disk that ignores syncs");
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = verdict.exitCode();

async function record(): Promise<Operation[]> {
  const directory = join(work, "recorded");
  const trace = join(work, "trace");
  const writer = Bun.spawn(
    [
      ...["strace", "-y", "-xx", "-s", "1000000", "-o", trace],
      ...[
        "-e",
        "trace=openat,write,pwrite64,pwritev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat",
      ],
      ...[
        process.execPath,
        join(import.meta.dir, "powercut-writer.ts"),
        join(directory, "hermes.db"),
        `${rounds}`,
      ],
    ],
    { stdout: "ignore", stderr: "inherit" },
  );
  if ((await writer.exited) !== 0) throw new Error("the recorded process failed");
  // Only the database: the lock files beside it hold nothing.
  return parseTrace(readFileSync(trace, "utf8"), directory).filter(
    (operation) => operation.kind === "said" || !operation.path.startsWith(join(directory, "instances")),
  );
}

/** Cuts the power at each of the moments, in both ways. */
async function replay(operations: Operation[], moments: number[], image: DiskImage) {
  const found = { opened: 0, lookedUp: 0, faults: [] as string[] };
  const acknowledged: string[] = [];
  let done = 0;
  for (const moment of moments) {
    for (; done < moment; done++) {
      const operation = operations[done] as Operation;
      image.apply(operation);
      if (operation.kind === "said") acknowledged.push(...operation.text.trim().split("\n"));
    }
    for (const [name, keep] of [
      ["all kept", () => true],
      ["random part kept", () => random() < 0.5],
    ] as const) {
      const directory = join(work, "cut");
      image.writeTo(directory, keep);
      for (const fault of await examine(join(directory, "hermes.db"), acknowledged))
        found.faults.push(`cut after operation ${moment}, ${name}: ${fault}`);
      rmSync(directory, { recursive: true, force: true });
      found.opened += 1;
      found.lookedUp += acknowledged.length;
    }
  }
  return found;
}

/** What is wrong with the database. */
async function examine(path: string, acknowledged: string[]): Promise<string[]> {
  try {
    const store = await openStore({ path, log: quietLog() });
    try {
      const faults = await store.check();
      const runs = new Map((await store.runs.list({ limit: 1_000_000 })).items.map((run) => [run.id, run]));
      const keys = new Set(
        (await store.memory.list("owner", { limit: 1_000_000 })).items.map((entry) => entry.key),
      );
      const messages = await Promise.all(
        [0, 1, 2].map((lane) => store.sessions.messages(`api:owner/s${lane}`, { limit: 1_000_000 })),
      );
      const written = new Set(
        messages.flatMap(({ items }) => items.map((message) => `${message.role} ${message.runId}`)),
      );
      for (const line of acknowledged) {
        const [what, id = ""] = line.split(" ");
        const known =
          what === "memory"
            ? keys.has(id)
            : what === "run"
              ? runs.has(id) && written.has(`user ${id}`)
              : what === "step"
                ? written.has(`assistant ${id}`)
                : runs.get(id)?.status === "completed";
        if (!known) faults.push(`lost: ${line}`);
      }
      return faults;
    } finally {
      await store.close();
    }
  } catch (error) {
    return [`does not open: ${error}`];
  }
}

/** Numbers from 0 to 1 that are the same in each run with one seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
