// Proves by outside judges that the compiled Hermes speaks MCP: the official conformance suite, without any expected failure,
// against the fixture that its scenarios name and against Hermes's own tools, and the Inspector over every transport and era.
//
//   bun scripts/prove/conformance.ts [--short] [--only fixture|tools|inspector]...
import { parseArgs } from "node:util";
import { HERMES_COMMAND, startHermes, startService } from "../../tests/support/hermes.ts";
import { onCompiledHermes } from "./compiled.ts";
import { proveInspector } from "./conformance-inspector.ts";
import {
  type Problem,
  REVISIONS,
  type Result,
  required,
  runRequirements,
  runScenario,
} from "./conformance-suite.ts";
import { createVerdict, type Verdict } from "./verdict.ts";

const { values: options } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: ["fixture", "tools", "inspector"] },
  },
});

/** What no revision requires and Hermes holds all the same. */
const BESIDES: Readonly<Record<string, readonly string[]>> = {
  "2025-11-25": ["server-session-lifecycle", "server-sse-polling", "json-schema-2020-12"],
  "2026-07-28": ["json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"],
};
const SKILLS = ["sep-2640-skills-directory", "sep-2640-skills-enumeration", "sep-2640-skills-manifest"];
/** The scenarios that are about the protocol, and need no tool of the fixture. */
const PROTOCOL: Readonly<Record<string, readonly string[]>> = {
  "2025-11-25": [
    "server-initialize",
    "ping",
    "logging-set-level",
    "tools-list",
    "resources-list",
    "prompts-list",
    "server-sse-multiple-streams",
    "server-session-lifecycle",
    "dns-rebinding-protection",
  ],
  "2026-07-28": [
    "server-stateless",
    "tools-list",
    "resources-list",
    "prompts-list",
    "caching",
    "sep-2164-resource-not-found",
    "http-header-validation",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
  ],
};

/** Checks of these scenarios that call a tool of the fixture all the same, to make a list change. */
const CHANGES_LISTS = [
  "sep-2575-server-sends-prompts-list-changed-on-subscription",
  "sep-2575-server-sends-tools-list-changed-on-subscription",
];
const needsFixture = ({ check, what }: Problem) =>
  CHANGES_LISTS.includes(check) || what.startsWith("Not testable: server does not list the diagnostic tool");

/** By name, so that the suite can send the Host headers it wants. */
const byName = (url: string) => `${url.replace("127.0.0.1", "localhost")}/mcp`;

/** One line for a set, and a violation for each of its scenarios that is not held. */
function judge(
  verdict: Verdict,
  set: string,
  wanted: readonly string[],
  results: readonly Result[],
  skip: (problem: Problem) => boolean = () => false,
): void {
  let held = 0;
  let checks = 0;
  for (const scenario of wanted) {
    const { passed = 0, problems = [] } = results.find((one) => one.scenario === scenario) ?? {};
    const counted = problems.filter((problem) => !skip(problem));
    if (passed === 0 && counted.length === 0) verdict.violation(`${set}: ${scenario} was not run`);
    for (const { check, what } of counted) verdict.violation(`${set}: ${scenario}: ${check}: ${what}`);
    if (passed > 0 && counted.length === 0) held += 1;
    checks += passed;
  }
  verdict.figure(set, `${held}/${wanted.length} scenarios, ${checks} checks`);
}

async function proveFixture(verdict: Verdict): Promise<void> {
  const fixture = await startService([...HERMES_COMMAND, "dev", "mcp-fixture", "--port", "0"]);
  try {
    const url = byName(fixture.url);
    for (const revision of REVISIONS) {
      const results = await runRequirements(url, revision);
      judge(verdict, `required by ${revision}`, required(revision), results);
      judge(verdict, `beyond what ${revision} requires`, BESIDES[revision] ?? [], results);
    }
    const skills = await Promise.all(SKILLS.map((scenario) => runScenario(url, scenario)));
    judge(verdict, "skills extension (SEP-2640)", SKILLS, skills);
  } finally {
    await fixture.kill();
  }
}

async function proveTools(verdict: Verdict): Promise<void> {
  const mcp = { auth: { type: "none" }, rate_limit: { requests_per_minute: 10_000_000 } };
  const args = ["mcp", "--transport", "http", "--port", "0"];
  const hermes = await startHermes({ config: { mcp, log: { level: "warn" } }, args });
  try {
    for (const revision of REVISIONS) {
      const scenarios = PROTOCOL[revision] ?? [];
      const run = (scenario: string) => runScenario(byName(hermes.service.url), scenario, revision);
      const results = await Promise.all(scenarios.map(run));
      judge(verdict, `Hermes's own tools, ${revision}`, scenarios, results, needsFixture);
    }
  } finally {
    await hermes.remove();
  }
}

async function prove(): Promise<number> {
  const verdict = createVerdict("outside judges find nothing wrong with the MCP server");
  if (options.only.includes("fixture")) await proveFixture(verdict);
  if (options.only.includes("tools")) await proveTools(verdict);
  if (options.only.includes("inspector")) await proveInspector(verdict, options.short);
  return verdict.exitCode();
}

process.exit((await onCompiledHermes()) ?? (await prove()));
