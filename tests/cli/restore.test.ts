import { Database } from "bun:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../support/command.ts";
import { makeHome, type Service, startFakeLlm, startHermes, testConfig } from "../support/hermes.ts";

setDefaultTimeout(60_000);

let fake: Service;
let directory: string;
/** A home with one message, and a backup of it. */
let home: string;
let backup: string;

beforeAll(async () => {
  fake = await startFakeLlm();
  directory = mkdtempSync(join(tmpdir(), "hermes-restore-"));
});
afterAll(async () => {
  await fake.kill();
  rmSync(directory, { recursive: true });
});
beforeEach(async () => {
  home = makeHome();
  backup = join(directory, `${Bun.randomUUIDv7()}.db`);
  writeFileSync(join(home, "config.yaml"), JSON.stringify(testConfig(fake.url, "echo")), { mode: 0o600 });
  expect((await runCommand(["chat", "--session", "a", "before the backup"], { home })).code).toBe(0);
  expect(await runCommand(["backup", backup], { home })).toEqual({
    code: 0,
    stdout: `${backup}\n`,
    stderr: "",
  });
  return () => rmSync(home, { recursive: true });
});

const database = () => join(home, "hermes.sqlite");
const found = async (words: string) =>
  (await runCommand(["sessions", "search", words], { home })).stdout !== "";
const leftovers = () => readdirSync(home).filter((name) => name.includes("restore_"));

describe("backup", () => {
  test("is for the owner alone, and never replaces a file", async () => {
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    for (const file of [backup, database()]) {
      const bytes = readFileSync(file);
      const { code, stderr } = await runCommand(["backup", file], { home });
      expect(code).toBe(2);
      expect(stderr).toStartWith(`error: ${file} is there already.\nhint: `);
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }
  });

  test("makes the directories to it that are missing", async () => {
    const file = join(directory, "new", "x.db");
    expect(await runCommand(["backup", file], { home })).toEqual({
      code: 0,
      stdout: `${file}\n`,
      stderr: "",
    });
    expect(statSync(join(directory, "new")).mode & 0o777).toBe(0o700);
  });

  test("where nothing can be made: an error that says so", async () => {
    const { code, stderr } = await runCommand(["backup", join(backup, "x.db")], { home });
    expect(stderr).toMatch(/^error: The copy of the database to .+ failed\.\nhint: .+\n$/);
    expect(code).toBe(1);
  });
});

describe("restore", () => {
  test("puts the backup in place, and keeps the database that was there", async () => {
    expect((await runCommand(["chat", "after it"], { home })).code).toBe(0);
    const { code, stdout, stderr } = await runCommand(["restore", backup], { home });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${database()}\n` });
    const kept = /^The database before it is kept: (.+)\n$/.exec(stderr)?.[1] ?? "";
    expect(await found("before")).toBe(true);
    expect(await found("after")).toBe(false);
    const before = new Database(kept, { readonly: true });
    expect(before.query("SELECT count(*) AS n FROM messages").get()).toEqual({ n: 4 });
    before.close();
    expect(leftovers()).toEqual([]);
    expect(existsSync(backup)).toBe(true);
    expect((await runCommand(["chat", "--session", "a", "and on"], { home })).stdout).toBe("and on\n");
  });

  test("into an empty home", async () => {
    for (const name of ["hermes.sqlite", "instances"]) rmSync(join(home, name), { recursive: true });
    const { code, stderr } = await runCommand(["restore", backup], { home });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await found("before")).toBe(true);
  });

  test("in the place of a damaged database, the usual reason for it", async () => {
    writeFileSync(database(), "not a database at all".repeat(1000));
    const { code, stderr } = await runCommand(["restore", backup], { home });
    expect(code).toBe(0);
    expect(readFileSync(/kept: (.+)\n/.exec(stderr)?.[1] ?? "", "utf8")).toStartWith("not a database");
    expect(await found("before")).toBe(true);
  });

  test("refuses while a Hermes runs on that home, and while another program holds the file", async () => {
    const hermes = await startHermes({ home });
    try {
      const { code, stdout, stderr } = await runCommand(["restore", backup], { home });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^error: A running Hermes uses .+\nhint: Stop /);
    } finally {
      await hermes.remove();
    }
    const browser = new Database(database());
    browser.query("SELECT count(*) FROM messages").get();
    expect((await runCommand(["restore", backup], { home })).code).toBe(1);
    browser.close();
    expect(readdirSync(home).some((name) => name.includes("replaced"))).toBe(false);
    expect((await runCommand(["restore", backup], { home })).code).toBe(0); // the crash of the first left no lock behind
  });

  const damage: [string, (file: string) => void, RegExp][] = [
    ["nothing", (file) => rmSync(file), /There is no file/],
    ["an empty file", (file) => writeFileSync(file, ""), /It is no database/],
    ["a text", (file) => writeFileSync(file, "x".repeat(50_000)), /damaged or is no database/],
    [
      "the database of another program",
      (file) => {
        rmSync(file);
        const other = new Database(file);
        other.run("CREATE TABLE things (id)");
        other.close();
      },
      /another program/,
    ],
    [
      "a backup of a newer Hermes",
      (file) => {
        const newer = new Database(file);
        newer.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9999999999999)");
        newer.close();
      },
      /newer Hermes/,
    ],
    [
      "a backup cut in half",
      (file) => writeFileSync(file, readFileSync(file).subarray(0, 65_536)),
      /damaged/,
    ],
  ];
  for (const [name, make, reason] of damage)
    test(`refuses ${name} and touches nothing`, async () => {
      const bad = `${backup}.bad`;
      copyFileSync(backup, bad);
      make(bad);
      const before = readFileSync(database());
      const { code, stdout, stderr } = await runCommand(["restore", bad], { home });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(reason);
      expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
      expect(stderr).not.toContain("restore_");
      expect(readFileSync(database()).equals(before)).toBe(true);
      expect(leftovers()).toEqual([]);
    });
});
