import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../support/command.ts";
import { makeHome, type Service, startFakeLlm, testConfig } from "../support/hermes.ts";

setDefaultTimeout(60_000);

let fake: Service;
let home: string;
const hermes = (...args: string[]) => runCommand(["sessions", ...args], { home });

beforeAll(async () => {
  fake = await startFakeLlm();
  home = makeHome();
  writeFileSync(join(home, "config.yaml"), JSON.stringify(testConfig(fake.url, "echo")), { mode: 0o600 });
});
afterAll(async () => {
  await fake.kill();
  rmSync(home, { recursive: true });
});

test("none yet: nothing on stdout", async () => {
  expect(await hermes("list")).toEqual({ code: 0, stdout: "", stderr: "There are no sessions yet.\n" });
});

describe("with some", () => {
  beforeAll(async () => {
    for (const [session, text] of [
      ["trip", "我想去北京旅行"],
      ["evil", "\u001b]0;title\u0007line one\nline two"],
      ["plain", "hello"],
    ])
      await runCommand(["chat", "--session", session ?? "", text ?? ""], { home });
  });

  test("list: a table, newest first, a line each whatever was written", async () => {
    const { stdout, stderr, code } = await hermes("list");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/\s+/)[0])).toEqual([
      "SESSION",
      "cli:owner/plain",
      "cli:owner/evil",
      "cli:owner/trip",
    ]);
    expect(stdout).not.toContain("\u001b");
    // Columns line up although Chinese characters are two columns wide.
    expect(
      new Set(lines.map((line) => Bun.stringWidth(line.slice(0, line.search(/TITLE|hello|我想|\]0/))))).size,
    ).toBe(1);
  });

  test("list page by page", async () => {
    const first = await hermes("list", "--limit", "2");
    const cursor = /^More: add --cursor (.+)\n$/.exec(first.stderr)?.[1] ?? "";
    const second = await hermes("list", "--limit", "2", "--cursor", cursor);
    expect(second.stdout).toContain("cli:owner/trip");
    expect(second.stdout).not.toContain("cli:owner/plain");
    expect(second.stderr).toBe("");
  });

  test("show: who said what, without what would steer the terminal", async () => {
    const { stdout } = await hermes("show", "cli:owner/evil");
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d {2}user: \]0;titleline one\nline two\n/);
    expect(stdout).not.toContain("\u001b");
  });

  test("search finds a Chinese word, --json gives the data", async () => {
    expect((await hermes("search", "北京")).stdout).toContain("cli:owner/trip");
    const { items } = JSON.parse((await hermes("search", "北京", "--json")).stdout);
    expect(items[0].message).toMatchObject({ sessionKey: "cli:owner/trip" });
    expect(await hermes("search", "nowhere")).toEqual({
      code: 0,
      stdout: "",
      stderr: 'No message matches "nowhere".\n',
    });
  });

  test("a cursor that is none is refused", async () => {
    const { code, stderr } = await hermes("list", "--cursor", "%%%");
    expect(code).toBe(1);
    expect(stderr).toStartWith("error: ");
  });
});
