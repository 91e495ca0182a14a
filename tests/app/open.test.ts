import { afterAll, afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServeOptions } from "../../src/app/configuration.ts";
import { openStoreOnly } from "../../src/app/offline.ts";
import { type App, openApp } from "../../src/app/open.ts";
import { startService } from "../../src/app/serve.ts";
import { TOOL_NAMES } from "../../src/config/tool-groups.ts";
import { startFakeLlm } from "../../src/models/fake-llm/server.ts";
import { type HomeDir, makeHomeDir } from "../config/home-dir.ts";
import { OWNER } from "../support/agent.ts";

let home: HomeDir;
let app: App | undefined;
const fake = startFakeLlm({ port: 0 });
afterAll(() => fake.stop());
/** What the log has written. */
let log = "";

beforeEach(() => {
  home = makeHomeDir();
  log = "";
  const write = spyOn(process.stderr, "write").mockImplementation((text) => {
    log += text;
    return true;
  });
  return () => write.mockRestore();
});
afterEach(async () => {
  await app?.stop(0);
  app = undefined;
  home.remove();
});

async function open(change: Record<string, unknown> = {}): Promise<App> {
  write(change);
  app = await openApp({ home: home.path, serve: "api" });
  return app;
}

function write(change: Record<string, unknown>): void {
  const config = {
    model: { default: "fake/echo" },
    providers: { fake: { api_key: "none-needed", base_url: fake.url } },
    api: { port: 0, auth: { token: "a-token-for-tests-only" } },
    ...change,
  };
  home.write("config.yaml", JSON.stringify(config));
}

/** Has a message answered by the agent. */
async function ask({ agent }: App, text: string) {
  const { run } = await agent.accept({ kind: "chat", caller: OWNER, text });
  return agent.finished(run.id, new AbortController().signal);
}

describe("the joined rooms", () => {
  test("answer a message, and the store keeps it", async () => {
    const opened = await open();
    const run = await ask(opened, "through all rooms");
    expect(run).toMatchObject({ status: "completed", response: "through all rooms", model: "fake/echo" });
    const { items } = await opened.store.sessions.search("rooms", { limit: 10 });
    expect(items.map(({ message }) => message.role).sort()).toEqual(["assistant", "user"]);
  });

  test("serve over HTTP once they are started, and no longer after the stop", async () => {
    const opened = await open();
    const service = await startService(opened, "1.2.3");
    const status = () =>
      fetch(`${service.urls.api}/status`, { headers: { authorization: "Bearer a-token-for-tests-only" } });
    expect(await (await status()).json()).toMatchObject({ status: "ok", version: "1.2.3" });
    await service.stop();
    await expect(status()).rejects.toThrow();
  });
});

describe("a changed configuration", () => {
  test("reaches the models, the tools and the level of the log", async () => {
    const opened = await open({ log: { level: "warn", format: "json" } });
    opened.log.info("too quiet");
    expect(opened.models.defaultRef()).toBe("fake/echo");
    expect(opened.tools.list(OWNER).map(({ name }) => name)).toEqual([...TOOL_NAMES]);
    write({
      model: { default: "fake/hello" },
      tools: { groups: ["todolist"] },
      log: { level: "info", format: "json" },
    });
    expect(await opened.config.reload()).toMatchObject({ ok: true, waiting: [] });
    opened.log.info("loud enough");
    expect(opened.models.defaultRef()).toBe("fake/hello");
    expect(new Set(opened.tools.list(OWNER).map(({ group }) => group))).toEqual(new Set(["todolist"]));
    expect(log).not.toContain("too quiet");
    expect(log).toContain("loud enough");
  });

  test("does not touch the level that a flag has set", async () => {
    write({ log: { level: "info", format: "json" } });
    app = await openApp({ home: home.path, logLevel: "error" });
    write({ log: { level: "debug", format: "json" } });
    await app.config.reload();
    app.log.info("quiet by the flag");
    expect(log).not.toContain("quiet by the flag");
  });

  test("has its new secrets taken out of the log, and its old ones too", async () => {
    const opened = await open({ log: { format: "json" } });
    write({ log: { format: "json" }, api: { port: 0, auth: { token: "the-second-token" } } });
    await opened.config.reload();
    opened.log.info("a-token-for-tests-only and the-second-token");
    expect(log).toContain("[redacted] and [redacted]");
  });
});

describe("platforms", () => {
  /** A bot whose platform nobody can reach: it is connected again and again. */
  const telegram = { bot_token: "1:abc", api_base: "http://127.0.0.1:1" };
  const secret_token = "a-secret-token-of-a-webhook";

  async function plan(config: Record<string, unknown>, options: Omit<ServeOptions, "home">) {
    write(config);
    app = await openApp({ home: home.path, ...options });
    const { surfaces, gateway } = app;
    return { surfaces, connects: gateway !== null };
  }
  const holder = "a test";

  test("are connected only where that is asked for", async () => {
    const config = { platforms: { telegram } };
    expect(await plan(config, { serve: "api" })).toEqual({ surfaces: ["api"], connects: false });
    await app?.stop(0);
    expect(await plan(config, {})).toEqual({ surfaces: [], connects: false });
    await app?.stop(0);
    expect(await plan(config, { serve: "enabled", connect: { holder } })).toEqual({
      surfaces: ["api"],
      connects: true,
    });
    await app?.stop(0);
    expect(await plan(config, { connect: { only: [], holder } })).toEqual({ surfaces: [], connects: true });
  });

  test("bring their webhooks along where they receive by them", async () => {
    const webhook = { telegram: { ...telegram, mode: "webhook", secret_token } };
    for (const [platforms, surfaces] of [
      [{ telegram }, []],
      [webhook, ["webhook"]],
      [{ slack: { bot_token: "xoxb-a", signing_secret: "b" } }, ["webhook"]],
      [{ slack: { bot_token: "xoxb-a", app_token: "xapp-b" } }, []],
    ] as const) {
      expect((await plan({ platforms }, { connect: { only: [], holder } })).surfaces).toEqual([...surfaces]);
      await app?.stop(0);
    }
    // Not what is not connected here.
    const both = { ...webhook, discord: { bot_token: "a.b.c" } };
    expect((await plan({ platforms: both }, { connect: { only: ["discord"], holder } })).surfaces).toEqual(
      [],
    );
  });

  test("that are not there are told, with what to do", async () => {
    const refusal = async (config: Record<string, unknown>, only: string[]) => {
      write(config);
      return openApp({ home: home.path, connect: { only, holder } }).then(
        () => null,
        ({ code, message, hint }) => ({ code, message, hint }),
      );
    };
    const code = "config_invalid";
    expect(await refusal({}, [])).toEqual({
      code,
      message: "No platform is configured.",
      hint: expect.stringContaining("TELEGRAM_BOT_TOKEN="),
    });
    expect(await refusal({ platforms: { telegram } }, ["discord"])).toEqual({
      code,
      message: "discord is not configured.",
      hint: "Set DISCORD_BOT_TOKEN=..., or platforms.discord.bot_token.",
    });
    expect(await refusal({ platforms: { telegram: { ...telegram, enabled: false } } }, ["telegram"])).toEqual(
      {
        code,
        message: "platforms.telegram.enabled is false.",
        hint: "Set it to true.",
      },
    );
    const accounts = [{ name: "work", ...telegram }];
    expect(await refusal({ platforms: { telegram: { accounts } } }, ["telegram.home"])).toEqual({
      code,
      message: "telegram.home is not configured, or not enabled.",
      hint: "There are telegram.work.",
    });
    expect(await refusal({ platforms: { telegram } }, ["telegram.work"])).toMatchObject({
      code,
      hint: "There is one account only: telegram.",
    });
  });

  test("run without a surface, hold their account against others, and let go of it", async () => {
    await plan({ platforms: { telegram } }, { connect: { only: [], holder } });
    const service = await startService(app as App, "1.2.3");
    expect(service.urls).toEqual({});
    expect(app?.gateway?.health()).toMatchObject([{ account: "telegram" }]);

    const second = await openApp({ home: home.path, connect: { only: [], holder: "another test" } });
    await expect(startService(second, "1.2.3")).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("a test"),
    });
    await second.stop(0);
    // Who serves whatever there is goes on without it.
    const third = await openApp({ home: home.path, serve: "enabled", connect: { holder: "a third" } });
    const thirdService = await startService(third, "1.2.3");
    expect((await fetch(`${thirdService.urls.api?.replace("/api/v1", "")}/health`)).status).toBe(200);
    await thirdService.stop();
    await third.stop(0);

    await service.stop();
    await app?.stop(0);
    app = await openApp({ home: home.path, connect: { only: [], holder } });
    await (await startService(app, "1.2.3")).stop();
  });

  test("the service is over when the only account is refused from the start", async () => {
    const stranger = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () =>
        Response.json({ ok: false, error_code: 401, description: "Unauthorized" }, { status: 401 }),
    });
    const wrong = { bot_token: "1:abc", api_base: stranger.url.origin };
    await plan({ platforms: { telegram: wrong } }, { connect: { only: [], holder } });
    const service = await startService(app as App, "1.2.3");
    expect(await service.over).toMatchObject({
      code: "not_ready",
      message: expect.stringMatching(/^telegram: .*token/),
      hint: expect.any(String),
    });
    await service.stop();
    await stranger.stop(true);
  }, 30_000);

  test("that appear while it runs are connected at the next start, which is said", async () => {
    await plan({}, { serve: "enabled", connect: { holder } });
    write({ platforms: { telegram } });
    await app?.config.reload();
    while (!log.includes("The platforms are connected at the next start.")) await Bun.sleep(2);
    await app?.stop(0);

    await plan({ platforms: { telegram } }, { connect: { only: [], holder } });
    write({ platforms: { telegram: { ...telegram, mode: "webhook", secret_token } } });
    await app?.config.reload();
    while (!log.includes("The webhooks of platforms are served at the next start.")) await Bun.sleep(2);
  });

  test("webhooks are served without a platform, too", async () => {
    const webhook = { enabled: true, port: 0, secret: "a-secret-of-webhooks-for-tests" };
    const config = { api: { enabled: false }, gateway: { webhook } };
    expect(await plan(config, { serve: "enabled", connect: { holder } })).toEqual({
      surfaces: ["webhook"],
      connects: false,
    });
    const service = await startService(app as App, "1.2.3");
    expect((await fetch(`${service.urls.webhook}/health`)).status).toBe(200);
    expect((await fetch(`${service.urls.webhook}/telegram`, { method: "POST" })).status).toBe(404);
    await service.stop();
  });

  test("with nothing to serve and nothing to connect there is no service", async () => {
    write({});
    app = await openApp({ home: home.path });
    await expect(startService(app, "1.2.3")).rejects.toMatchObject({ code: "config_invalid" });
    write({ api: { enabled: false } });
    await expect(openApp({ home: home.path, serve: "enabled", connect: { holder } })).rejects.toMatchObject({
      message: "The configuration enables no surface.",
    });
  });
});

describe("stop", () => {
  test("can be asked for again, also at the same time", async () => {
    const opened = await open();
    await Promise.all([opened.stop(0), opened.stop(0)]);
    await opened.stop(0);
    await expect(opened.agent.accept({ kind: "chat", caller: OWNER, text: "late" })).rejects.toMatchObject({
      code: "shutting_down",
    });
  });

  test("parks what does not end in time, for the next start", async () => {
    const first = await open({ model: { default: "fake/first-60000" } });
    const { run } = await first.agent.accept({ kind: "chat", caller: OWNER, text: "long" });
    for await (const [event] of first.agent.events(run.id, 0, new AbortController().signal))
      if (event?.type === "run.started") break;
    await first.stop(0);
    const store = await openStoreOnly({ home: home.path });
    expect(await store.runs.get(run.id)).toMatchObject({ status: "queued", instance: null });
    await store.close();
    const second = await open({ model: { default: "fake/echo" } });
    await second.agent.recover();
    expect(await second.agent.finished(run.id, new AbortController().signal)).toMatchObject({
      status: "completed",
      response: "long",
    });
  });
});

describe("the token", () => {
  test("is made at the first start that wants one, and kept", async () => {
    home.write("config.yaml", "log: { level: error }\n");
    const options = { home: home.path, serve: "api" } as const;
    const first = await openApp(options);
    const file = join(first.home, "api-token");
    const token = readFileSync(file, "utf8").trim();
    expect(first.madeKeys).toEqual([{ surface: "api", token, file, isNew: true }]);
    expect(first.config.current.api.auth.token).toBe(token);
    await first.stop(0);
    app = await openApp(options);
    expect(app.madeKeys).toEqual([{ surface: "api", token, file, isNew: false }]);
  });
});
