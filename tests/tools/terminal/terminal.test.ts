import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ToolContext } from "../../../src/tools/contract.ts";
import { findSandbox, refusing } from "../../../src/tools/terminal/sandbox.ts";
import {
  type Bench,
  createBench,
  leftAfterASecond,
  MODES,
  processesWith,
  type RunResult,
  resultOf,
  SANDBOXES,
} from "./arena.ts";

setDefaultTimeout(30_000);

interface Polled {
  processes: {
    id: string;
    running: boolean;
    exit_code?: number;
    output: string;
    next_offset: number;
    stopped?: string;
    truncated: boolean;
  }[];
}

for (const mode of MODES)
  describe(mode, () => {
    let bench: Bench;
    beforeAll(() => {
      bench = createBench(mode);
    });
    afterAll(() => bench.remove());
    const run = async (input: object, context?: Partial<ToolContext>): Promise<RunResult> =>
      resultOf(await bench.call("terminal_run", input, context));

    test("exit code, both streams in order, duration", async () => {
      const result = await run({ command: "echo one; echo two >&2; echo three; exit 3" });
      expect(result).toMatchObject({
        exit_code: 3,
        output: "one\ntwo\nthree\n",
        timed_out: false,
        truncated: false,
      });
    });

    test("a failed command is no error of the tool, and the text says how it ended", async () => {
      const result = await bench.call("terminal_run", { command: "echo words; kill -9 $$" });
      expect(result.isError).toBeUndefined();
      expect(result.text).toStartWith("exit code 137 (SIGKILL)\n<<<untrusted ");
      expect(resultOf(result)).toMatchObject({ exit_code: 137, signal: "SIGKILL" });
    });

    test("begins in the first root, and cwd goes on from there", async () => {
      expect((await run({ command: "pwd; mkdir -p sub" })).output).toBe(`${bench.workspace}\n`);
      expect((await run({ command: "pwd", cwd: "sub" })).output).toBe(`${bench.workspace}/sub\n`);
      expect((await run({ command: "pwd", cwd: `${bench.workspace}/sub` })).output).toBe(
        `${bench.workspace}/sub\n`,
      );
    });

    test("reads stdin, also by name, of any size", async () => {
      const stdin = "line\n".repeat(100_000);
      expect((await run({ command: "wc -l < /dev/stdin; wc -c", stdin })).output.split(/\s+/)[0]).toBe(
        "100000",
      );
      expect((await run({ command: "cat" })).output).toBe("");
    });

    test("several lines, quotes and a leading dash are the shell's alone", async () => {
      expect((await run({ command: "a='x y'\nprintf '%s|' \"$a\" 'q\"q' '$HOME'" })).output).toBe(
        'x y|q"q|$HOME|',
      );
      expect((await run({ command: "--version" })).exit_code).toBe(127);
    });

    test("the environment is small and the same each time, plus what the operator names", async () => {
      bench.settings({ env: { EDITOR: "vi" } });
      const names = (await run({ command: "env | cut -d= -f1 | sort | tr '\\n' ' '" })).output
        .trim()
        .split(" ");
      bench.settings({ env: {} });
      expect(names).toEqual([
        ..."EDITOR HOME LANG LC_ALL LOGNAME OLDPWD PATH PWD SHELL SHLVL TERM TMPDIR USER _".split(" "),
      ]);
    });

    test("files outlive the command, the temporary directory does not", async () => {
      await run({ command: "echo kept > kept; echo gone > $TMPDIR/gone; echo home > ~/home" });
      expect(readFileSync(join(bench.workspace, "kept"), "utf8")).toBe("kept\n");
      expect((await run({ command: "ls -A $TMPDIR ~ | grep -c -E 'gone|home$'" })).output).toBe("0\n");
    });

    test("a flood keeps its beginning and its end, and says what is missing", async () => {
      const result = await bench.call("terminal_run", {
        command: "echo first; head -c 5000000 /dev/zero | tr '\\0' 'x'; echo; echo last",
      });
      const { output, truncated } = resultOf(result);
      expect(output).toStartWith("first\nxxx");
      expect(output).toEndWith("xxx\nlast\n");
      expect(output).toMatch(/\n\[\d+ bytes left out here\]\n/);
      expect(truncated).toBe(true);
      expect(result.text.length).toBeLessThan(20_000);
    });

    test("a flood of 60 MB costs no such memory", async () => {
      const child = Bun.spawn([process.execPath, join(import.meta.dir, "flood.ts"), mode], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      });
      expect(Number((await child.stdout.text()).trim() || Number.NaN)).toBeLessThan(40_000_000);
      expect(await child.exited).toBe(0);
    });

    test("output that does not end is stopped by the time limit", async () => {
      const result = await run({ command: "yes", timeout_ms: 400 });
      expect(result).toMatchObject({
        timed_out: true,
        truncated: true,
        stopped: "It ran longer than 400 ms.",
      });
    });

    test("tells how much output there is", async () => {
      const steps: unknown[] = [];
      await run({ command: "echo x; sleep 1.3" }, { progress: (step) => steps.push(step) });
      expect(steps).toEqual([{ message: "2 bytes of output", done: 2 }]);
    });

    test("a call that is cancelled already starts nothing", async () => {
      const call = bench.call(
        "terminal_run",
        { command: "touch started" },
        { signal: AbortSignal.abort(new Error("no")) },
      );
      expect(call).rejects.toThrow("no");
      await call.catch(() => undefined);
      expect(existsSync(join(bench.workspace, "started"))).toBe(false);
    });

    test("in the background: poll from an offset, then the exit code", async () => {
      const id = (
        await run({
          command: "echo one; read -r _ < fifo; echo two; exit 4",
          background: true,
          cwd: await fifo(),
        })
      ).id;
      const poll = async (offset: number) =>
        ((await bench.call("terminal_process", { action: "poll", id, offset })).structured as Polled)
          .processes[0];
      const first = await until(
        () => poll(0),
        (job) => job?.output === "one\n",
      );
      expect(first).toMatchObject({ running: true, next_offset: 4 });
      await run({ command: "echo > fifo/fifo" });
      const last = await until(
        () => poll(4),
        (job) => job?.running === false,
      );
      expect(last).toMatchObject({
        running: false,
        exit_code: 4,
        output: "two\n",
        next_offset: 8,
        truncated: false,
      });
    });

    /** A directory with a FIFO to wait at. */
    const fifo = async () => {
      await run({ command: "mkdir -p fifo; rm -f fifo/fifo; mkfifo fifo/fifo" });
      return "fifo";
    };

    test("in the background: stop ends everything, and others do not know of it", async () => {
      const mark = `20000.${process.pid}`;
      const id = (await run({ command: `setsid sleep ${mark} & sleep ${mark}`, background: true })).id;
      await until(
        async () => processesWith(mark).length,
        (count) => count > 0,
      );
      const stranger = { caller: { door: "cli", principal: "stranger", scopes: ["admin"] } } as const;
      for (const action of ["poll", "stop"])
        expect(await bench.call("terminal_process", { action, id }, stranger)).toMatchObject({
          isError: true,
        });
      expect((await bench.call("terminal_process", { action: "list" }, stranger)).structured).toEqual({
        processes: [],
      });
      const stopped = await bench.call("terminal_process", { action: "stop", id });
      expect((stopped.structured as Polled).processes[0]).toMatchObject({
        running: false,
        stopped: expect.any(String),
      });
      expect(stopped.text).toStartWith("stopped: It was stopped by terminal_process; next_offset ");
      expect(await leftAfterASecond(mark)).toEqual([]);
    });

    test("too many at once are refused, and there is room again afterwards", async () => {
      bench.settings({ max_concurrent: 2 });
      const ids = [];
      for (let i = 0; i < 2; i++) ids.push((await run({ command: "sleep 60", background: true })).id);
      const third = await bench.call("terminal_run", { command: "true" });
      expect(third).toMatchObject({ isError: true, text: expect.stringContaining("2 commands run already") });
      for (const id of ids) await bench.call("terminal_process", { action: "stop", id });
      expect((await run({ command: "true" })).exit_code).toBe(0);
      bench.settings({ max_concurrent: 8 });
    });

    test("no descriptor and no file is left over", async () => {
      const count = () => [...new Bun.Glob("*").scanSync({ cwd: "/proc/self/fd", onlyFiles: false })].length;
      await run({ command: "true", stdin: "x" });
      const before = count();
      for (let i = 0; i < 10; i++) await run({ command: "echo x", stdin: "x" });
      expect(count()).toBeLessThanOrEqual(before + 1);
    });
  });

async function until<T>(look: () => Promise<T>, done: (seen: T) => boolean): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (done(seen) || performance.now() > deadline) return seen;
    await Bun.sleep(10);
  }
}

describe("bad input is answered with what to do", () => {
  let bench: Bench;
  beforeAll(() => {
    bench = createBench("auto");
  });
  afterAll(() => bench.remove());

  const cases: [what: string, input: object, text: RegExp][] = [
    ["NUL", { command: "echo a\0b" }, /NUL/],
    ["a huge command", { command: `: ${"x".repeat(140_000)}` }, /file_write/],
    ["cwd outside", { command: "true", cwd: "/etc" }, /\/etc is outside .*workspace/],
    ["cwd by ..", { command: "true", cwd: "../.." }, /outside/],
    ["cwd that is not there", { command: "true", cwd: "none" }, /no directory none/],
    ["too long a time", { command: "true", timeout_ms: 99_999_999 }, /600000 at most; background/],
  ];
  for (const [what, input, text] of cases)
    test(what, async () => {
      const result = await bench.call("terminal_run", input);
      expect(result.isError).toBe(true);
      expect(result.text).toMatch(text);
    });

  test("cwd through a link out", async () => {
    await bench.call("terminal_run", { command: "true" });
    symlinkSync("/etc", join(bench.workspace, "etc"));
    expect((await bench.call("terminal_run", { command: "true", cwd: "etc" })).text).toMatch(/outside/);
  });

  test("an id that is missing or unknown", async () => {
    expect((await bench.call("terminal_process", { action: "poll" })).text).toMatch(/needs the id/);
    expect((await bench.call("terminal_process", { action: "stop", id: "none" })).text).toMatch(
      /no background command none/,
    );
  });
});

for (const mode of SANDBOXES.filter((one) => one === "bubblewrap"))
  describe(`roots in ${mode}`, () => {
    let bench: Bench;
    let own: string;
    beforeAll(() => {
      bench = createBench(mode);
      own = join(bench.home, "../roots");
      mkdirSync(join(own, "w/deep/er/kept"), { recursive: true });
      mkdirSync(join(own, "r"));
      writeFileSync(join(own, "r/file"), "readable");
      writeFileSync(join(own, "w/deep/er/kept/file"), "kept");
      writeFileSync(join(bench.home, "config.yaml"), "secret-of-the-home");
    });
    afterAll(() => bench.remove());
    const run = async (command: string) => resultOf(await bench.call("terminal_run", { command })).output;

    test("a read-only one can be read and not written", async () => {
      bench.roots([join(own, "w")], [join(own, "r")]);
      expect(await run(`pwd; cat ${own}/r/file; echo x > ${own}/r/file; rm ${own}/r/file`)).toMatch(
        /^.*\/roots\/w\nreadable.*Read-only file system/s,
      );
      expect(readFileSync(join(own, "r/file"), "utf8")).toBe("readable");
    });

    test("a read-only one inside a writable one can be neither written, moved nor swapped", async () => {
      bench.roots([join(own, "w")], [join(own, "w/deep/er/kept")]);
      const swap =
        "echo x > deep/er/kept/file; mv deep/er/kept k; mv deep/er k; mv deep k; ln -sfn /etc deep; echo done";
      expect(await run(swap)).toEndWith("done\n");
      expect(readFileSync(join(own, "w/deep/er/kept/file"), "utf8")).toBe("kept");
    });

    test("Hermes's home inside a root stays shut, and its workspace inside that open", async () => {
      const outer = join(bench.home, "..");
      mkdirSync(bench.workspace, { recursive: true });
      bench.roots([outer, bench.workspace]);
      const seen = await run(
        "ls home; cat home/config.yaml; mv home h; touch home/x; echo ok > home/workspace/ok; cat home/workspace/ok",
      );
      expect(seen).not.toContain("secret-of-the-home");
      expect(seen).toEndWith("ok\n");
      expect(readFileSync(join(bench.workspace, "ok"), "utf8")).toBe("ok\n");
    });
  });

for (const mode of SANDBOXES.filter((one) => one === "landlock"))
  test("Landlock refuses a root that it cannot keep", async () => {
    const bench = createBench(mode);
    const inner = join(bench.home, "../outer/inner");
    mkdirSync(inner, { recursive: true });
    bench.roots([join(inner, "..")], [inner]);
    expect(bench.call("terminal_run", { command: "true" })).rejects.toThrow(
      /Landlock cannot keep commands from .*inner/,
    );
    await bench.remove();
  });

test("the whole machine, the kernel's directories and Hermes's home are no roots", async () => {
  const bench = createBench("auto");
  for (const root of ["/", "/proc", "/dev/shm", bench.home]) {
    bench.roots([root]);
    expect(bench.call("terminal_run", { command: "true" })).rejects.toThrow(
      /Commands cannot be given|Hermes's own home cannot be/,
    );
  }
  await bench.remove();
});

describe("which sandbox", () => {
  test("approvals: allowed in a sandbox, asked for without one, with the command as it is", async () => {
    for (const [mode, expected, question] of [
      ["auto", "allow", "Run this command in the sandbox?"],
      ["none", "ask", "Run this command WITHOUT a sandbox?"],
    ] as const) {
      const bench = createBench(mode);
      expect(await bench.terminal.approvalDefault()).toBe(expected);
      const context = {
        caller: { door: "cli", principal: "owner", scopes: ["admin"] },
        signal: new AbortController().signal,
      } as const;
      const request = await bench.terminal.tools[0]?.approval?.({ command: "rm -rf x", cwd: "sub" }, context);
      expect(request).toEqual({ tool: "terminal_run", question, details: "rm -rf x\nin: sub" });
      await bench.remove();
    }
  });

  test("none that works: refused, with what to install, and without asking anybody", async () => {
    const missing = { sandbox: "bubblewrap", reason: "It is not installed.", hint: "Install it." } as const;
    const bench = createBench("auto", {}, async () => refusing([missing]));
    expect(await bench.terminal.sandbox()).toEqual({ kind: null, gaps: [], missing: [missing] });
    const call = bench.call("terminal_run", { command: "true" });
    expect(call).rejects.toMatchObject({
      message: "There is no sandbox on this machine, so no commands are run. It is not installed.",
      hint: "Install it.",
    });
    const context = {
      caller: { door: "cli", principal: "owner", scopes: ["admin"] },
      signal: new AbortController().signal,
    } as const;
    expect(await bench.terminal.tools[0]?.approval?.({ command: "true" }, context)).toBeNull();
    await bench.remove();
  });

  test("is tried out once, and again when the configuration changes", async () => {
    const tried: string[] = [];
    const bench = createBench("auto", {}, async (wish, directory) => {
      tried.push(wish.sandbox);
      return findSandbox(wish, directory);
    });
    for (let i = 0; i < 3; i++) await bench.call("terminal_run", { command: "true" });
    bench.settings({ sandbox: "landlock" });
    expect((await bench.terminal.sandbox()).kind).toBe("landlock");
    expect(tried).toEqual(["auto", "landlock"]);
    await bench.remove();
  });

  test("stop ends what runs, and nothing is started any more", async () => {
    const mark = `30000.${process.pid}`;
    const bench = createBench("auto");
    await bench.call("terminal_run", { command: `setsid sleep ${mark}`, background: true });
    await until(
      async () => processesWith(mark).length,
      (count) => count > 0,
    );
    await bench.terminal.stop();
    expect(await leftAfterASecond(mark)).toEqual([]);
    expect(bench.call("terminal_run", { command: "true" })).rejects.toThrow("Hermes is stopping.");
    rmSync(join(bench.home, ".."), { recursive: true, force: true });
  });
});
