import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { createProgram } from "../../src/cli/program.ts";
import { runCommand, type Scenario, title } from "../support/command.ts";
import { HERMES_COMMAND, makeHome } from "../support/hermes.ts";

let home: string;
beforeAll(() => {
  home = makeHome();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const STACK = /^\s+at /m;

async function check(scenario: Scenario): Promise<void> {
  const { code, stdout, stderr } = await runCommand(scenario.args, { home, ...scenario });
  const { stdout: out = "", stderr: err = "", never = STACK } = scenario;
  if (typeof out === "string") expect(stdout).toBe(out);
  else expect(stdout).toMatch(out);
  if (typeof err === "string") expect(stderr).toBe(err);
  else expect(stderr).toMatch(err);
  expect(stdout + stderr).not.toMatch(never);
  expect(code).toBe(scenario.code);
}

/** Every command by its words, `["config", "show"]`; groups too. */
function commandPaths(command = createProgram(), path: string[] = []): string[][] {
  return [path, ...command.commands.flatMap((child) => commandPaths(child, [...path, child.name()]))];
}

const usage = (message: string, hint: string) => `error: ${message}\nhint: ${hint}\n`;

const SCENARIOS: Scenario[] = [
  { args: ["--version"], code: 0, stdout: new RegExp(`^${version}( \\([0-9a-f]+\\))?\n$`) },
  { args: [], code: 0, stdout: /^Usage: hermes \[options\] \[command\]\n[\s\S]*Start here:/ },
  { args: ["help", "config"], code: 0, stdout: /^Usage: hermes config / },
  { args: ["sessions"], code: 2, stderr: /^Usage: hermes sessions / },
  {
    args: ["statsu"],
    code: 2,
    stderr: usage("unknown command 'statsu'", "Did you mean status?"),
  },
  { args: ["mcp", "toolz"], code: 2, stderr: usage("unknown command 'toolz'", "Did you mean tools?") },
  { args: ["sessions", "lst"], code: 2, stderr: usage("unknown command 'lst'", "Did you mean list?") },
  {
    args: ["config", "explian", "api.port"],
    code: 2,
    stderr: usage("unknown command 'explian'", "Did you mean explain?"),
  },
  {
    args: ["sessions", "lst", "--help"],
    code: 2,
    stderr: usage("unknown command 'lst'", "Did you mean list?"),
  },
  { args: ["help", "statsu"], code: 2, stderr: usage("unknown command 'statsu'", "Did you mean status?") },
  {
    args: ["xyzzy"],
    code: 2,
    stderr: usage("unknown command 'xyzzy'", "`hermes --help` tells more."),
  },
  { args: ["api", "--prot", "1"], code: 2, stderr: usage("unknown option '--prot'", "Did you mean --port?") },
  {
    args: ["sessions", "list", "--jsno"],
    code: 2,
    stderr: usage("unknown option '--jsno'", "Did you mean --json?"),
  },
  { args: ["api", "now"], code: 2, stderr: /^error: too many arguments for 'api'/ },
  {
    args: ["sessions", "show"],
    code: 2,
    stderr: usage("missing required argument 'session'", "`hermes sessions show --help` tells more."),
  },
  { args: ["api", "--port", "70000"], code: 2, stderr: /A port is a number from 0 to 65535\.\nhint: / },
  { args: ["api", "--port", "x"], code: 2, stderr: /A port is a number from 0 to 65535\.\nhint: / },
  { args: ["api", "--port"], code: 2, stderr: /^error: option '--port <port>' argument missing\nhint: / },
  { args: ["sessions", "list", "--limit", "0"], code: 2, stderr: /must be a positive whole number/ },
  { args: ["status", "--url", "file:///etc/passwd"], code: 2, stderr: /must be an address such as http:/ },
  { args: ["status", "--log-level", "loud"], code: 2, stderr: /must be one of debug, info, warn, error/ },
  {
    args: ["chat"],
    stdin: " \n",
    code: 2,
    stderr: /^error: There is no message\.\nhint: .*hermes chat "hello"/,
  },
  { args: ["chat", ""], code: 2, stderr: /^error: There is no message\.\nhint: / },
  {
    args: ["chat", "hello"],
    code: 1,
    stderr: /^error: No model provider is configured\.\nhint: Set the key .*\n$/,
  },
  {
    args: ["sessions", "show", "api:owner/none"],
    code: 1,
    stderr: usage('There is no session "api:owner/none".', "`hermes sessions list` prints the keys."),
  },
  {
    args: ["config", "explain", "api.prot"],
    code: 2,
    stderr: usage("api.prot is not a key of the configuration.", 'Did you mean "api.port"?'),
  },
  {
    args: ["api"],
    env: { HERMES_LOG_LEVEL: "loud" },
    code: 78,
    stderr:
      /^error: The configuration has a problem:\n {2}HERMES_LOG_LEVEL \(environment\): log\.level must be/,
  },
  {
    args: ["config", "check", "--json"],
    env: { HERMES_LOG_LEVEL: "loud" },
    code: 78,
    stdout: /"ok": false/,
    stderr: "",
  },
  { args: ["api", "--config", "/none.yaml"], code: 78, stderr: /the file does not exist/ },
  { args: ["backup"], code: 2, stderr: /missing required argument 'file'/ },
];

describe("scenarios", () => {
  for (const scenario of SCENARIOS) test(title(scenario), () => check(scenario));
});

describe("every command", () => {
  const paths = commandPaths();

  test("is one of the contract", () => {
    const names = createProgram().commands.map((command) => command.name());
    for (const name of [
      "gateway",
      "api",
      "serve",
      "chat",
      "send",
      "deliveries",
      "pairing",
      "sessions",
      "status",
      "config",
      "backup",
      "restore",
      "openapi",
    ])
      expect(names).toContain(name);
  });

  test("explains itself with --help and -h: on stdout, in short lines, with every flag", async () => {
    const asked = paths.flatMap((path) => [
      [...path, "--help"],
      [...path, "-h"],
    ]);
    for (let i = 0; i < asked.length; i += 4)
      await Promise.all(
        asked.slice(i, i + 4).map(async (args) => {
          const { code, stdout, stderr } = await runCommand(args, { home });
          expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
          expect(stdout).toStartWith(`Usage: ${["hermes", ...args.slice(0, -1)].join(" ")}`);
          expect(stdout).toContain("-h, --help");
          expect(stdout).toEndWith("\n");
        }),
      );
  }, 60_000);

  test("has --json when it reads, and --log-level when it does anything", () => {
    const find = (path: string[]) =>
      path.reduce(
        (command, name) => command.commands.find((child) => child.name() === name) ?? command,
        createProgram(),
      );
    const flags = (path: string[]) => find(path).options.map((option) => option.long);
    for (const path of [
      ["sessions", "list"],
      ["sessions", "show"],
      ["sessions", "search"],
      ["status"],
      ["config", "check"],
      ["config", "show"],
      ["config", "explain"],
      ["config", "schema"],
      ["openapi"],
    ])
      expect([path, flags(path)]).toEqual([path, expect.arrayContaining(["--json"])]);
    for (const path of paths)
      if (find(path).commands.length === 0)
        expect([path, flags(path)]).toEqual([path, expect.arrayContaining(["--log-level"])]);
  });
});

describe("an unexpected error", () => {
  test("is one line with what to do; --log-level debug adds where it came from", async () => {
    const broken = join(home, "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "instances"), ""); // a file in the place of a directory
    const quiet = await runCommand(["sessions", "list"], { home: broken });
    expect(quiet.code).not.toBe(0);
    expect(quiet.stderr).toMatch(
      /^error: Something went wrong inside Hermes: [^\n]+\nhint: [^\n]+ --log-level debug [^\n]+\n$/,
    );
    const loud = await runCommand(["sessions", "list", "--log-level", "debug"], { home: broken });
    expect(loud.stderr).toContain("EEXIST");
    expect(loud.stderr).toMatch(STACK);
  });
});

describe("output", () => {
  /** Runs `hermes ARGS | READER` and then prints the exit code of Hermes. */
  async function piped(args: string, reader: string): Promise<{ stdout: string; stderr: string }> {
    const hermes = HERMES_COMMAND.map((word) => `'${word}'`).join(" ");
    const child = Bun.spawn(["bash", "-c", `${hermes} ${args} | ${reader}; echo "\${PIPESTATUS[0]}"`], {
      env: { PATH: process.env["PATH"] ?? "", HERMES_HOME: home },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { stdout, stderr };
  }

  test("a reader that has seen enough is no error", async () => {
    for (const args of ["config schema", "config example", "openapi"]) {
      const { stdout, stderr } = await piped(args, "head -c 20");
      expect({ args, stderr }).toEqual({ args, stderr: "" });
      expect(stdout.slice(20)).toBe("0\n");
    }
  });

  test("an output larger than a pipe holds reaches a slow reader whole", async () => {
    const { stdout: whole } = await runCommand(["openapi"], { home });
    expect(whole.length).toBeGreaterThan(65_536);
    // The pause is what makes the reader slow; without it the writer never meets a full pipe.
    const { stdout, stderr } = await piped("openapi", "{ sleep 0.3; cat; }");
    expect(stderr).toBe("");
    expect(stdout === `${whole}0\n`).toBe(true);
  });

  test("an output that finds no room is a failure, not a short file", async () => {
    const child = Bun.spawn([...HERMES_COMMAND, "config", "example"], {
      env: { PATH: process.env["PATH"] ?? "", HERMES_HOME: home },
      stdout: Bun.file("/dev/full"),
      stderr: "pipe",
    });
    expect(await child.stderr.text()).toBe("error: The output could not be written (ENOSPC).\n");
    expect(await child.exited).toBe(1);
  });

  test("files are made for the owner alone", async () => {
    const own = join(home, "own");
    mkdirSync(own);
    writeFileSync(join(own, "config.yaml"), "log: { level: error }\n", { mode: 0o600 });
    expect((await runCommand(["sessions", "list"], { home: own })).code).toBe(0);
    const child = Bun.spawn(["find", own, "-mindepth", "1", "-not", "-path", "*/.bun*", "-perm", "/077"], {
      stdout: "pipe",
    });
    expect(await child.stdout.text()).toBe("");
  });
});
