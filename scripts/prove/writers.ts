import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "../../src/store/open.ts";
import { quietLog } from "../../tests/support/store.ts";
import { createVerdict, readCount } from "./verdict.ts";

/**
 * Proves that several processes on one database file lose no write: all of them open a file that does not exist yet, and
 * each makes its memory writes at once.
 *
 *   bun scripts/prove/writers.ts [--processes 8] [--writes 100]
 */
const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "8" },
    writes: { type: "string", default: "100" },
    /** Internal: be one of the processes. */
    child: { type: "string" },
    path: { type: "string" },
  },
});
const processes = readCount(values.processes, "processes");
const writes = readCount(values.writes, "writes");

if (values.child !== undefined) await writeAll(values.path ?? "", values.child);
else process.exitCode = await prove();

async function writeAll(path: string, child: string): Promise<void> {
  const store = await openStore({ path, log: quietLog() });
  await Promise.all(
    Array.from({ length: writes }, (_, i) =>
      store.memory.set("owner", `${child}/${i}`, { child, i }, "writers"),
    ),
  );
  await store.close();
}

async function prove(): Promise<number> {
  const verdict = createVerdict("several processes on one file lose no write");
  const directory = mkdtempSync(join(tmpdir(), "hermes-writers-"));
  const path = join(directory, "hermes.db");
  try {
    const startedMs = performance.now();
    const children = Array.from({ length: processes }, (_, child) =>
      Bun.spawn(
        [process.execPath, import.meta.path, "--child", `${child}`, "--path", path, "--writes", `${writes}`],
        {
          stdout: "inherit",
          stderr: "inherit",
        },
      ),
    );
    const codes = await Promise.all(children.map((child) => child.exited));
    verdict.figure("processes", processes);
    verdict.figure("writes of each, all at once", writes);
    verdict.figure(
      "milliseconds, start of the processes included",
      Math.round(performance.now() - startedMs),
    );
    for (const code of codes) if (code !== 0) verdict.violation(`a process ended with code ${code}`);

    const store = await openStore({ path, log: quietLog() });
    const { items } = await store.memory.list("owner", { limit: processes * writes + 1 });
    const kept = new Set(items.map((entry) => entry.key));
    verdict.figure("entries kept", kept.size);
    for (let child = 0; child < processes; child++)
      for (let i = 0; i < writes; i++)
        if (!kept.has(`${child}/${i}`)) verdict.violation(`lost: ${child}/${i}`);
    for (const problem of await store.check()) verdict.violation(problem);
    await store.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return verdict.exitCode();
}
