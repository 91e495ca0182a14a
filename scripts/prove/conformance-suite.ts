import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const PACKAGE = dirname(fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/package.json")));
const SUITE = join(PACKAGE, "dist/index.js");

/** The revisions that the suite has a frozen set of requirements for. */
export const REVISIONS = ["2025-11-25", "2026-07-28"] as const;

/** What the suite found in one scenario. */
export interface Result {
  scenario: string;
  passed: number;
  problems: Problem[];
}

/** A failure or a warning. */
export interface Problem {
  /** The id of the check. */
  check: string;
  what: string;
}

interface CheckRecord {
  id: string;
  status: string;
  errorMessage?: string;
  details?: unknown;
}

/** The scenarios that a server must pass to conform to a revision, as the suite itself lists them. */
export function required(revision: string): string[] {
  const file = join(PACKAGE, `requirements/${revision}.yaml`);
  return (parse(readFileSync(file, "utf8")) as { server: string[] }).server;
}

/** Runs everything that the suite has for a revision, with an empty list of expected failures. */
export function runRequirements(url: string, revision: string): Promise<Result[]> {
  return runSuite(url, (baseline) => ["--requirements", revision, "--expected-failures", baseline]);
}

/** Runs one scenario, in the newest revision that it applies to when none is named. */
export async function runScenario(url: string, scenario: string, revision?: string): Promise<Result> {
  const version = revision === undefined ? [] : ["--spec-version", revision];
  const [result] = await runSuite(url, () => ["--scenario", scenario, ...version]);
  return result ?? { scenario, passed: 0, problems: [] };
}

async function runSuite(url: string, args: (baseline: string) => string[]): Promise<Result[]> {
  const directory = mkdtempSync(join(tmpdir(), "hermes-conformance-"));
  try {
    const baseline = join(directory, "baseline.yml");
    writeFileSync(baseline, "server: []\n");
    const results = join(directory, "results");
    const child = Bun.spawn(
      [process.execPath, SUITE, "server", "--url", url, "--output-dir", results, ...args(baseline)],
      { stdout: "ignore", stderr: "pipe", cwd: directory },
    );
    const [errors] = await Promise.all([child.stderr.text(), child.exited]);
    try {
      return readdirSync(results).map((name) => readResult(results, name));
    } catch (cause) {
      throw new Error(`the conformance suite has left no results\n${errors}`, { cause });
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The folder of a scenario is named `server-SCENARIO-TIME`. */
function readResult(directory: string, name: string): Result {
  const checks = JSON.parse(readFileSync(join(directory, name, "checks.json"), "utf8")) as CheckRecord[];
  return {
    scenario: name.replace(/^server-/, "").replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, ""),
    passed: checks.filter(({ status }) => status === "SUCCESS").length,
    problems: checks
      .filter(({ status }) => status === "FAILURE" || status === "WARNING")
      .map(({ id, errorMessage, details }) => ({ check: id, what: errorMessage ?? JSON.stringify(details) })),
  };
}
