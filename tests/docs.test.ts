import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { ERROR_CODES } from "../src/lib/errors.ts";
import { runCommand } from "./support/command.ts";
import {
  HERMES_COMMAND,
  type Hermes,
  makeHome,
  type Service,
  startFakeLlm,
  startHermes,
  testConfig,
} from "./support/hermes.ts";
import { bothLanguages, inChinese, isSlackManifest, type Page, page, pages, ROOT } from "./support/pages.ts";

const EXAMPLE_TIMEOUT_MS = 60_000;

const TRANSLATED = [
  "README.md",
  "docs/configuration.md",
  "docs/dingtalk.md",
  "docs/discord.md",
  "docs/feishu.md",
  "docs/gateway.md",
  "docs/mcp.md",
  "docs/rest-api.md",
  "docs/reverse-proxy.md",
  "docs/sandbox.md",
  "docs/slack.md",
  "docs/telegram.md",
  "docs/webhook-signatures.md",
  "docs/webhooks.md",
  "docs/wechat.md",
  "docs/wecom.md",
];

/** The headings by their level, and how many lines each table and list has: what a translation keeps. */
function outline({ prose }: Page) {
  return prose.flatMap((line) => /^(#+|\||- |\d+\. )/.exec(line)?.[1] ?? []);
}

/** The text with every quoted string that is Chinese put back into the one that it translates. */
function untranslated(chinese: string, english: string): string {
  const quoted = /("(?:[^"\\\n]|\\.)*")/;
  const originals = english.split(quoted);
  return chinese
    .split(quoted)
    .map((part, i) => (i % 2 === 1 && /\p{Script=Han}/u.test(part) ? originals[i] : part))
    .join("");
}

describe("two languages", () => {
  for (const path of TRANSLATED)
    test(`${path} has the same outline and the same code in Chinese`, () => {
      const [english, chinese] = bothLanguages(path);
      expect(outline(chinese)).toEqual(outline(english));
      expect(
        chinese.blocks.map(({ language, code }, i) => ({
          language,
          code: untranslated(code, english.blocks[i]?.code ?? ""),
        })),
      ).toEqual(english.blocks);
    });

  test("no other page has a translation that nobody compares", () => {
    const chinese = pages.map(({ path }) => path).filter((path) => path.includes(".zh-CN."));
    expect(chinese.sort()).toEqual(TRANSLATED.map(inChinese).sort());
  });
});

/** What a link to a heading is called, as GitHub makes it. */
function anchorsOf({ prose }: Page): string[] {
  const headings = prose.flatMap((line) => /^#+ (.+)$/.exec(line)?.[1] ?? []);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

test("every link within the repository leads to a file, and to a heading of it where it names one", () => {
  const links = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, target = "", anchor]) => ({
      path,
      target: target === "" ? path : join(dirname(path), target),
      anchor,
    })),
  );
  expect(links.filter(({ anchor }) => anchor !== undefined).length).toBeGreaterThan(10);
  const leadsNowhere = ({ target, anchor }: (typeof links)[number]) =>
    !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(page(target)).includes(anchor));
  expect(links.filter(leadsNowhere)).toEqual([]);
});

describe("commands", () => {
  let home: string;
  beforeAll(() => {
    home = makeHome();
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  interface Help {
    commands: string[];
    flags: string[];
    /** Those of the flags that the next word belongs to. */
    valued: string[];
  }
  const known = new Map<string, Promise<Help>>();

  /** What `--help` of a command lists. */
  function helpOf(path: string[]): Promise<Help> {
    const name = path.join(" ");
    const help = known.get(name) ?? askHelp(path);
    known.set(name, help);
    return help;
  }
  async function askHelp(path: string[]): Promise<Help> {
    const { stdout } = await runCommand([...path, "--help"], { home });
    const list = /^Commands:\n((?: .*\n)+)/m.exec(stdout)?.[1] ?? "";
    return {
      commands: [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1] ?? ""),
      flags: [...stdout.matchAll(/--[a-z][a-z-]*/g)].map((match) => match[0]),
      valued: [...stdout.matchAll(/(--[a-z][a-z-]*) [<[]/g)].map((match) => match[1] ?? ""),
    };
  }

  /** What is wrong with a command line, or null. Words behind the last command are its arguments. */
  async function wrongIn(line: string): Promise<string | null> {
    const path: string[] = [];
    const words = line.split(/\s+/).slice(1);
    for (const [i, word] of words.entries()) {
      const { commands, flags, valued } = await helpOf(path);
      if (word.startsWith("--") && !flags.includes(word)) return `${line}: no ${word}`;
      if (word.startsWith("-") || valued.includes(words[i - 1] ?? "") || commands.length === 0) continue;
      if (!commands.includes(word)) return `${line}: no ${word}`;
      path.push(word);
    }
    return null;
  }

  /** Command lines in code; a cell of a table that begins with one goes on with the last words of others. */
  function linesOf({ prose, blocks }: Page): string[] {
    const spans = prose
      .flatMap((line) => line.split("|"))
      .flatMap((cell) => {
        const [first = "", ...others] = [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
        const group = cell.trimStart().startsWith("`hermes ") ? first.split(" ").slice(0, -1).join(" ") : "";
        const isWord = (text: string) => group !== "" && /^[a-z]+$/.test(text);
        return [first, ...others.map((text) => (isWord(text) ? `${group} ${text}` : text))];
      });
    const shell = blocks.filter(({ language }) => language === "sh").flatMap(({ code }) => code.split("\n"));
    return [...spans, ...shell]
      .map((text) => text.replace(/^dist\/hermes\b/, "hermes"))
      .filter((text) => /^hermes [a-z-]/.test(text));
  }

  test("every command and flag of the pages exists", async () => {
    const lines = [...new Set(pages.flatMap(linesOf))];
    expect(lines).toContain("hermes sessions search");
    const wrong: string[] = [];
    for (const line of lines) wrong.push(...([await wrongIn(line)].filter(Boolean) as string[]));
    expect(wrong).toEqual([]);
  }, 60_000);

  test("the README lists every command", async () => {
    const { commands } = await helpOf([]);
    const { text } = page("README.md");
    expect(commands.length).toBeGreaterThan(8);
    expect(commands.filter((name) => !text.includes(`| \`hermes ${name}`))).toEqual([]);
  });
});

describe("every YAML of the pages is a valid configuration", () => {
  /** By its text, so that what both languages share is checked once. */
  const samples = new Map(
    pages.flatMap(({ path, blocks }) =>
      blocks
        .filter(({ language, code }) => language === "yaml" && !isSlackManifest(code))
        .map(({ code }) => [code, path] as const),
    ),
  );
  expect(samples.size).toBeGreaterThan(20);

  /** Something of the form that the variable has. */
  const sampleFor = (name: string) =>
    name.endsWith("PUBLIC_KEY") ? "0123456789abcdef".repeat(4) : `a-value-of-${name}`;

  for (const [code, path] of samples)
    test(`${path}: ${code.slice(0, 60).replaceAll(/\s+/g, " ")}`, async () => {
      const home = makeHome();
      try {
        writeFileSync(join(home, "secret"), "a-secret\n", { mode: 0o600 });
        const config = code.replace(/file:\/[\w/.-]+/g, `file:${join(home, "secret")}`);
        writeFileSync(join(home, "config.yaml"), config, { mode: 0o600 });
        const variables = [...code.matchAll(/\$\{(\w+)/g)].map(([, name = ""]) => [name, sampleFor(name)]);
        const { code: exit, stderr } = await runCommand(["config", "check"], {
          home,
          env: Object.fromEntries(variables),
        });
        expect({ config, exit, stderr: exit === 0 ? "" : stderr }).toEqual({ config, exit: 0, stderr: "" });
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    }, 30_000);
});

describe("docs/rest-api.md", () => {
  /** What only the command line and the rooms below the API know. */
  const NEVER_ANSWERED = [
    "network_refused",
    "network_failed",
    "network_timeout",
    "page_unreadable",
    "address_in_use",
    "usage",
  ];

  for (const { path, prose, blocks } of bothLanguages("docs/rest-api.md")) {
    test(`${path} lists every error with its status`, () => {
      const listed = prose.flatMap((line) => {
        const [, status, code] = /^\| (\d{3}) \| `(\w+)` \|/.exec(line) ?? [];
        return code === undefined ? [] : [[code, Number(status)] as const];
      });
      const answered = Object.entries(ERROR_CODES)
        .filter(([code]) => !NEVER_ANSWERED.includes(code))
        .map(([code, [status]]) => [code, status] as const);
      expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(answered));
      expect(listed.length).toBe(answered.length);
    });

    test(`${path} has only JSON that is JSON`, () => {
      const samples = blocks.filter(({ language }) => language === "json");
      expect(samples.length).toBeGreaterThan(2);
      for (const { code } of samples) expect(() => JSON.parse(code)).not.toThrow();
    });
  }
});

describe("examples (curl, and python3 with requests)", () => {
  let fake: Service;
  beforeAll(async () => {
    fake = await startFakeLlm();
  }, EXAMPLE_TIMEOUT_MS);
  afterAll(() => fake.kill());

  /** Fails where curl would only print an error, and ends every answer with a line of its own. */
  const SHELL = `set -e; curl() { command curl -sS --fail-with-body "$@"; echo; }\n`;

  const SERVED = {
    api: { args: ["api"], address: "http://127.0.0.1:18791", key: "api-token" },
    mcp: { args: ["mcp", "--transport", "http"], address: "http://127.0.0.1:18790", key: "mcp-key" },
  };

  /** Runs the examples of a page in their order, as printed but for the address and the token, and gives what they print. */
  async function runExamples(
    { blocks }: Page,
    surface: keyof typeof SERVED,
  ): Promise<{ code: string; exit: number; output: string }[]> {
    const user = makeHome();
    const home = join(user, ".hermes");
    mkdirSync(home, { mode: 0o700 });
    const { model, providers } = testConfig(fake.url, "hello");
    const { args, address, key } = SERVED[surface];
    const hermes = await startHermes({ home, args, config: { model, providers, [surface]: { port: 0 } } });
    try {
      const token = readFileSync(join(home, key), "utf8").trim();
      const results = [];
      let before = ""; // variables that an earlier block has set
      for (const { language, code } of blocks) {
        if (!["sh", "python"].includes(language) || code.includes("scripts/start")) continue;
        const script = code
          .replaceAll(address, hermes.service.url)
          .replace(/^dist\/hermes\b/gm, HERMES_COMMAND.map((word) => `'${word}'`).join(" "))
          .replace(/YOUR_TOKEN|your-secure-api-token/g, token);
        const command =
          language === "sh" ? ["bash", "-c", SHELL + before + script] : ["python3", "-c", script];
        const child = Bun.spawn(command, {
          cwd: user,
          env: { PATH: process.env["PATH"] ?? "", HOME: user, HERMES_API_TOKEN: token },
          stdin: "ignore",
          stdout: "pipe",
          stderr: "pipe",
        });
        const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
        results.push({ code, exit: await child.exited, output: stdout + stderr });
        if (language === "sh") before += `${/^[A-Z]+=.*$/m.exec(script)?.[0] ?? ""}\n`;
      }
      return results;
    } finally {
      await hermes.remove();
      rmSync(user, { recursive: true, force: true });
    }
  }

  for (const one of ["README.md", "docs/rest-api.md"].flatMap(bothLanguages))
    test(
      one.path,
      async () => {
        const results = await runExamples(one, "api");
        expect(results.length).toBeGreaterThan(3);
        expect(results.filter(({ exit }) => exit !== 0)).toEqual([]);
        const greeting = one.path.includes("zh-CN") ? "我是 Hermes 自带的假模型" : "I am the fake model";
        for (const { code, output } of results)
          if (/"(Hello|你好)"/.test(code) && !code.includes("-i \\"))
            expect({ code, output }).toEqual({ code, output: expect.stringContaining(greeting) });
      },
      EXAMPLE_TIMEOUT_MS,
    );

  for (const one of bothLanguages("docs/mcp.md"))
    test(
      one.path,
      async () => {
        const results = await runExamples(one, "mcp");
        expect(results).toEqual([
          {
            code: expect.any(String),
            exit: 0,
            output: expect.stringMatching(/"name":"memory_read"[\s\S]*"city"[\s\S]*"ok"/),
          },
        ]);
      },
      EXAMPLE_TIMEOUT_MS,
    );
});

describe("docs/mcp.md", () => {
  const KEY = "a-long-random-key";
  let hermes: Hermes;
  beforeAll(async () => {
    const config = { mcp: { auth: { api_keys: [KEY] } } };
    hermes = await startHermes({ config, args: ["mcp", "--transport", "http", "--port", "0"] });
  }, EXAMPLE_TIMEOUT_MS);
  afterAll(() => hermes.remove());

  interface Entry {
    command?: string;
    args?: string[];
    env?: Record<string, string>;
    url?: string;
    headers?: Record<string, string>;
  }

  /** What a client finds that is configured with an entry as it is printed, but for the port and the key behind a variable. */
  async function toolsBy({ command, args = [], env = {}, url, headers = {} }: Entry): Promise<string[]> {
    const client = new Client({ name: "docs", version: "1" }, { versionNegotiation: { mode: "auto" } });
    if (url !== undefined) {
      const address = url.replace("http://127.0.0.1:18790", hermes.service.url);
      const requestInit = { headers };
      await client.connect(new StreamableHTTPClientTransport(new URL(address), { requestInit }));
    } else {
      expect(command).toBe("hermes");
      const [program = "", ...first] = HERMES_COMMAND;
      const { home } = hermes;
      const variables = { PATH: process.env["PATH"] ?? "", HOME: home, HERMES_HOME: home, ...env };
      const options = {
        command: program,
        args: [...first, ...args],
        env: variables,
        stderr: "ignore" as const,
      };
      await client.connect(new StdioClientTransport(options));
    }
    try {
      return (await client.listTools()).tools.map(({ name }) => name);
    } finally {
      await client.close();
    }
  }

  /** Variables as clients write them: `${NAME}`, `${env:NAME}`, `${input:name}`. */
  const filledIn = (code: string) => code.replace(/\$\{[\w:-]+\}/g, KEY);

  for (const { path, blocks } of bothLanguages("docs/mcp.md")) {
    const entries = blocks
      .filter(({ language }) => language === "json")
      .map(
        ({ code }) => JSON.parse(filledIn(code)) as Record<"mcpServers" | "servers", Record<string, Entry>>,
      )
      .flatMap(({ mcpServers, servers }) => Object.values(mcpServers ?? servers));

    test(
      `${path}: every client's configuration leads to the tools`,
      async () => {
        expect(entries.filter(({ command }) => command !== undefined).length).toBeGreaterThan(1);
        expect(entries.filter(({ url }) => url !== undefined).length).toBeGreaterThan(4);
        for (const entry of entries)
          expect({ entry, tools: await toolsBy(entry) }).toEqual({
            entry,
            tools: expect.arrayContaining(["terminal_run"]),
          });
      },
      EXAMPLE_TIMEOUT_MS,
    );

    test(
      `${path}: so do the command lines of Claude Code`,
      async () => {
        const lines = blocks
          .flatMap(({ code }) => code.split("\n"))
          .filter((line) => line.startsWith("claude mcp add"));
        const found = lines.map((line): Entry => {
          const [, command, args = ""] = / -- (\S+) (.+)$/.exec(line) ?? [];
          if (command !== undefined) return { command, args: args.split(" ") };
          const [, url = "", name = "", value = ""] =
            /hermes (http\S+) --header "([^:]+): ([^"]+)"$/.exec(line) ?? [];
          return { url, headers: { [name]: value } };
        });
        expect(found.length).toBe(2);
        for (const entry of found) expect(await toolsBy(entry)).toContain("terminal_run");
      },
      EXAMPLE_TIMEOUT_MS,
    );
  }

  test("a key that is not configured leads nowhere", async () => {
    const url = "http://127.0.0.1:18790/mcp";
    await expect(toolsBy({ url, headers: { Authorization: "Bearer another-key" } })).rejects.toThrow();
  });
});
