import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../src/store/open.ts";
import { type Outcome, runCommand } from "../support/command.ts";
import { makeHome, startHermes, testConfig } from "../support/hermes.ts";
import { quietLog } from "../support/store.ts";

setDefaultTimeout(60_000);

interface Report {
  ok: boolean;
  checks: { name: string; status: string; message: string; hint?: string }[];
}

let home: string;
beforeEach(() => {
  home = makeHome();
  configure("");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const doctor = (env: Record<string, string> = {}) => runCommand(["doctor", "--json"], { home, env });
const reportOf = ({ stdout }: Outcome): Report => JSON.parse(stdout);
const find = (outcome: Outcome, name: string) =>
  reportOf(outcome).checks.find((check) => check.name === name);
const configure = (text: string, mode = 0o600) =>
  writeFileSync(
    join(home, "config.yaml"),
    `api: { port: 0 }
${text}
`,
    { mode },
  );

test("next to nothing configured: no problem, and nothing is made", async () => {
  const outcome = await doctor();
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(reportOf(outcome).ok).toBe(true);
  expect(find(outcome, "sandbox")).toMatchObject({
    status: "ok",
    message: expect.stringMatching(/^commands run in (bubblewrap|landlock)$/),
  });
  expect(find(outcome, "model")).toMatchObject({ status: "warning", hint: expect.any(String) });
  expect(existsSync(join(home, "hermes.sqlite"))).toBe(false);
});

test("the key of a provider in the environment is a default model", async () => {
  const outcome = await doctor({ FAKE_LLM_API_KEY: "fake" });
  expect(find(outcome, "model")).toMatchObject({ status: "ok", message: "fake/hello is the default" });
});

test("directories of the file tools that are not there, or are the home", async () => {
  const rootsOf = async (file: object) => {
    configure(`tools: ${JSON.stringify({ file })}`);
    return find(await doctor(), "file roots");
  };
  const good = { roots: [join(home, "..")], read_only_roots: ["/usr"] };
  const reach = expect.stringMatching(/^files and commands reach \/.+, \/usr \(read only\)$/);
  expect(await rootsOf(good)).toMatchObject({ status: "ok", message: reach });
  for (const [file, message] of [
    [{ roots: ["/no/such/place"] }, "The root directory /no/such/place of tools.file is not there."],
    [{ read_only_roots: ["missing"] }, `The root directory ${home}/missing of tools.file is not there.`],
    [{ roots: [home] }, "Hermes's own home cannot be a root directory of tools.file."],
  ] as const)
    expect(await rootsOf(file)).toMatchObject({ status: "problem", message, hint: expect.any(String) });
  expect(existsSync(join(home, "workspace"))).toBe(false);
});

test("accounts of platforms: what is missing, and who may write", async () => {
  configure(
    `platforms:
  telegram: { bot_token: "1:a", allowed_users: [1, 2] }
  slack: { bot_token: xoxb-a }
  discord:
    accounts:
      - { name: work, bot_token: a.b.c }
      - { name: home, bot_token: d.e.f, pairing: false }
  wechat: {}
`,
  );
  const lines = async () => {
    const { checks } = reportOf(await doctor());
    const names = ["telegram", "slack", "discord.work", "discord.home", "wechat"];
    return Object.fromEntries(
      checks.filter(({ name }) => names.includes(name)).map(({ name, ...check }) => [name, check]),
    );
  };
  const code = "Write to the bot: it gives you a code; then `hermes pairing approve discord CODE`.";
  expect(await lines()).toEqual({
    telegram: { status: "ok", message: "has its keys; 2 people may write" },
    slack: {
      status: "problem",
      message: "app_token missing",
      hint: "Set app_token in platforms.slack, or signing_secret to be called at the webhook.",
    },
    "discord.work": {
      status: "warning",
      message: "has its keys; nobody may write yet, because allowed_users is empty",
      hint: code,
    },
    "discord.home": {
      status: "warning",
      message: "has its keys; nobody may write, because allowed_users is empty and pairing is off",
      hint: "Add your id to platforms.discord.allowed_users.",
    },
    wechat: {
      status: "problem",
      message: "app_id and app_secret and token missing",
      hint: "Set app_id, app_secret and token in platforms.wechat.",
    },
  });
  const store = await openStore({ path: join(home, "hermes.sqlite"), log: quietLog() });
  for (const [platform, account, userId] of [
    ["telegram", "", "2"],
    ["telegram", "", "3"],
    ["discord", "work", "4"],
  ] as const) {
    await store.pairings.request(
      { platform, account, userId, name: "A", chat: userId, extra: null },
      () => `AAAA222${userId}`,
    );
    await store.pairings.approve(platform, `AAAA222${userId}`, "cli");
  }
  await store.close();
  expect(await lines()).toMatchObject({
    telegram: { message: "has its keys; 3 people may write, 1 of them let in by a code" },
    "discord.work": { status: "ok", message: "has its keys; 1 person may write, let in by a code" },
    "discord.home": { status: "warning" },
  });
});

test("as text: a line for each check, hints below", async () => {
  const { stdout } = await runCommand(["doctor"], { home });
  expect(stdout).toMatch(/^ok {7}sandbox: commands run in (bubblewrap|landlock)$/m);
  expect(stdout).toMatch(/^warning {2}model: .+\n {9}hint: .+$/m);
});

test("a broken configuration is told, and the rest is looked at all the same", async () => {
  configure("mcp: { prot: 3 }");
  const outcome = await doctor();
  expect(outcome.code).toBe(1);
  expect(reportOf(outcome).ok).toBe(false);
  expect(find(outcome, "configuration")).toMatchObject({
    status: "problem",
    message: expect.stringContaining('"port"'),
  });
  expect(find(outcome, "sandbox")?.status).toBe("ok");
  expect(find(outcome, "model")).toBeUndefined(); // what the broken file says of it is not known
});

test("without bwrap: Landlock with its gaps, and how to get bubblewrap", async () => {
  const outcome = await doctor({ PATH: "/nowhere" });
  expect(find(outcome, "sandbox")).toMatchObject({ status: "ok", message: "commands run in landlock" });
  expect(find(outcome, "sandbox gap")?.status).toBe("warning");
  expect(find(outcome, "bubblewrap")).toMatchObject({
    hint: expect.stringContaining("apt-get install bubblewrap"),
  });
});

test("no sandbox that may be used: a problem", async () => {
  configure("tools: { terminal: { sandbox: bubblewrap } }\n");
  const outcome = await doctor({ PATH: "/nowhere" });
  expect(outcome.code).toBe(1);
  expect(find(outcome, "sandbox")).toMatchObject({
    status: "problem",
    message: expect.stringContaining("refused"),
  });
});

test("unsafe and network are warned of", async () => {
  configure("tools: { terminal: { sandbox: bubblewrap, unsafe: true, network: true } }\n");
  const outcome = await doctor({ PATH: "/nowhere" });
  expect(outcome.code).toBe(0);
  expect(find(outcome, "sandbox")?.status).toBe("warning");
  expect(find(outcome, "sandbox network")?.status).toBe("warning");
});

test("files that others can read", async () => {
  rmSync(join(home, "config.yaml"));
  configure("", 0o644);
  chmodSync(home, 0o755);
  expect(find(await doctor(), "home")).toMatchObject({
    status: "warning",
    message: expect.stringContaining("config.yaml"),
  });
});

test("a damaged database", async () => {
  writeFileSync(
    join(home, "hermes.sqlite"),
    "this is no database, but long enough to be taken for one".repeat(100),
  );
  const outcome = await doctor();
  expect(outcome.code).toBe(1);
  expect(find(outcome, "database")).toMatchObject({ status: "problem", hint: expect.any(String) });
});

test("a port that another program has, and one that the running Hermes has", async () => {
  const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  writeFileSync(join(home, "config.yaml"), `api: { port: ${other.port} }\n`, { mode: 0o600 });
  const taken = await doctor();
  other.stop(true);
  expect(taken.code).toBe(1);
  expect(find(taken, "port of api")).toMatchObject({ status: "problem" });
  const hermes = await startHermes({ config: testConfig("http://127.0.0.1:9", "echo") });
  try {
    const { port } = new URL(hermes.service.url);
    const file = join(hermes.home, "other.yaml");
    writeFileSync(file, `api: { port: ${port} }\n`, { mode: 0o600 });
    const outcome = await runCommand(["doctor", "--json", "--config", file], { home: hermes.home });
    expect(outcome.code).toBe(0);
    expect(find(outcome, "port of api")?.status).toBe("ok");
    expect(find(outcome, "database")).toMatchObject({
      status: "ok",
      message: expect.stringContaining("sound"),
    });
  } finally {
    await hermes.remove();
  }
});
