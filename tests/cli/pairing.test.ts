import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../../src/store/contract.ts";
import { openStore } from "../../src/store/open.ts";
import { runOffline } from "../support/command.ts";
import { makeHome } from "../support/hermes.ts";
import { quietLog } from "../support/store.ts";

setDefaultTimeout(60_000);

let home: string;
let store: Store;
beforeEach(async () => {
  home = makeHome();
  store = await openStore({ path: join(home, "hermes.sqlite"), log: quietLog() });
});
afterEach(async () => {
  await store.close();
  rmSync(home, { recursive: true });
});

const hermes = (...args: string[]) => runOffline(["pairing", ...args], { home });
const ask = (userId: string, name: string, code: string, account = "") =>
  store.pairings.request(
    { platform: "telegram", account, userId, name, chat: userId, extra: null },
    () => code,
  );

test("nobody yet", async () => {
  const { code, stdout, stderr } = await hermes("list");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toStartWith("Nobody was let in by a code, and no code is open.");
});

test("a code lets in who got it, and says whom; then they are let in no longer", async () => {
  await ask("42", "Ann\nerror: all is lost", "ABCD2345");
  await ask("43", "Bob", "EFGH2345", "work");
  expect(await hermes("approve", "Telegram", "abcd-2345")).toEqual({
    code: 0,
    stdout: "Ann error: all is lost (42) may write to telegram now.\n",
    stderr: "",
  });
  expect(await store.pairings.isApproved("telegram", "", "42")).toBe(true);
  expect((await store.deliveries.list({ limit: 5 })).items).toMatchObject([
    { kind: "notice", status: "due", target: { platform: "telegram", account: "", chat: "42" } },
  ]);
  const { pairings } = JSON.parse((await hermes("list", "--json")).stdout);
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.+Z$/);
  expect(pairings).toEqual([
    {
      account: "telegram.work",
      user_id: "43",
      name: "Bob",
      status: "pending",
      created_at: time,
      expires_at: time,
      approved_at: null,
      approved_by: null,
    },
    {
      account: "telegram",
      user_id: "42",
      name: "Ann\nerror: all is lost",
      status: "approved",
      created_at: time,
      expires_at: null,
      approved_at: time,
      approved_by: "cli",
    },
  ]);
  const lines = (await hermes("list")).stdout.trimEnd().split("\n");
  expect(lines.map((line) => line.split(/\s{2,}/).slice(0, 4))).toEqual([
    ["ACCOUNT", "USER", "NAME", "STATUS"],
    ["telegram.work", "43", "Bob", "pending"],
    ["telegram", "42", "Ann error: all is lost", "approved"],
  ]);
  expect(lines.join()).not.toContain("EFGH2345"); // only its hash is known

  expect(await hermes("revoke", "telegram", "42")).toEqual({
    code: 0,
    stdout: "42 may not write to telegram by a code any more.\n",
    stderr: "",
  });
  expect(await store.pairings.isApproved("telegram", "", "42")).toBe(false);
  const again = await hermes("revoke", "telegram", "42");
  expect([again.code, again.stderr]).toEqual([
    1,
    'error: Nobody with the id "42" was let in on telegram by a code.\nhint: `hermes pairing list` prints the ids; those of allowed_users stand in the configuration.\n',
  ]);
});

test("wrong codes let nobody in, and the door closes after some", async () => {
  await ask("42", "Ann", "ABCD2345");
  for (let n = 0; n < 5; n++) {
    const { code, stdout, stderr } = await hermes("approve", "telegram", "WRONG234");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
  }
  const { code, stderr } = await hermes("approve", "telegram", "ABCD2345");
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: Too many wrong codes.*\nhint: /)]);
  expect(await store.pairings.isApproved("telegram", "", "42")).toBe(false);
});

test("a platform that is none is a usage error", async () => {
  for (const args of [
    ["approve", "telegrm", "ABCD2345"],
    ["revoke", "telegrm", "42"],
  ]) {
    const { code, stderr } = await hermes(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Did you mean telegram?")]);
  }
  expect((await hermes("approve", "telegram")).code).toBe(2);
});

test("what the configuration warns of is not told again by every command", async () => {
  writeFileSync(join(home, "config.yaml"), "{}\n");
  chmodSync(join(home, "config.yaml"), 0o644);
  const warning = "can be read by other users";
  expect((await runOffline(["config", "check"], { home })).stderr).toContain(warning);
  for (const args of [
    ["pairing", "list"],
    ["deliveries", "list"],
    ["sessions", "list"],
  ]) {
    const { code, stderr } = await runOffline(args, { home });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining(warning) });
  }
  expect((await hermes("list", "--log-level", "debug")).stderr).toContain(warning);
});
