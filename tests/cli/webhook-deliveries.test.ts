import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../../src/store/contract.ts";
import { openStore } from "../../src/store/open.ts";
import type { WebhookAttempt, WebhookDelivery } from "../../src/store/webhook-records.ts";
import { runCommand } from "../support/command.ts";
import { makeHome } from "../support/hermes.ts";
import { newRun, quietLog } from "../support/store.ts";

setDefaultTimeout(60_000);

const URL_OF_MAIN = "https://example.com/hook";
const OUTBOUND = {
  enabled: true,
  endpoints: [{ name: "main", url: URL_OF_MAIN, secret: "a secret of the tests" }],
};
const ERROR = { code: "endpoint_refused", message: "It answered 500." };
const ATTEMPT: WebhookAttempt = {
  startedAt: Date.parse("2026-11-22T08:00:00Z"),
  durationMs: 20,
  request: { url: URL_OF_MAIN, headers: { "webhook-id": "evt_dead" } },
  response: { status: 500, headers: { server: "x" }, body: "\u001b]0;title\u0007oops" },
  error: ERROR,
};

let home: string;
let store: Store;
beforeAll(() => {
  home = makeHome();
  writeFileSync(join(home, "config.yaml"), JSON.stringify({ gateway: { webhook: { outbound: OUTBOUND } } }), {
    mode: 0o600,
  });
});
afterAll(() => rmSync(home, { recursive: true }));
beforeEach(async () => {
  store = await openStore({ path: join(home, "hermes.sqlite"), log: quietLog() });
  return () => store.close();
});

const hermes = (...args: string[]) => runCommand(["webhook", ...args], { home });
const all = async (): Promise<WebhookDelivery[]> => (await store.webhooks.list({ limit: 100 })).items;
const one = async (eventId: string): Promise<WebhookDelivery> => {
  const found = (await all()).find((delivery) => delivery.eventId === eventId);
  if (found === undefined) throw new Error(`${eventId} is not there`);
  return found;
};
const NOBODY_SENDS = /^Nobody sends to main at this moment: it leaves once `hermes gateway`/;

test("none yet: nothing on stdout", async () => {
  const stderr = "There are no such deliveries.\n";
  expect(await hermes("deliveries", "list")).toEqual({ code: 0, stdout: "", stderr });
  const { stdout } = await hermes("deliveries", "list", "--json");
  expect(JSON.parse(stdout)).toEqual({ deliveries: [], next_cursor: null });
  expect((await hermes("deliveries", "show", "whd_none")).code).toBe(1);
});

describe("with some", () => {
  beforeAll(async () => {
    const opened = await openStore({ path: join(home, "hermes.sqlite"), log: quietLog() });
    for (const id of ["evt_sent", "evt_dead", "evt_due"]) {
      const told = { id, type: "task.completed", body: `{"id":"${id}"}`, endpoints: ["main"] };
      await opened.runs.accept(newRun({ told }));
    }
    for (const { id, eventId } of (await opened.webhooks.list({ limit: 9 })).items)
      if (eventId === "evt_sent")
        await opened.webhooks.record(id, { ...ATTEMPT, error: null }, { status: "sent" });
      else if (eventId === "evt_dead") await opened.webhooks.record(id, ATTEMPT, { status: "dead" });
    await opened.close();
  });

  test("list: newest first, a line each, with what went wrong; narrowed by options", async () => {
    const { stdout, stderr, code } = await hermes("deliveries", "list");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/\s{2,}/).slice(1, 5))).toEqual([
      ["EVENT", "TO", "STATUS", "TRIES"],
      ["task.completed", "main", "due", "0"],
      ["task.completed", "main", "dead", "1"],
      ["task.completed", "main", "sent", "1"],
    ]);
    expect(lines[2]).toEndWith("It answered 500.");
    const counted = async (...args: string[]) =>
      JSON.parse((await hermes("deliveries", "list", "--json", ...args)).stdout).deliveries.length;
    expect(await counted("--status", "dead", "--since", "2h", "--endpoint", "main")).toBe(1);
    expect(await counted("--until", "2026-01-01", "--event", "task.completed")).toBe(0);
  });

  test("show: what is sent, and each try; control characters of the receiver are left out", async () => {
    const { id } = await one("evt_dead");
    const { stdout } = await hermes("deliveries", "show", id);
    expect(stdout).toContain(
      `id: ${id}\nevent: evt_dead\ntype: task.completed\nto: main\nstatus: dead\ntries: 1\n`,
    );
    expect(stdout).toContain('payload:\n{"id":"evt_dead"}\n');
    expect(stdout).toContain(
      `try 1: 2026-11-22T08:00:00.000Z, 20 ms\n  POST ${URL_OF_MAIN}\n  webhook-id: evt_dead\n\n  HTTP 500\n  server: x\n\n]0;titleoops\n`,
    );
    const shown = JSON.parse((await hermes("deliveries", "show", id, "--json")).stdout);
    expect(shown).toMatchObject({ id, payload: { id: "evt_dead" }, tries: [{ duration_ms: 20 }] });
  });

  test("what is no time, no status and no choice is a mistake of usage", async () => {
    for (const args of [
      ["deliveries", "list", "--since", "yesterday"],
      ["deliveries", "retry"],
      ["replay", "--status", "dead"],
      ["replay", "whd_1", "--since", "1h"],
    ])
      expect([args, (await hermes(...args)).code]).toEqual([args, 2]);
  });

  test("retry: only what is dead; it says when nobody sends", async () => {
    const { id } = await one("evt_sent");
    const refused = await hermes("deliveries", "retry", id);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("The delivery is sent, not dead."),
    ]);
    const dead = await one("evt_dead");
    const retried = await hermes("deliveries", "retry", dead.id);
    expect([retried.code, retried.stdout]).toEqual([0, `${dead.id} is tried again.\n`]);
    expect(retried.stderr).toMatch(NOBODY_SENDS);
    expect(await one("evt_dead")).toMatchObject({ status: "due", attempts: 0 });

    await store.webhooks.record(dead.id, ATTEMPT, { status: "dead" });
    const hold = await store.webhooks.hold("main", "a sender");
    const everything = await hermes("deliveries", "retry", "--all-dead", "--endpoint", "main");
    expect(everything).toEqual({ code: 0, stdout: "1 delivery is tried again.\n", stderr: "" });
    if ("release" in hold) hold.release();
  });

  test("replay: one, an event, and all of a time", async () => {
    const { id } = await one("evt_sent");
    expect((await hermes("replay", id)).stdout).toBe(`${id} is sent again.\n`);
    expect((await one("evt_sent")).status).toBe("due");
    for (const delivery of await all()) await store.webhooks.record(delivery.id, ATTEMPT, { status: "sent" });
    expect((await hermes("replay", "evt_due")).stdout).toBe("evt_due is sent again.\n");
    expect((await hermes("replay", "--since", "1h")).stdout).toBe("2 deliveries are sent again.\n");
    expect((await hermes("replay", "--since", "1h", "--status", "dead")).stdout).toBe(
      "0 deliveries are sent again.\n",
    );
    expect((await hermes("replay", "evt_none")).code).toBe(1);
  });

  test("endpoints: how they are, and how one is enabled again", async () => {
    await store.webhooks.disable("main", { urlDigest: hash("sha256", URL_OF_MAIN), error: ERROR });
    const listed = await hermes("endpoints", "list");
    expect(listed.stdout).toMatch(/\nmain +disabled +0 +3 /);
    expect(listed.stderr).toContain("hint: hermes webhook endpoints enable main");
    const replayed = await hermes("replay", "evt_due");
    expect(replayed.stderr).toContain(
      "main is disabled, so that it is given up again. First: hermes webhook",
    );
    const enabled = await hermes("endpoints", "enable", "main");
    expect(enabled.stdout).toBe("Events are sent to main again.\n");
    expect(enabled.stderr).toContain("hermes webhook deliveries retry --all-dead --endpoint main");
    expect((await hermes("endpoints", "enable", "main")).code).toBe(1);
    const { stdout } = await hermes("endpoints", "list", "--json");
    expect(JSON.parse(stdout).endpoints).toMatchObject([{ endpoint: "main", state: "ok", dead: 2, due: 1 }]);
    const status = await runCommand(["status"], { home });
    expect(status.stdout).toContain("webhook_endpoints.main.state: ok\nwebhook_endpoints.main.due: 1\n");
  });
});
