import { afterAll, afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openStoreOnly } from "../../src/app/offline.ts";
import { type App, openApp } from "../../src/app/open.ts";
import { startService } from "../../src/app/serve.ts";
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
    expect(opened.tools.list(OWNER).length).toBeGreaterThan(4);
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
