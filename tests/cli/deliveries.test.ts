import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../../src/store/contract.ts";
import { openStore } from "../../src/store/open.ts";
import type { NewOutboundDelivery } from "../../src/store/records.ts";
import { runOffline } from "../support/command.ts";
import { makeHome } from "../support/hermes.ts";
import { quietLog } from "../support/store.ts";

setDefaultTimeout(60_000);

let home: string;
let store: Store;
beforeAll(() => {
  home = makeHome();
});
afterAll(() => rmSync(home, { recursive: true }));
beforeEach(async () => {
  store = await openStore({ path: join(home, "hermes.sqlite"), log: quietLog() });
  return () => store.close();
});

const hermes = (...args: string[]) => runOffline(["deliveries", ...args], { home });
const error = { code: "refused", message: "the bot was blocked\nby the user", hint: "Ask them." };
const delivery = (id: string, change: Partial<NewOutboundDelivery> = {}): NewOutboundDelivery => ({
  id,
  kind: "send",
  target: { platform: "telegram", account: "", chat: "42" },
  text: `text of ${id}`,
  ...change,
});

test("none yet: nothing on stdout", async () => {
  expect(await hermes("list")).toEqual({ code: 0, stdout: "", stderr: "There are no such deliveries.\n" });
  expect(JSON.parse((await hermes("list", "--json")).stdout)).toEqual({ deliveries: [], next_cursor: null });
});

describe("with some", () => {
  const work = { platform: "slack", account: "work", chat: "C1", thread: "17.5" };
  beforeAll(async () => {
    const opened = await openStore({ path: join(home, "hermes.sqlite"), log: quietLog() });
    const { deliveries } = opened;
    for (const id of ["dlv_sent", "dlv_dead", "dlv_due"]) await deliveries.add(delivery(id));
    await deliveries.add(delivery("dlv_slack", { target: work, text: "\u001b]0;title\u0007 one\ntwo" }));
    await deliveries.finish("dlv_sent", [{ messageId: "7" }, { messageId: "8" }]);
    await deliveries.bury("dlv_dead", error);
    await opened.close();
  });

  test("list: newest first, a line each, with what went wrong", async () => {
    const { stdout, stderr, code } = await hermes("list");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/\s+/).slice(0, 4))).toEqual([
      ["DELIVERY", "TO", "KIND", "STATUS"],
      ["dlv_slack", "slack.work:C1:17.5", "send", "due"],
      ["dlv_due", "telegram:42", "send", "due"],
      ["dlv_dead", "telegram:42", "send", "dead"],
      ["dlv_sent", "telegram:42", "send", "sent"],
    ]);
    expect(lines[3]).toContain("the bot was blocked by the user");
    expect(stdout).not.toContain("\u001b");
  });

  test("list by status and platform, page by page", async () => {
    const idsOf = async (...args: string[]): Promise<string[]> =>
      JSON.parse((await hermes("list", "--json", ...args)).stdout).deliveries.map(
        ({ id }: { id: string }) => id,
      );
    expect(await idsOf("--status", "dead")).toEqual(["dlv_dead"]);
    expect(await idsOf("--platform", "Slack")).toEqual(["dlv_slack"]);
    expect(await idsOf("--status", "due", "--platform", "telegram")).toEqual(["dlv_due"]);
    const first = await hermes("list", "--limit", "3");
    const cursor = /^More: add --cursor (.+)\n$/.exec(first.stderr)?.[1] ?? "";
    expect(await idsOf("--limit", "3", "--cursor", cursor)).toEqual(["dlv_sent"]);
  });

  test("show: all there is to know, without what would steer the terminal", async () => {
    const { stdout } = await hermes("show", "dlv_dead");
    expect(stdout).toMatch(
      /^id: dlv_dead\nto: telegram:42\nkind: send\nstatus: dead\ntries: \d\ncreated: .+\nfinished: .+\nerror: the bot was blocked\nby the user\nhint: Ask them\.\n\ntext of dlv_dead\n$/,
    );
    expect((await hermes("show", "dlv_sent")).stdout).toContain("\nmessages: 7, 8\n");
    expect((await hermes("show", "dlv_slack")).stdout).not.toContain("\u001b");
    expect(JSON.parse((await hermes("show", "dlv_sent", "--json")).stdout)).toMatchObject({
      id: "dlv_sent",
      status: "sent",
      to: "telegram:42",
      message_ids: ["7", "8"],
      run_id: null,
      error: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.+Z$/),
    });
  });

  test("retry: one that was given up, and nothing else", async () => {
    expect(await hermes("retry", "dlv_dead")).toEqual({
      code: 0,
      stdout: "dlv_dead is tried again.\n",
      stderr: "Nobody connects telegram at this moment: it leaves once `hermes gateway` runs.\n",
    });
    expect((await store.deliveries.get("dlv_dead"))?.status).toBe("due");
    for (const id of ["dlv_dead", "dlv_sent", "dlv_absent"]) {
      const { code, stdout, stderr } = await hermes("retry", id);
      expect({ id, code, stdout }).toEqual({ id, code: 1, stdout: "" });
      expect(stderr).toStartWith("error: ");
    }
  });

  test("retry --all-dead, more than one page of them", async () => {
    const ids = Array.from({ length: 201 }, (_, n) => `dlv_many_${n}`);
    await Promise.all(ids.map((id) => store.deliveries.add(delivery(id))));
    await Promise.all(ids.map((id) => store.deliveries.bury(id, error)));
    await store.accounts.saveHealth("telegram", "", {}); // somebody connects it
    expect(await hermes("retry", "--all-dead")).toEqual({
      code: 0,
      stdout: "201 deliveries are tried again.\n",
      stderr: "",
    });
    expect((await store.deliveries.list({ limit: 1, status: "dead" })).items).toEqual([]);
    expect((await hermes("retry", "--all-dead")).stdout).toBe("0 deliveries are tried again.\n");
  });
});

test("what is asked for wrongly", async () => {
  for (const [args, code, message] of [
    [["retry"], 2, "error: Give the id of a delivery, or --all-dead.\n"],
    [["retry", "dlv_a", "--all-dead"], 2, "error: Give the id of a delivery, or --all-dead.\n"],
    [["list", "--status", "lost"], 2, "Allowed choices are waiting, due, sent, dead."],
    [["list", "--platform", "telegrm"], 2, "Did you mean telegram?"],
    [["show", "dlv_absent"], 1, 'There is no delivery "dlv_absent".\nhint: `hermes deliveries list`'],
  ] as const) {
    const outcome = await hermes(...args);
    expect({ args, code: outcome.code, stdout: outcome.stdout }).toEqual({ args, code, stdout: "" });
    expect(outcome.stderr).toContain(message);
  }
});
