import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../support/command.ts";
import {
  HERMES_COMMAND,
  makeHome,
  type Service,
  startFakeLlm,
  startHermes,
  testConfig,
} from "../support/hermes.ts";

setDefaultTimeout(60_000);
const TERMINAL = join(import.meta.dir, "../support/terminal.py");

let fake: Service;
let home: string;
beforeAll(async () => {
  fake = await startFakeLlm();
  home = homeWith("echo");
});
afterAll(async () => {
  await fake.kill();
  for (const made of homes) rmSync(made, { recursive: true, force: true });
});

const homes: string[] = [];
function homeWith(model: string): string {
  const made = makeHome();
  homes.push(made);
  writeFileSync(join(made, "config.yaml"), JSON.stringify(testConfig(fake.url, model)), { mode: 0o600 });
  return made;
}

/** Runs `hermes chat` on a terminal; see the script for the steps. */
async function onTerminal(steps: string[], options: { home?: string; args?: string[]; env?: object } = {}) {
  const used = options.home ?? home;
  const child = Bun.spawn(
    ["python3", TERMINAL, ...steps, "--", ...HERMES_COMMAND, "chat", ...(options.args ?? [])],
    {
      cwd: used,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: used,
        HERMES_HOME: used,
        TERM: "xterm",
        LANG: "C.UTF-8",
        PYTHONIOENCODING: "utf-8",
        ...options.env,
      },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(stderr).toBe("");
  const [, screen = "", code = ""] = /^([\s\S]*)\nexit (-?\d+)\n$/.exec(stdout) ?? [];
  return { screen, code: Number(code) };
}

/** `hermes chat` in session `s`, as a process that can be watched and ended. */
function startChat(home: string, message: string) {
  return Bun.spawn([...HERMES_COMMAND, "chat", "--session", "s", message], {
    env: { PATH: process.env["PATH"] ?? "", HOME: home, HERMES_HOME: home },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

describe("one message", () => {
  test("for a session of another owner: refused, and why", async () => {
    const { code, stderr } = await runCommand(["chat", "--session", "api:owner/trip", "hello"], { home });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "error: The session api:owner/trip is not one of this terminal.\n" +
        "hint: Here the sessions whose key begins with cli:owner/ go on; `hermes sessions show` prints the others.\n",
    });
  });

  test("as an argument: the answer alone is on stdout", async () => {
    const answer = await runCommand(["chat", "say", "it", "back"], { home });
    expect(answer).toEqual({ code: 0, stdout: "say it back\n", stderr: "" });
  });

  test("on stdin: all of it is one message, Chinese included", async () => {
    const answer = await runCommand(["chat"], { home, stdin: "第一行\n第二行 🙂\n" });
    expect(answer).toEqual({ code: 0, stdout: "第一行\n第二行 🙂\n", stderr: "" });
  });

  test("--session goes on with a conversation, by its id and by its key", async () => {
    expect((await runCommand(["chat", "--session", "trip", "one"], { home })).code).toBe(0);
    expect((await runCommand(["chat", "--session", "cli:owner/trip", "two"], { home })).code).toBe(0);
    const { stdout } = await runCommand(["sessions", "show", "cli:owner/trip", "--json"], { home });
    const texts = JSON.parse(stdout).items.map((item: { parts: [{ text: string }] }) => item.parts[0].text);
    expect(texts).toEqual(["one", "one", "two", "two"]);
  });

  test("--session of nobody's form is refused", async () => {
    const { code, stdout, stderr } = await runCommand(["chat", "--session", "a/b", "x"], { home });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toStartWith("error: This is not a session id.\nhint: ");
  });

  test("a tool is named on stderr, the answer is on stdout", async () => {
    const message = 'call memory_write {"key": "a", "value": "b"}\nsay done';
    const { code, stdout, stderr } = await runCommand(["chat", "--model", "fake/script", message], { home });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "done\n" });
    expect(stderr).toBe("[memory_write]\n");
  });

  test("a model that fails: its error, and nothing on stdout", async () => {
    const { code, stdout, stderr } = await runCommand(["chat", "--model", "fake/401", "hi"], { home });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .+\n(hint: .+\n)?$/);
  });

  test("Ctrl-C cancels: 130, and the run is cancelled", async () => {
    const used = homeWith("slow-500");
    const child = startChat(used, "go");
    let talk = "";
    const decoder = new TextDecoder();
    for await (const part of child.stderr) {
      talk += decoder.decode(part);
      if (talk.includes("...")) child.kill("SIGINT"); // the progress line: the run has begun
    }
    expect(await child.exited).toBe(130);
    expect(await child.stdout.text()).toBe("");
    expect(talk).not.toContain("error");
  });
});

describe("a busy session", () => {
  test("waits for the answer that another process gives, and says so", async () => {
    const used = homeWith("slow-200");
    const first = startChat(used, "first");
    await first.stderr.getReader().read(); // its progress line
    const second = await runCommand(["chat", "--session", "s", "--model", "fake/echo", "second"], {
      home: used,
    });
    expect(await first.exited).toBe(0);
    expect(second).toEqual({
      code: 0,
      stdout: "second\n",
      stderr: "waiting for another answer of this session ...\n",
    });
  });

  test("whose process was killed: the answer that it owed is given first, then this one", async () => {
    const used = homeWith("text-100-every-10");
    const first = startChat(used, "owed");
    await first.stderr.getReader().read(); // its progress line: the run has begun
    first.kill("SIGKILL");
    await first.exited;
    const second = await runCommand(["chat", "--session", "s", "--model", "fake/echo", "second"], {
      home: used,
    });
    expect(second).toMatchObject({ code: 0, stdout: "second\n" });
    const { stdout } = await runCommand(["sessions", "show", "cli:owner/s", "--json"], { home: used });
    const roles = JSON.parse(stdout).items.map((item: { role: string }) => item.role);
    expect(roles).toEqual(["user", "user", "assistant", "assistant"]);
  });

  test("shares the database with a running service", async () => {
    const hermes = await startHermes({ config: testConfig(fake.url, "echo") });
    try {
      expect((await runCommand(["chat", "beside"], { home: hermes.home })).stdout).toBe("beside\n");
      const sessions = await runCommand(["sessions", "search", "beside"], { home: hermes.home });
      expect(sessions.stdout).toContain("cli:owner/");
    } finally {
      await hermes.remove();
    }
  });
});

describe("a conversation on a terminal", () => {
  test("answers line by line, in Chinese too, and Ctrl-D leaves with 0", async () => {
    const { screen, code } = await onTerminal([
      "> =>hello there\\n",
      "hello there\r\n",
      "> =>/session\\n",
      "ses_",
      "> =>/nope\\n",
      "no command /nope",
      "> =>\\x04",
    ]);
    expect(code).toBe(0);
    expect(screen).toContain("Hermes, model fake/echo");
    expect(screen).toContain("hello there\r\r\nhello there\r\n");
    expect(screen).toContain("To go on: hermes chat --session ses_");
    const chinese = await onTerminal([`> =>${escaped("你好，世界")}\\n`, "你好，世界\r\n", "> =>/exit\\n"]);
    expect(chinese.code).toBe(0);
  });

  test("Ctrl-C stops an answer, and at the prompt it leaves with 130", async () => {
    const { screen, code } = await onTerminal(["> =>go\\n", "word1=>\\x03", "(stopped)", "> =>\\x03"], {
      args: ["--model", "fake/slow-300"],
    });
    expect(screen).not.toContain("unmet");
    expect(code).toBe(130);
  });

  test("an error ends the answer, not the conversation", async () => {
    const { screen, code } = await onTerminal(["> =>hi\\n", "error: ", "> =>/exit\\n"], {
      args: ["--model", "fake/401"],
    });
    expect(screen).not.toContain("unmet");
    expect(code).toBe(0);
  });

  test("tools are dim, NO_COLOR takes all colours away", async () => {
    const steps = ['> =>call memory_search {"query": "x"}\\n', "[memory_search]", "> =>/exit\\n"];
    const args = ["--model", "fake/script"];
    expect((await onTerminal(steps, { args })).screen).toContain("\u001b[2m[memory_search]");
    const plain = await onTerminal(steps, { args, env: { NO_COLOR: "1" } });
    expect(plain.screen).toContain("[memory_search]");
    expect(plain.screen).not.toContain("\u001b[2m");
    expect(plain.screen).not.toContain("\u001b[36m");
  });

  test("control characters of an answer do not reach the terminal", async () => {
    const { screen } = await onTerminal(["evil\r\n"], { args: ["\u001b]52;c;aGFjaw==\u0007evil"] });
    expect(screen).toContain("]52;c;aGFjaw==evil");
    expect(screen).not.toContain("\u001b]52");
  });
});

/** Bytes outside ASCII as the script's escapes. */
function escaped(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16)}`).join("");
}

describe("a call that needs an approval", () => {
  const skill = { name: "greet", description: "Says hello.", instructions: "Say hello." };
  const message = `call skill_save ${JSON.stringify(skill)}`;
  const saved = (used: string) => existsSync(join(used, "skills/greet/SKILL.md"));

  test("without a terminal: denied, and the model is told", async () => {
    const used = homeWith("script");
    const { code, stdout } = await runCommand(["chat"], { home: used, stdin: message });
    expect([code, saved(used)]).toEqual([0, false]);
    expect(stdout).toContain("nobody can be asked");
  });

  for (const [answer, isSaved] of [
    ["y\\n", true],
    ["yes\\n", true],
    ["n\\n", false],
    ["\\n", false],
    ["yesterday\\n", false],
  ] as const)
    test(`in a conversation: the question, its details, and ${answer} as the answer`, async () => {
      const used = homeWith("script");
      const { screen, code } = await onTerminal(
        [`> =>${message}\\n`, "greet", `[y/N] =>${answer}`, "> =>/exit\\n"],
        { home: used },
      );
      expect([code, saved(used)]).toEqual([0, isSaved]);
      expect(screen).not.toContain("unmet");
    });

  test("for one message at a terminal, and Ctrl-C at the question cancels", async () => {
    const used = homeWith("script");
    const agreed = await onTerminal(["[y/N] =>y\\n", "answered"], { home: used, args: [message] });
    expect([agreed.code, saved(used)]).toEqual([0, true]);
    const second = homeWith("script");
    const left = await onTerminal(["[y/N] =>\\x03"], { home: second, args: [message] });
    expect([left.code, saved(second)]).toEqual([130, false]);
  });
});
