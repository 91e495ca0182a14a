import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Arena } from "./arena.ts";
import { createArena, leftAfterASecond, MODES, resultOf, SANDBOXES } from "./arena.ts";
import { ATTACKS, type Attack } from "./attacks.ts";

setDefaultTimeout(30_000);

/** What shows that an attack has worked; empty when it has not. */
async function attack({ before, command, cwd, settings }: Attack, arena: Arena): Promise<string[]> {
  await arena.reset();
  arena.bench.settings({ min_free_disk_mb: 0, ...settings?.(arena) });
  for (const first of before?.(arena) ?? []) await arena.bench.call("terminal_run", { command: first });
  const result = await arena.bench.call("terminal_run", {
    command: command(arena),
    timeout_ms: 15_000,
    ...(cwd && { cwd: cwd(arena) }),
  });
  const output = result.structured === undefined ? "" : resultOf(result).output;
  return [
    ...(output.includes(arena.canary) ? ["the canary was read"] : []),
    ...(output.includes("PWNED") ? ["it says so"] : []),
    ...arena.hits(),
  ];
}

for (const mode of SANDBOXES)
  describe(mode, () => {
    let arena: Arena;
    beforeAll(async () => {
      arena = await createArena(mode);
      process.env["HERMES_TEST_SECRET"] = arena.canary;
    });
    afterAll(async () => {
      delete process.env["HERMES_TEST_SECRET"];
      await arena.remove();
    });

    test("is what the commands run in", async () => {
      expect((await arena.bench.terminal.sandbox()).kind).toBe(mode);
    });

    for (const one of ATTACKS) {
      const gap = mode === "landlock" ? one.landlockGap : undefined;
      test(gap === undefined ? `refuses: ${one.name}` : `known gap: ${one.name} (${gap})`, async () => {
        const worked = await attack(one, arena);
        if (gap === undefined) expect(worked).toEqual([]);
        else expect(worked).not.toEqual([]);
      });
    }
  });

describe("without a sandbox the same attacks work", () => {
  let arena: Arena;
  beforeAll(async () => {
    arena = await createArena("none");
  });
  afterAll(() => arena.remove());

  for (const one of ATTACKS.filter(({ control }) => control))
    test(one.name, async () => {
      expect(await attack(one, arena)).not.toEqual([]);
    });
});

/** Ways to outlive the command that started a process. `MARK` stands in its command line. */
const SURVIVORS = [
  ["a child in the background", "sleep MARK & true"],
  ["setsid", "setsid sleep MARK & true"],
  ["setsid with a fork", "setsid -f sleep MARK"],
  ["fork twice", "( ( sleep MARK & ) & ) ; true"],
  ["setsid and fork twice", "setsid sh -c '( setsid sleep MARK & ) &' & sleep 0.1"],
  ["nohup", "nohup sleep MARK > /dev/null 2>&1 & disown; true"],
  ["ignored signals", "(trap '' TERM HUP INT QUIT; exec setsid sleep MARK) & sleep 0.1"],
  [
    "a chain of forks",
    "setsid python3 -c 'import os\nwhile 1:\n  if os.fork(): os._exit(0)' MARK; sleep 0.1",
  ],
  ["closed descriptors", "setsid sh -c 'exec <&- >&- 2>&-; exec sleep MARK' & sleep 0.1"],
] as const;

for (const mode of MODES)
  describe(`${mode}: nothing outlives a command`, () => {
    let arena: Arena;
    let count = 0;
    const markOf = () => `${10_000 + count++}.${process.pid}`;
    beforeAll(async () => {
      arena = await createArena(mode);
    });
    afterAll(() => arena.remove());

    for (const [name, command] of SURVIVORS) {
      test(`${name}, when it ends`, async () => {
        const mark = markOf();
        await arena.bench.call("terminal_run", { command: command.replaceAll("MARK", mark) });
        expect(await leftAfterASecond(mark)).toEqual([]);
      });

      test(`${name}, when it is cancelled`, async () => {
        const mark = markOf();
        const cancel = new AbortController();
        const call = arena.bench.call(
          "terminal_run",
          { command: `${command.replaceAll("MARK", mark)}; echo up; sleep ${mark}` },
          { signal: cancel.signal, progress: () => cancel.abort(new Error("enough")) },
        );
        expect(call).rejects.toThrow("enough");
        await call.catch(() => undefined);
        expect(await leftAfterASecond(mark)).toEqual([]);
      });
    }

    test("a time limit", async () => {
      const mark = markOf();
      const result = await arena.bench.call("terminal_run", {
        command: `setsid sleep ${mark} & sleep ${mark}`,
        timeout_ms: 300,
      });
      expect(resultOf(result)).toMatchObject({ timed_out: true });
      expect(await leftAfterASecond(mark)).toEqual([]);
    });
  });
