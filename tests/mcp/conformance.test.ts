import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { HERMES_COMMAND, type Service, startService } from "../support/hermes.ts";

const SUITE = join(import.meta.dir, "../../node_modules/@modelcontextprotocol/conformance/dist/index.js");
const TIMEOUT_MS = 120_000;
/** What neither revision requires and Hermes holds all the same. */
const BESIDES = {
  "2025-11-25": ["server-session-lifecycle", "server-sse-polling", "json-schema-2020-12"],
  "2026-07-28": ["json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"],
};
const SKILLS = ["sep-2640-skills-directory", "sep-2640-skills-enumeration", "sep-2640-skills-manifest"];

let fixture: Service;
beforeAll(async () => {
  fixture = await startService([...HERMES_COMMAND, "dev", "mcp-fixture"]);
});
afterAll(() => fixture.kill());

async function runSuite(...args: string[]): Promise<{ code: number; output: string }> {
  // By name, so that the suite can send the Host headers it wants.
  const url = `${fixture.url.replace("127.0.0.1", "localhost")}/mcp`;
  const child = Bun.spawn([process.execPath, SUITE, "server", "--url", url, ...args], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, output: output + errors };
}

describe("the conformance suite", () => {
  for (const [revision, besides] of Object.entries(BESIDES))
    test(
      `finds nothing in ${revision}`,
      async () => {
        const { code, output } = await runSuite("--requirements", revision);
        expect([code, code === 0 ? "" : output]).toEqual([0, ""]);
        for (const scenario of besides)
          expect(output).toMatch(new RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`));
      },
      TIMEOUT_MS,
    );

  for (const scenario of SKILLS)
    test(
      `finds nothing in ${scenario}`,
      async () => {
        const { code, output } = await runSuite("--scenario", scenario);
        expect([code, output]).toEqual([0, expect.stringMatching(/Passed: (\d+)\/\1, 0 failed, 0 warnings/)]);
      },
      TIMEOUT_MS,
    );
});
