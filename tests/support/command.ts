import { HERMES_COMMAND } from "./hermes.ts";

export interface CommandOptions {
  home: string;
  /** What stdin holds; nothing when absent. */
  stdin?: string;
  env?: Record<string, string>;
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line to its end. */
export async function runCommand(args: readonly string[], options: CommandOptions): Promise<Outcome> {
  const child = Bun.spawn([...HERMES_COMMAND, ...args], {
    cwd: options.home,
    env: { PATH: process.env["PATH"] ?? "", HOME: options.home, HERMES_HOME: options.home, ...options.env },
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

/** The same for commands that look into the database: without what they say of their work where the machine is slow. */
export async function runOffline(args: readonly string[], options: CommandOptions): Promise<Outcome> {
  const outcome = await runCommand(args, options);
  return { ...outcome, stderr: outcome.stderr.replace(/^(looking|reading|changing) [a-z ]+ \.\.\.\n/gm, "") };
}

/** A command line and all that it must do. Texts must be the whole output, patterns match a part of it. */
export interface Scenario {
  args: readonly string[];
  env?: Record<string, string>;
  stdin?: string;
  code: number;
  stdout?: string | RegExp;
  stderr?: string | RegExp;
  /** Must not appear anywhere. */
  never?: RegExp;
}

/** The words of a scenario, for the name of its test. */
export function title({ args, env }: Scenario): string {
  const variables = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`);
  return [...variables, "hermes", ...args].join(" ");
}
