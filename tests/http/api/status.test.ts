import { describe, expect, test } from "bun:test";
import { openStore } from "../../../src/store/open.ts";
import { healthOf, standInGateway } from "../../support/gateway.ts";
import { openTestServer, TOKENS } from "../../support/server.ts";
import { quietLog } from "../../support/store.ts";

describe("/status", () => {
  test("tell what runs and how it is, without a secret", async () => {
    await using server = await openTestServer();
    await server.post("/chat", { message: "hi" });
    const text = await (await server.call("/status")).text();
    expect(JSON.parse(text)).toMatchObject({
      status: "ok",
      version: "0.0.0-test",
      api: { host: "127.0.0.1", port: server.port, base_path: "/api/v1" },
      model: { default: "fake/hello" },
      runs: { running: 0, queued: 0 },
      store: { ok: true, counts: { sessions: 1, messages: 2 } },
    });
    for (const secret of [...Object.values(TOKENS), "sk-canary"]) expect(text).not.toContain(secret);
  });
});

describe("the platforms in /status", () => {
  const since = "2026-11-27T10:00:00.000Z";
  const last = "2026-11-27T11:00:00.000Z";

  test("are those of this process, in the words of the API", async () => {
    const error = { message: "Telegram does not know this bot token.", hint: "Compare it." };
    const health = [
      healthOf("slack"),
      healthOf("telegram", {
        account: "telegram.work",
        state: "refused",
        bot: null,
        lastSuccessMs: null,
        error,
      }),
    ];
    await using server = await openTestServer({ gateway: standInGateway({ health }) });
    const { platforms } = await (await server.call("/status")).json();
    const quiet = { last_event_at: null, reconnects: 0 };
    expect(platforms).toEqual([
      {
        account: "slack",
        state: "connected",
        since,
        bot: { id: "1", name: "hermes_bot" },
        last_success_at: last,
        ...quiet,
      },
      {
        account: "telegram.work",
        state: "refused",
        since,
        bot: null,
        last_success_at: null,
        ...quiet,
        error,
      },
    ]);
  });

  test("are those of other processes too, and stopped once these are gone", async () => {
    await using server = await openTestServer({
      gateway: standInGateway({ health: [healthOf("slack")] }),
      config: { platforms: { telegram: { bot_token: "1:a" }, slack: { bot_token: "x" } } },
    });
    const other = await openStore({ path: server.store.path, log: quietLog() });
    for (const platform of ["telegram", "slack", "discord"] as const)
      await other.accounts.saveHealth(platform, "", healthOf(platform, { reconnects: 3 }));
    const statesOf = async () => {
      const { platforms } = await (await server.call("/status")).json();
      return platforms.map(({ account, state, reconnects }: Record<string, unknown>) => [
        account,
        state,
        reconnects,
      ]);
    };
    // What this process connects it knows better than the record.
    expect(await statesOf()).toEqual([
      ["slack", "connected", 0],
      ["discord", "connected", 3],
      ["telegram", "connected", 3],
    ]);
    await other.close();
    // Discord is in the configuration no more.
    expect(await statesOf()).toEqual([
      ["slack", "connected", 0],
      ["telegram", "stopped", 3],
    ]);
  });
});
