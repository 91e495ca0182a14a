import { describe, expect, test } from "bun:test";
import { healthOf, standInGateway } from "../../support/gateway.ts";
import { openTestServer } from "../../support/server.ts";

describe("/health and /ready", () => {
  test("tell anybody, and nothing more than that", async () => {
    await using server = await openTestServer();
    const health = await server.call("//health", { as: null });
    expect([health.status, await health.json()]).toEqual([200, { status: "ok", version: "0.0.0-test" }]);
    const ready = await server.call("//ready", { as: null });
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: "ready",
      checks: [{ name: "store" }, { name: "model" }, { name: "api" }],
    });
  });

  test("without a model it is alive and not ready", async () => {
    await using server = await openTestServer({ config: { model: {}, providers: {} } });
    expect((await server.call("//health", { as: null })).status).toBe(200);
    const ready = await server.call("//ready", { as: null });
    const body = await ready.json();
    expect([ready.status, body.code, body.checks[1].ok]).toEqual([503, "not_ready", false]);
    expect(body.hint).toBe("Set the key of a model provider, such as OPENROUTER_API_KEY.");
  });

  test("with accounts: each is a check, which tells anybody when it last worked and nothing else", async () => {
    const error = { message: "canary of the reason" };
    const health = [healthOf("slack")];
    await using server = await openTestServer({ gateway: standInGateway({ health }) });
    const ready = await server.call("//ready", { as: null });
    expect([ready.status, (await ready.json()).checks.slice(3)]).toEqual([
      200,
      [{ name: "slack", ok: true, detail: "connected, last success at 2026-11-27T11:00:00.000Z" }],
    ]);

    health[0] = healthOf("telegram", {
      account: "telegram.work",
      state: "waiting",
      lastSuccessMs: null,
      error,
    });
    await using second = await openTestServer({ gateway: standInGateway({ health }) });
    const unready = await second.call("//ready", { as: null });
    const text = await unready.text();
    expect([unready.status, JSON.parse(text)]).toMatchObject([
      503,
      {
        code: "not_ready",
        detail: "Not ready: telegram.work.",
        hint: "`hermes status` and the log tell more.",
        checks: [{}, {}, {}, { name: "telegram.work", ok: false, detail: "waiting, no success yet" }],
      },
    ]);
    for (const leak of ["canary", "hermes_bot"]) expect(text).not.toContain(leak);
  });

  test("with a disk that fails it is not ready, and the problem stays inside", async () => {
    await using server = await openTestServer();
    const health = await server.store.health();
    server.store.health = async () => ({ ...health, ok: false, problem: "/var/lib/hermes is full" });
    const ready = await server.call("//ready", { as: null });
    const problem = await ready.json();
    expect([ready.status, problem.hint]).toEqual([503, "`hermes status` and the log tell more."]);
    expect(JSON.stringify(problem)).not.toContain("/var/lib");
    const status = await (await server.call("/status")).json();
    expect([status.status, status.store.problem]).toEqual(["degraded", "/var/lib/hermes is full"]);
  });

  test("the disk is tried at most once a second, whoever asks", async () => {
    await using server = await openTestServer();
    const check = server.store.health;
    let checks = 0;
    server.store.health = () => {
      checks += 1;
      return check();
    };
    await Promise.all(Array.from({ length: 50 }, () => server.call("//ready", { as: null })));
    expect(checks).toBe(1);
  });
});
