import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeLlm, startFakeLlm } from "../../src/models/fake-llm/server.ts";
import { startDiscord } from "../contract/servers/discord.ts";
import type { FakeTelegram } from "../fakes/telegram/contract.ts";
import { startFakeTelegram } from "../fakes/telegram/server.ts";
import { runCommand, type Scenario, title } from "../support/command.ts";
import { type Hermes, makeHome, startHermes, testConfig } from "../support/hermes.ts";

setDefaultTimeout(60_000);

const ANN = { id: 501, first_name: "Ann" };
const CONNECTS = /Hermes .+ connects .+\n/;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface World {
  telegram: FakeTelegram;
  llm: FakeLlm;
  /** Section `telegram`, with all that it needs. */
  account: Record<string, unknown>;
}

async function makeWorld(): Promise<World> {
  const telegram = await startFakeTelegram();
  const llm = startFakeLlm({ port: 0 });
  cleanUps.push(
    () => telegram[Symbol.asyncDispose](),
    () => llm.stop(),
  );
  return { telegram, llm, account: { bot_token: telegram.token, api_base: telegram.url } };
}

interface Start {
  telegram?: Record<string, unknown>;
  more?: Record<string, unknown>;
  args?: readonly string[];
  env?: Record<string, string>;
  ready?: RegExp;
}

async function start({ llm, account }: World, options: Start = {}): Promise<Hermes> {
  const { telegram = account, more = {}, args = ["gateway"], env = {}, ready = CONNECTS } = options;
  const config = {
    ...testConfig(llm.url.replace(/\/v1$/, ""), "echo"),
    log: { level: "info" },
    platforms: { telegram },
    ...more,
  };
  const hermes = await startHermes({ config, args, env, ready });
  cleanUps.push(() => hermes.remove());
  return hermes;
}

/** Resolves once the process has written the text. */
async function wrote({ service }: Hermes, text: string): Promise<void> {
  while (!service.output().includes(text)) await Bun.sleep(5);
}

const lastText = ({ telegram }: World, chat = ANN.id) => telegram.messages(chat).at(-1)?.text ?? "";

describe("what cannot be connected", () => {
  const usage = (message: string) => new RegExp(`^error: .*${message}`);
  const scenarios: Scenario[] = [
    {
      args: ["gateway"],
      code: 78,
      stderr: /^error: No platform is configured\.\nhint: .*TELEGRAM_BOT_TOKEN=/,
    },
    {
      args: ["gateway", "--platform", "telegram"],
      code: 78,
      stderr:
        "error: telegram is not configured.\nhint: Set TELEGRAM_BOT_TOKEN=..., or platforms.telegram.bot_token.\n",
    },
    {
      args: ["gateway", "--platform", "telegram.work"],
      env: { TELEGRAM_BOT_TOKEN: "1:a" },
      code: 78,
      stderr:
        /^error: telegram\.work is not configured, or not enabled\.\nhint: There is one account only: telegram\./m,
    },
    { args: ["gateway", "--platform", "telegrm"], code: 2, stderr: usage("Did you mean telegram\\?") },
    { args: ["gateway", "--platform", "whatsapp"], code: 2, stderr: usage("telegram, discord, slack") },
    { args: ["gateway", "--platform", "telegram,"], code: 2, stderr: usage("telegram, discord, slack") },
    { args: ["gateway", "--platform", "telegram.a.b"], code: 2, stderr: usage("an account such as") },
    { args: ["gateway", "--token", "1:a"], code: 2, stderr: usage("--token goes with one --platform") },
    {
      args: ["gateway", "--platform", "telegram,discord", "--token", "1:a"],
      code: 2,
      stderr: usage("--token goes with one --platform"),
    },
    {
      args: ["gateway", "--platform", "telegram.work", "--token", "1:a"],
      code: 2,
      stderr: usage("--token goes with one --platform"),
    },
    {
      args: ["gateway", "--platform", "dingtalk", "--token", "a"],
      code: 2,
      stderr: /^error: --token goes with .*\nhint: Set DINGTALK_APP_KEY=\.\.\. and DINGTALK_APP_SECRET=/,
    },
    {
      args: ["gateway", "--platform", "telegram", "--token", ""],
      code: 2,
      stderr: usage("--token is empty"),
    },
    { args: ["gateway", "--port", "1"], code: 2, stderr: usage("--port and --host go with --webhook") },
    { args: ["gateway", "--host", "::1"], code: 2, stderr: usage("--port and --host go with --webhook") },
  ];
  for (const scenario of scenarios)
    test(title(scenario), async () => {
      const home = makeHome();
      cleanUps.push(() => rmSync(home, { recursive: true }));
      const { code, stdout, stderr } = await runCommand(scenario.args, { home, ...scenario });
      if (typeof scenario.stderr === "string") expect(stderr).toBe(scenario.stderr);
      else expect(stderr).toMatch(scenario.stderr ?? /^$/);
      expect({ code, stdout }).toEqual({ code: scenario.code, stdout: "" });
    });

  test("--token where each account has its own", async () => {
    const home = makeHome();
    cleanUps.push(() => rmSync(home, { recursive: true }));
    const accounts = [{ name: "work", bot_token: "1:a" }];
    writeFileSync(join(home, "config.yaml"), JSON.stringify({ platforms: { telegram: { accounts } } }));
    const args = ["gateway", "--platform", "telegram", "--token", "2:b"];
    const { code, stderr } = await runCommand(args, { home });
    expect([code, stderr]).toEqual([2, expect.stringContaining("telegram has several accounts")]);
  });

  test("a token that the platform does not know: the reason, and 1", async () => {
    const world = await makeWorld();
    const home = makeHome();
    cleanUps.push(() => rmSync(home, { recursive: true }));
    const platforms = { telegram: { ...world.account, bot_token: "1:wrong" } };
    writeFileSync(join(home, "config.yaml"), JSON.stringify({ platforms }), { mode: 0o600 });
    const { code, stderr } = await runCommand(["gateway"], { home });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: telegram: Telegram .*token.*\nhint: .+$/m);
    expect(stderr).not.toContain("1:wrong");
  });
});

describe("a gateway", () => {
  test("says whom it connects and who may write, lets in who has a code, answers, and ends with 0", async () => {
    const world = await makeWorld();
    const hermes = await start(world);
    const { home, service } = hermes;
    expect(service.output()).toMatch(/^Hermes .+ connects telegram$/m);
    expect(service.output()).toMatch(
      /^telegram: nobody may write yet, because allowed_users is empty\. Write to the bot: it gives you a code; then `hermes pairing approve telegram CODE`\.$/m,
    );

    world.telegram.write("hello?", { from: ANN });
    const code = await world.telegram.until(
      "a code",
      () => /\b[A-HJ-NP-Z2-9]{8}\b/.exec(lastText(world))?.[0],
      30_000,
    );
    const approved = await runCommand(["pairing", "approve", "telegram", code], { home });
    expect(approved).toMatchObject({ code: 0, stdout: "Ann (501) may write to telegram now.\n" });
    world.telegram.write("in and out", { from: ANN });
    await world.telegram.until("an answer", () => lastText(world) === "in and out", 30_000);

    process.kill(service.pid, "SIGINT");
    expect(await service.exited).toBe(0);
    // Not at a terminal: a log of JSON, beside the words for people.
    const logged = service.output().match(/^\{.*\}$/gm) ?? [];
    expect(logged.map((line) => JSON.parse(line).message)).toContain("connected as hermes_test_bot");
    expect(service.output()).not.toContain(world.telegram.token);
  });

  test("is seen by hermes status, and not taken for a running one once it is gone", async () => {
    const world = await makeWorld();
    const hermes = await start(world, {
      telegram: { ...world.account, allowed_users: [ANN.id] },
      more: { api: { port: 1 } }, // nothing answers there
    });
    expect(hermes.service.output()).toContain("telegram: 1 person may write.\n");
    await wrote(hermes, "connected as");
    const status = async () => {
      const { code, stdout } = await runCommand(["status", "--json"], { home: hermes.home });
      return { code, ...JSON.parse(stdout) };
    };
    while ((await status()).platforms[0]?.state !== "connected") await Bun.sleep(50);
    expect(await status()).toMatchObject({
      code: 0,
      running: true,
      platforms: [{ account: "telegram", bot: { id: "4242", name: "hermes_test_bot" }, reconnects: 0 }],
    });
    const { stdout } = await runCommand(["status"], { home: hermes.home });
    expect(stdout).toContain("\nplatforms.telegram.state: connected\n");
    expect(stdout).not.toContain("127.0.0.1:1");
    await hermes.service.kill();
    expect(await status()).toMatchObject({
      code: 1,
      running: false,
      platforms: [{ account: "telegram", state: "stopped" }],
    });
  });

  test("is the only one for its account, and says so to a second one; hermes serve goes on without it", async () => {
    const world = await makeWorld();
    const first = await start(world);
    const { home, service } = first;
    for (const args of [["gateway"], ["gateway", "--platform", "telegram"]]) {
      const { code, stderr } = await runCommand(args, { home });
      expect([args, code]).toEqual([args, 1]);
      expect(stderr).toMatch(
        new RegExp(
          `^error: .*\`hermes gateway\` \\(process ${service.pid} on \\S+ since \\d{4}-\\d\\d-\\d\\d `,
        ),
      );
    }
    const serve = await startHermes({ home, args: ["serve"] });
    cleanUps.push(() => serve.remove());
    await wrote(serve, "connected by another Hermes already");
    const answer = await fetch(serve.api("/status"), { headers: serve.headers });
    expect((await answer.json()).platforms).toMatchObject([{ account: "telegram", state: "waiting" }]);
    expect(await serve.service.stop()).toBe(0);
    expect(await service.stop()).toBe(0);
  });

  test("connects a platform that is added to the configuration while it runs", async () => {
    const world = await makeWorld();
    await using discord = await startDiscord();
    const hermes = await start(world);
    const file = join(hermes.home, "config.yaml");
    const config = JSON.parse(readFileSync(file, "utf8"));
    config.platforms.discord = { ...discord.settings, allowed_users: [discord.personId(1)] };
    writeFileSync(file, JSON.stringify(config));
    await wrote(hermes, '"account":"discord"');
    while (discord.connections === 0) await Bun.sleep(20);
    discord.write(1, "added");
    while (!discord.shown(1).includes("added")) await Bun.sleep(20);
    expect(hermes.service.output()).not.toContain("next start");
    expect(await hermes.service.stop()).toBe(0);
  });

  test("takes its token from the command line, and warns of that", async () => {
    const world = await makeWorld();
    const { bot_token: token, ...rest } = world.account;
    const args = ["gateway", "--platform", "telegram", "--token", String(token), "--log-level", "DEBUG"];
    const hermes = await start(world, { telegram: { ...rest, enabled: false }, args });
    await wrote(hermes, "connected as hermes_test_bot");
    world.telegram.write("who am I", { from: ANN });
    await world.telegram.until("an answer", () => lastText(world) !== "", 30_000);
    expect(hermes.service.output()).toMatch(/^warning: .*`ps`.* Set TELEGRAM_BOT_TOKEN instead\.$/m);
    expect(hermes.service.output()).not.toContain(String(token));
    expect(await hermes.service.stop()).toBe(0);
  });

  test("takes its token from the environment", async () => {
    const world = await makeWorld();
    const { bot_token, ...rest } = world.account;
    const hermes = await start(world, { telegram: rest, env: { TELEGRAM_BOT_TOKEN: String(bot_token) } });
    await wrote(hermes, "connected as hermes_test_bot");
    expect(await hermes.service.stop()).toBe(0);
  });

  test("connects the accounts that are asked for, and no other", async () => {
    const world = await makeWorld();
    const accounts = [
      { name: "work", ...world.account, allowed_users: ["*"] },
      { name: "home", bot_token: "1:not-asked-for", api_base: world.telegram.url },
    ];
    const args = ["gateway", "--platform", "telegram.work"];
    const hermes = await start(world, { telegram: { accounts }, args });
    expect(hermes.service.output()).toMatch(/^Hermes .+ connects telegram\.work$/m);
    expect(hermes.service.output()).toContain("telegram.work: everybody may write.\n");
    world.telegram.write("for work", { from: ANN });
    await world.telegram.until("an answer", () => lastText(world) === "for work", 30_000);
    expect(hermes.service.output()).not.toContain("telegram.home");
    expect(await hermes.service.stop()).toBe(0);
  });
});

describe("webhooks", () => {
  const secret_token = "the-secret-token-of-the-webhook";

  test("are served where an account receives by them, at the port that --port names", async () => {
    const world = await makeWorld();
    const telegram = { ...world.account, mode: "webhook", secret_token, allowed_users: [ANN.id] };
    const args = ["gateway", "--webhook", "--port", "0"];
    const hermes = await start(world, {
      telegram,
      args,
      ready: /takes webhooks at http:\/\/127\.0\.0\.1:\d+\/webhook\n/,
    });
    const url = /http:\S+/.exec(hermes.service.url)?.[0] ?? "";
    await wrote(hermes, `telegram: the platform must reach ${url}/telegram, through your public address.`);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const update = {
      update_id: 1,
      message: {
        message_id: 9,
        date: Math.floor(Date.now() / 1000),
        chat: { id: ANN.id, type: "private", first_name: "Ann" },
        from: { is_bot: false, ...ANN },
        text: "by webhook",
      },
    };
    const call = (headers: Record<string, string>) =>
      fetch(`${url}/telegram`, {
        method: "POST",
        body: JSON.stringify(update),
        headers: { "content-type": "application/json", ...headers },
      });
    expect((await call({})).status).toBe(401);
    expect((await call({ "x-telegram-bot-api-secret-token": `${secret_token}x` })).status).toBe(401);
    world.telegram.chat(ANN.id);
    const right = { "x-telegram-bot-api-secret-token": secret_token };
    while ((await call(right)).status === 503) await Bun.sleep(50); // it is not connected yet
    expect((await call(right)).status).toBe(200);
    await world.telegram.until("an answer", () => lastText(world) === "by webhook", 30_000);
    const { stdout } = await runCommand(["status"], { home: hermes.home });
    expect(stdout).toContain(`running: true\n`);
    expect(stdout).toContain(`\nwebhook.url: ${url}\n`);
    expect(await hermes.service.stop()).toBe(0);
    expect(world.telegram.messages(ANN.id).map(({ text }) => text)).toEqual(["by webhook"]);
  });
});
