import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeSlack, startFakeSlack } from "../fakes/slack/index.ts";
import type { FakeTelegram } from "../fakes/telegram/contract.ts";
import { startFakeTelegram } from "../fakes/telegram/server.ts";
import { startFakeWecomBot } from "../fakes/wecom/bot.ts";
import type { FakeWecomBot } from "../fakes/wecom/bot-contract.ts";
import { type CommandOptions, runCommand, type Scenario, title } from "../support/command.ts";
import { HERMES_COMMAND, type Hermes, makeHome, startHermes } from "../support/hermes.ts";

setDefaultTimeout(60_000);

const CHAT = 501;
const GROUP = -100_777;

let telegram: FakeTelegram;
let home: string;
beforeAll(async () => {
  telegram = await startFakeTelegram();
  telegram.chat(CHAT);
  telegram.chat(GROUP, { isForum: true, openTopics: [7] });
  home = makeHome();
  const account = { bot_token: telegram.token, api_base: telegram.url };
  writeFileSync(join(home, "config.yaml"), JSON.stringify({ platforms: { telegram: account } }), {
    mode: 0o600,
  });
});
afterAll(async () => {
  await telegram[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

const send = (args: readonly string[], options: Partial<CommandOptions> = {}) =>
  runCommand(["send", ...args], { home, ...options });
const texts = (chat = CHAT) => telegram.messages(chat).map(({ text }) => text);

/** What is kept of files that are to be sent. */
const outbox = () => (existsSync(join(home, "outbox")) ? readdirSync(join(home, "outbox")) : []);
const write = (name: string, content: string | Buffer) => {
  const path = join(home, name);
  writeFileSync(path, content);
  return path;
};
const filesIn = (chat = CHAT) =>
  telegram
    .messages(chat)
    .flatMap(({ file }) => file && [[file.kind, file.name, Buffer.from(file.bytes).toString()]]);

const pipe = (name: string) => {
  const path = join(home, name);
  Bun.spawnSync(["mkfifo", path]);
  return path;
};
const large = (name: string, sizeBytes: number) => {
  const path = write(name, "large");
  truncateSync(path, sizeBytes);
  return path;
};
const deliveries = async () =>
  JSON.parse((await runCommand(["deliveries", "list", "--json"], { home })).stdout).deliveries as unknown[];

/** What every way of sending does the same. */
function sendsWhateverItIsGiven(): void {
  test("words, a thread, stdin, Markdown", async () => {
    const { code, stdout } = await send(["--to", `telegram:${CHAT}`, "two", "words"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Sent to telegram:501 as dlv_\w+, message \d+\n$/);
    expect(texts().at(-1)).toBe("two words");

    expect((await send(["--to", `telegram:${GROUP}:7`, "into a topic"])).code).toBe(0);
    expect(telegram.messages(GROUP).at(-1)).toMatchObject({ text: "into a topic", thread: 7 });

    const stdin = "from **stdin**\n";
    for (const args of [[], ["-"]]) {
      expect((await send(["--to", `telegram:${CHAT}`, ...args], { stdin })).code).toBe(0);
      expect(telegram.messages(CHAT).at(-1)).toMatchObject({
        text: "from stdin",
        entities: [{ type: "bold" }],
      });
    }
  });

  test("what is longer than one message", async () => {
    const text = Array.from({ length: 1000 }, (_, n) => `line ${n} 你好`).join("\n");
    const before = texts().length;
    const { code, stdout } = await send(["--to", `telegram:${CHAT}`, "--json", "-"], { stdin: text });
    const sent = JSON.parse(stdout);
    expect([code, sent.status, sent.to]).toEqual([0, "sent", `telegram:${CHAT}`]);
    const messages = telegram.messages(CHAT).slice(before);
    expect(messages.length).toBeGreaterThan(1);
    expect(sent.message_ids).toEqual(messages.map(({ messageId }) => String(messageId)));
    expect(messages.map((one) => one.text).join("\n")).toBe(text);
  });

  test("files, with their names, after a text or without one", async () => {
    const report = write("报告; final 1.txt", "all is well");
    const plot = write("plot.png", Buffer.from("89504e470d0a1a0a", "hex"));
    const to = ["--to", `telegram:${CHAT}`];
    const before = telegram.messages(CHAT).length;
    const { code, stdout } = await send([...to, "two files", "--file", report, "--file", plot]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Sent to telegram:501 as dlv_\w+, message \d+, \d+, \d+\n$/);
    expect(
      telegram
        .messages(CHAT)
        .slice(before)
        .map(({ text }) => text),
    ).toEqual(["two files", "", ""]);
    const sent = [
      ["document", "报告; final 1.txt", "all is well"],
      ["photo", "plot.png", expect.stringContaining("PNG")],
    ];
    expect(filesIn().slice(-2)).toEqual(sent);
    expect((await send([...to, "--file", report], { stdin: "not asked for" })).code).toBe(0);
    expect(telegram.messages(CHAT).at(-1)).toMatchObject({ text: "", caption: null });
    expect(filesIn().at(-1)).toEqual(sent[0]);
    expect((await send([...to, "-", "--file", report], { stdin: "asked for" })).code).toBe(0);
    expect(telegram.messages(CHAT).at(-2)?.text).toBe("asked for");
    expect(outbox()).toEqual([]);
  });

  test("what the platform refuses: its reason, and 1", async () => {
    const { code, stdout, stderr } = await send(["--to", "telegram:99", "to nobody"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: It cannot be sent: .*chat not found.*\nhint: .+$/m);
    const listed = await runCommand(["deliveries", "list", "--status", "dead", "--json"], { home });
    expect(JSON.parse(listed.stdout).deliveries[0]).toMatchObject({ to: "telegram:99", text: "to nobody" });
  });
}

describe("without a gateway it sends by itself", () => {
  sendsWhateverItIsGiven();

  test("and fetches nothing that people wrote meanwhile", async () => {
    telegram.write("hello?", { from: { id: CHAT, first_name: "Ann" } });
    expect((await send(["--to", `telegram:${CHAT}`, "good bye"])).code).toBe(0);
    expect(telegram.pending.length).toBe(1);
    expect(telegram.calls("getUpdates")).toEqual([]);
  });
});

describe("with a gateway that one sends", () => {
  let hermes: Hermes;
  beforeAll(async () => {
    hermes = await startHermes({ home, args: ["gateway"], ready: /"message":"connected as .+\n/ });
  });
  afterAll(() => hermes.remove());
  sendsWhateverItIsGiven();

  test("a file that was refused can be tried again, without the original and without the text again", async () => {
    const path = write("refused.txt", "second thoughts");
    telegram.fail("sendDocument", { errorCode: 400, description: "Bad Request: no files here", times: 1 });
    const { code, stdout, stderr } = await send(["--to", `telegram:${CHAT}`, "once", "--file", path]);
    rmSync(path);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      /^error: It cannot be sent: .*no files here.*\nhint: `hermes deliveries retry dlv_/m,
    );
    const [id = "", ...others] = outbox();
    expect([stderr, others]).toEqual([expect.stringContaining(id), []]);
    const shown = await runCommand(["deliveries", "show", id], { home });
    expect(shown.stdout).toContain("files: refused.txt (15 bytes)\n");
    expect((await runCommand(["deliveries", "retry", id], { home })).code).toBe(0);
    await telegram.until(
      "the file",
      () => telegram.messages(CHAT).at(-1)?.file?.name === "refused.txt",
      30_000,
    );
    expect(filesIn().at(-1)).toEqual(["document", "refused.txt", "second thoughts"]);
    expect(texts().filter((text) => text === "once")).toHaveLength(1);
    while (outbox().length > 0) await Bun.sleep(5);
  });

  test("a try that fails is made again", async () => {
    telegram.fail("sendMessage", { errorCode: 502, description: "Bad Gateway", times: 1 });
    const { code } = await send(["--to", `telegram:${CHAT}`, "at the second try"]);
    expect([code, texts().at(-1)]).toEqual([0, "at the second try"]);
  });
});

describe("a bot that has one connection only", () => {
  let wecom: FakeWecomBot;
  let home: string;
  beforeAll(() => {
    wecom = startFakeWecomBot();
    home = makeHome();
    const account = { bot_id: wecom.botId, bot_secret: wecom.secret, api_base: wecom.url };
    writeFileSync(join(home, "config.yaml"), JSON.stringify({ platforms: { wecom: account } }), {
      mode: 0o600,
    });
  });
  afterAll(async () => {
    await wecom[Symbol.asyncDispose]();
    rmSync(home, { recursive: true });
  });

  test("is connected by no hermes send; the gateway sends what it left", async () => {
    const { code, stdout, stderr } = await send(["--to", "wecom:ZhangSan", "hello"], { home });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .*wecom has one connection only, .*\nhint: .*where the gateway runs/m);
    expect(wecom.opened).toBe(0);
    const hermes = await startHermes({ home, args: ["gateway"], ready: /"message":"connected as .+\n/ });
    await wecom.until(() => wecom.messages("ZhangSan").some(({ text }) => text === "hello"), "it is sent");
    expect((await send(["--to", "wecom:ZhangSan", "again"], { home })).code).toBe(0);
    await hermes.remove();
  });
});

/** A `hermes send` that has begun a call of Telegram's. */
async function sendUntil(method: Parameters<typeof telegram.calls>[0], args: readonly string[]) {
  const before = telegram.calls(method).length;
  const child = Bun.spawn([...HERMES_COMMAND, "send", "--to", `telegram:${CHAT}`, ...args], {
    env: { PATH: process.env["PATH"] ?? "", HOME: home, HERMES_HOME: home },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  await telegram.until("a try", () => telegram.calls(method).length > before, 30_000);
  return child;
}

test("a message that was interrupted is kept for the next gateway, which sends it", async () => {
  telegram.fail("sendMessage", { hang: true });
  const child = await sendUntil("sendMessage", ["later"]);
  child.kill("SIGINT");
  const [code, stderr] = await Promise.all([child.exited, child.stderr.text()]);
  expect([code, stderr]).toEqual([130, expect.stringMatching(/It stays in the outbox as dlv_\w+\.\n$/)]);
  const hermes = await startHermes({ home, args: ["gateway"], ready: /"message":"connected as .+\n/ });
  await telegram.until("the message", () => texts().at(-1) === "later", 30_000);
  await hermes.remove();
});

test("the files of a message that was interrupted are kept, for nobody else to read, and sent without the original", async () => {
  telegram.fail("sendDocument", { hang: true });
  const path = write("later.txt", "kept");
  const child = await sendUntil("sendDocument", ["--file", path]);
  child.kill("SIGKILL");
  await child.exited;
  rmSync(path);
  const [id = ""] = outbox();
  const kept = join(home, "outbox", id);
  const modes = [join(home, "outbox"), kept, join(kept, "0")].map((one) => statSync(one).mode & 0o777);
  expect(modes).toEqual([0o700, 0o700, 0o600]);
  const hermes = await startHermes({ home, args: ["gateway"], ready: /"message":"connected as .+\n/ });
  await telegram.until("the file", () => telegram.messages(CHAT).at(-1)?.file?.name === "later.txt", 30_000);
  while (outbox().length > 0) await Bun.sleep(5);
  await hermes.remove();
});

describe("an account that cannot work", () => {
  /** Less than `hermes send` waits for one that can. */
  const SOON_MS = 25_000;
  let other: string;
  let slack: FakeSlack;
  beforeAll(() => {
    other = makeHome();
    slack = startFakeSlack();
    const platforms = {
      telegram: { bot_token: "1:wrong", api_base: telegram.url },
      slack: { bot_token: slack.botToken, api_base: slack.apiBase },
    };
    const config = {
      platforms,
      api: { port: 0, auth: { token: "a-token-for-tests-only" } },
      mcp: { enabled: false },
    };
    writeFileSync(join(other, "config.yaml"), JSON.stringify(config), { mode: 0o600 });
  });
  afterAll(async () => {
    await slack[Symbol.asyncDispose]();
    rmSync(other, { recursive: true });
  });

  /** The reason comes at once, and the message stays in the outbox. */
  async function isToldAtOnce(): Promise<void> {
    const { code, stdout, stderr } = await send(["--to", "telegram:1", "in vain"], { home: other });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: It is not sent yet: Telegram .*token.*\nhint: .+ stays in the outbox /m);
    expect(stderr).not.toContain("1:wrong");
    const listed = await runCommand(["deliveries", "list", "--platform", "telegram", "--json"], {
      home: other,
    });
    expect(JSON.parse(listed.stdout).deliveries[0]).toMatchObject({ status: "due", text: "in vain" });
  }

  async function isSentWithoutTheKeyToReceive(): Promise<void> {
    const { code, stderr } = await send(["--to", "slack:C0GENERAL", "without app_token"], { home: other });
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
    expect(slack.messages("C0GENERAL").at(-1)?.text).toBe("without app_token");
  }

  test("is told at once, without a gateway", isToldAtOnce, SOON_MS);
  test("for lack of a key to receive sends all the same", isSentWithoutTheKeyToReceive, SOON_MS);

  describe("while another process has it", () => {
    let hermes: Hermes;
    beforeAll(async () => {
      hermes = await startHermes({ home: other, args: ["serve"] });
      while (hermes.service.output().split("it cannot be connected").length < 3) await Bun.sleep(20);
    });
    afterAll(() => hermes.remove());

    test("is told at once", isToldAtOnce, SOON_MS);
    test("for lack of a key to receive sends all the same", isSentWithoutTheKeyToReceive, SOON_MS);
  });
});

describe("what cannot be sent", () => {
  const scenarios: (Scenario & { stderr: RegExp })[] = [
    { args: ["send", "hello"], code: 2, stderr: /required option '--to <address>' not specified/ },
    {
      args: ["send", "--to", "telegram:1"],
      stdin: " \n",
      code: 2,
      stderr: /^error: There is nothing to send\.\nhint: /,
    },
    { args: ["send", "--to", "telegram", "a"], code: 2, stderr: /an address such as telegram:123456789/ },
    { args: ["send", "--to", "telegram:", "a"], code: 2, stderr: /an address such as telegram:123456789/ },
    { args: ["send", "--to", "telegrm:1", "a"], code: 2, stderr: /Did you mean telegram\?/ },
    {
      args: ["send", "--to", "slack:C1", "a"],
      code: 78,
      stderr: /^error: slack is not configured\.\nhint: .*SLACK_BOT_TOKEN/,
    },
    {
      args: ["send", "--to", "telegram.work:1", "a"],
      code: 78,
      stderr: /^error: telegram\.work is not configured/,
    },
  ];
  const files: [what: string, path: () => string, stderr: RegExp][] = [
    [
      "that is not there",
      () => join(home, "nothing.txt"),
      /^error: There is no file .*nothing\.txt\.\nhint: Nothing was sent\./,
    ],
    ["that is a directory", () => home, /^error: .* is no regular file\.\n/],
    ["that is a pipe", () => pipe("pipe"), /^error: .*pipe is no regular file\.\n/],
    [
      "that is empty",
      () => write("empty.txt", ""),
      /^error: empty\.txt is empty\.\nhint: Nothing was sent\.\n$/,
    ],
    [
      "that is too large",
      () => large("large.bin", 50 * 1024 * 1024 + 1),
      /^error: large\.bin has 52428801 bytes; Telegram takes up to 50 MB\.\nhint: Nothing was sent\.\n$/,
    ],
  ];
  for (const [what, path, stderr] of files)
    test(`a file ${what}, also beside one that could`, async () => {
      const before = [telegram.messages(CHAT).length, (await deliveries()).length, outbox().length];
      const fine = ["--to", `telegram:${CHAT}`, "text", "--file", write("fine.txt", "fine")];
      const outcome = await send([...fine, "--file", path()]);
      expect(outcome).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(stderr) });
      expect([telegram.messages(CHAT).length, (await deliveries()).length, outbox().length]).toEqual(before);
    });

  test("more than 10 files", async () => {
    const many = Array.from({ length: 11 }, () => ["--file", write("fine.txt", "fine")]).flat();
    const { code, stderr } = await send(["--to", `telegram:${CHAT}`, ...many]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("10 files are the most")]);
  });

  for (const scenario of scenarios)
    test(title(scenario), async () => {
      const { code, stdout, stderr } = await runCommand(scenario.args, { home, ...scenario });
      expect({ code, stdout }).toEqual({ code: scenario.code, stdout: "" });
      expect(stderr).toMatch(scenario.stderr);
    });

  test("to one of several accounts without its name", async () => {
    const other = makeHome();
    const accounts = ["work", "home"].map((name) => ({ name, bot_token: `${name}-token` }));
    writeFileSync(join(other, "config.yaml"), JSON.stringify({ platforms: { telegram: { accounts } } }), {
      mode: 0o600,
    });
    const { code, stderr } = await runCommand(["send", "--to", "telegram:1", "a"], { home: other });
    expect([code, stderr]).toEqual([
      2,
      "error: telegram has several accounts.\nhint: Name one: telegram.work, telegram.home.\n",
    ]);
    rmSync(other, { recursive: true });
  });
});
