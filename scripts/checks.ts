/**
 * The second half of `scripts/test`: every check, test and short proof, one after another, going on after a failure.
 * The last line is `N passed, N failed`, where a check or a proof counts as one and the tests count each.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const BINARY = join(ROOT, "dist/hermes");
const RESULTS = join(ROOT, ".cache/tests");
const bun = process.execPath;

interface Check {
  name: string;
  command: string[];
  timeoutMs: number;
  /** Counts what the command did; without it the command counts as one. */
  count?: (exitCode: number) => Outcome;
}

interface Outcome {
  passed: number;
  failed: number;
  /** Tests that failed, where it is known which; `failed` counts them. */
  failedTests?: FailedTest[];
}

interface FailedTest {
  file: string;
  name: string;
}

const MINUTE_MS = 60_000;
/** Of one test that says nothing else: two halves run side by side, on machines that may be slow. */
const TEST_TIMEOUT_MS = 30_000;
/** So many failures may be the machine's; where more fail, the code is at fault and nothing is run again. */
const MAX_UNSTEADY = 3;
/** What lies beside the tests and is no test. */
const NO_TESTS = ["tests/fakes", "tests/judges", "tests/support"];

/** The short form of every proof, those side by side that mind it least; `docs/evidence.md` has the long ones. */
const PROOFS = [
  [["kill", "--short"]],
  [["powercut", "--cuts", "300"], ["llm"]],
  [["disk", "--faults", "20"]],
  [["writers"]],
  [["sse", "--short"]],
  [["files", "--races", "20000"]],
  [["sandbox", "--short"]],
  [["http", "--short", "--binary", BINARY]],
  [["injection", "--short"], ["ssrf"]],
  [["mcp", "--short"]],
  [
    ["gateway", "--short"],
    ["gateway-slow", "--short"],
  ],
  [["webhooks-kill", "--short"]],
  [["conformance", "--short"]],
];

/** Where the tests of the chat platforms are. They wait more than they work, and run beside all others. */
const PLATFORM_TESTS = ["tests/contract", "tests/gateway", "tests/platforms"];
const OTHER_TESTS = readdirSync(join(ROOT, "tests"))
  .map((name) => `tests/${name}`)
  .filter((path) => !PLATFORM_TESTS.includes(path) && !NO_TESTS.includes(path));

/** One after another; those of one group side by side. */
const CHECKS: Check[][] = [
  [
    {
      name: "lint and format",
      command: [bun, "x", "biome", "ci", "--colors=off", "."],
      timeoutMs: MINUTE_MS,
    },
  ],
  [{ name: "types", command: [bun, "x", "tsc", "-p", "."], timeoutMs: 2 * MINUTE_MS }],
  [{ name: "dead code", command: [bun, "x", "knip", "--no-progress"], timeoutMs: MINUTE_MS }],
  [{ name: "generated files", command: [bun, "scripts/generate.ts", "--check"], timeoutMs: MINUTE_MS }],
  [{ name: "build", command: [bun, "scripts/build.ts"], timeoutMs: 3 * MINUTE_MS }],
  [tests("tests", OTHER_TESTS), tests("tests of platforms", PLATFORM_TESTS)],
  ...PROOFS.map((group) =>
    group.map(([name = "", ...options]) => ({
      name: `proof: ${name}`,
      command: [bun, `scripts/prove/${name}.ts`, ...options],
      timeoutMs: 4 * MINUTE_MS,
    })),
  ),
];

function tests(name: string, paths: readonly string[]): Check {
  const results = join(RESULTS, `${name.replaceAll(" ", "-")}.xml`);
  const reporter = ["--only-failures", "--reporter=junit", `--reporter-outfile=${results}`];
  return {
    name,
    command: [
      bun,
      "test",
      "--timeout",
      String(TEST_TIMEOUT_MS),
      ...reporter,
      ...paths.map((path) => `./${path}`),
    ],
    timeoutMs: 11 * MINUTE_MS,
    count: (exitCode) => testOutcome(exitCode, results),
  };
}

function testOutcome(exitCode: number, file: string): Outcome {
  const results = existsSync(file) ? readFileSync(file, "utf8") : "";
  const suites = /<testsuites[^>]*>/.exec(results)?.[0];
  const number = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suites ?? "")?.[1] ?? 0);
  const failed = number("failures") + number("errors");
  const passed = number("tests") - failed - number("skipped");
  // A file that cannot be loaded, or a crash, fails the run without failing a test.
  const failedCount = exitCode !== 0 && failed === 0 ? 1 : failed;
  return { passed, failed: failedCount, failedTests: failedTestsIn(results) };
}

function failedTestsIn(results: string): FailedTest[] {
  const cases = results.matchAll(/<testcase\b([^>]*[^/])>\s*<(?:failure|error)\b/g);
  return [...cases].map(([, attributes = ""]) => {
    const value = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
    return { file: value("file"), name: value("name") };
  });
}

/**
 * Runs the files of a few failed tests once more, with nothing beside them. What passes then counts as passed, and is named at
 * the end as unsteady: a test that minds how busy the machine is has to be mended, but says nothing against the code.
 */
async function runAgain(outcome: Outcome): Promise<void> {
  const { failed, failedTests = [] } = outcome;
  if (failed === 0 || failed !== failedTests.length || failed > MAX_UNSTEADY) return;
  const files = [...new Set(failedTests.map(({ file }) => file))];
  const again = await run(tests("failed tests, once more", files));
  if (again.failed > 0 || again.passed === 0) return;
  unsteady.push(...failedTests.map(shown));
  Object.assign(outcome, { passed: outcome.passed + failed, failed: 0, failedTests: [] });
}

function shown({ file, name }: FailedTest): string {
  return `${file}: ${name}`;
}

async function run(check: Check): Promise<Outcome> {
  console.log(`\n== ${check.name}`);
  const child = Bun.spawn(check.command, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, CI: "1", HERMES_BINARY: BINARY },
    timeout: check.timeoutMs,
    killSignal: "SIGKILL",
  });
  const began = performance.now();
  const exitCode = await child.exited;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (child.signalCode)
    console.log(`${check.name}: ended by ${child.signalCode}, at most ${check.timeoutMs} ms are given`);
  const counted = check.count?.(exitCode);
  console.log(`== ${check.name}: ${exitCode === 0 ? "passed" : "FAILED"} in ${seconds} s`);
  return counted ?? { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1 };
}

rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS, { recursive: true });
const total = { passed: 0, failed: 0 };
const failures: string[] = [];
const unsteady: string[] = [];
for (const group of CHECKS) {
  const outcomes = await Promise.all(group.map(run));
  for (const [i, outcome] of outcomes.entries()) {
    await runAgain(outcome);
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    failures.push(...(outcome.failedTests ?? []).map(shown)); // what they printed stands far above
    if (outcome.failed > 0) failures.push(group[i]?.name ?? "");
  }
}
if (unsteady.length > 0) console.log(`\nUnsteady, passed when run once more:\n  ${unsteady.join("\n  ")}`);
if (failures.length > 0) console.log(`\nFailed:\n  ${failures.join("\n  ")}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
