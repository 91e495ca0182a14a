import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { StdioClientTransport as LegacyStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { runCommand } from "../support/command.ts";
import { HERMES_COMMAND, makeHome } from "../support/hermes.ts";
import { CLIENT_KINDS, type ClientKind, createClient, textOf } from "../support/mcp.ts";

const [PROGRAM = "", ...ARGS] = HERMES_COMMAND;
const PARAMS = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
const HELLO = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params: PARAMS });
const LIST = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });

let home: string;
beforeAll(() => {
  home = makeHome();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function environment(extra: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: home, HERMES_HOME: home, ...extra };
}

async function connectStdio(kind: ClientKind, env: Record<string, string> = {}) {
  const client = createClient(kind);
  const Transport = kind === "sdk v1" ? LegacyStdio : StdioClientTransport;
  const options = {
    command: PROGRAM,
    args: [...ARGS, "mcp"],
    env: environment(env),
    stderr: "ignore" as const,
  };
  await client.connect(new Transport(options) as never);
  return client;
}

/** Starts `hermes mcp` and greets it; the answer is still to be read. */
function startStdio() {
  const child = Bun.spawn([...HERMES_COMMAND, "mcp"], {
    env: environment(),
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  child.stdin.write(`${HELLO}\n`);
  child.stdin.flush();
  return child;
}

/** Every line of the output, which must each be one JSON-RPC message. */
function messages(
  stdout: string,
): { id?: unknown; result?: Record<string, unknown>; error?: { code: number } }[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const message = JSON.parse(line);
      expect(message.jsonrpc).toBe("2.0");
      return message;
    });
}

describe("hermes mcp", () => {
  for (const kind of CLIENT_KINDS)
    test(`serves ${kind}`, async () => {
      await using client = await connectStdio(kind);
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain("terminal_run");
      const written = await client.callTool({ name: "memory_write", arguments: { key: kind, value: 1 } });
      expect(written.isError ?? false).toBe(false);
      const read = await client.callTool({ name: "memory_read", arguments: { key: kind } });
      expect(read.structuredContent).toMatchObject({ key: kind, value: 1, source: "mcp-stdio" });
    });

  test("writes nothing but messages, whatever comes in", async () => {
    const bad = ["{", "[]", "null", "7", '"text"', "\u0000", "{}", '{"jsonrpc":"1.0"}', "[".repeat(100_000)];
    const tooLong = `{"a":"${"x".repeat(5_000_000)}"}`;
    const stdin = [...bad, HELLO, tooLong, ...bad, LIST, ""].join("\n");
    const { code, stdout } = await runCommand(["mcp"], { home, stdin });
    const all = messages(stdout);
    expect(code).toBe(0);
    expect(all.filter(({ error }) => error).length).toBe(2 * bad.length + 1);
    expect(all.find(({ id }) => id === 0)?.result?.["serverInfo"]).toMatchObject({ name: "hermes" });
    expect(JSON.stringify(all.find(({ id }) => id === 1))).toContain("memory_read");
  });

  test("ends when its input does, with what still runs", async () => {
    const child = startStdio();
    const reader = child.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"id":0');
    child.stdin.end();
    expect(await child.exited).toBe(0);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const)
    test(`ends at ${signal}`, async () => {
      const child = startStdio();
      await child.stdout.getReader().read();
      child.kill(signal);
      expect(await child.exited).toBe(0);
    });

  test("two of them share what they remember", async () => {
    await using one = await connectStdio("sdk v1");
    await using other = await connectStdio("sdk v2 modern");
    const writes = Array.from({ length: 20 }, (_, i) =>
      (i % 2 ? one : other).callTool({ name: "memory_write", arguments: { key: `shared ${i}`, value: i } }),
    );
    await Promise.all(writes);
    for (let i = 0; i < 20; i++) {
      const read = await (i % 2 ? other : one).callTool({
        name: "memory_read",
        arguments: { key: `shared ${i}` },
      });
      expect(textOf(read)).toContain(`"value":${i}`);
    }
  });
});

describe("HERMES_API_KEY", () => {
  const keyed = () => {
    const keyedHome = makeHome();
    const auth = {
      api_keys: ["the-owner-key-0123456789abcdef0123456789abcdef"],
      keys: [{ name: "reader", token: "the-reader-key-0123456789abcdef0123456789abcdef", scopes: ["read"] }],
    };
    writeFileSync(join(keyedHome, "config.yaml"), JSON.stringify({ mcp: { auth } }), { mode: 0o600 });
    return { home: keyedHome, [Symbol.dispose]: () => rmSync(keyedHome, { recursive: true, force: true }) };
  };
  const stdin = `${HELLO}\n${LIST}\n`;

  test("must be one of the configured keys", async () => {
    using place = keyed();
    const env = { HERMES_API_KEY: "not-the-owner-key" };
    const { code, stdout, stderr } = await runCommand(["mcp"], { home: place.home, env, stdin });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).not.toContain("the-owner-key");
  });

  test("says what to do when no key is configured at all", async () => {
    const { code, stdout, stderr } = await runCommand(["mcp"], { home, env: { HERMES_API_KEY: "x" }, stdin });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: HERMES_API_KEY is set, but no MCP key is configured\. .+\n$/);
  });

  const rights: [name: string, env: Record<string, string>, tool: string, listed: boolean][] = [
    [
      "the owner's key has every tool",
      { HERMES_API_KEY: "the-owner-key-0123456789abcdef0123456789abcdef" },
      "terminal_run",
      true,
    ],
    [
      "a narrower key has its own tools",
      { HERMES_API_KEY: "the-reader-key-0123456789abcdef0123456789abcdef" },
      "memory_read",
      true,
    ],
    [
      "and no others",
      { HERMES_API_KEY: "the-reader-key-0123456789abcdef0123456789abcdef" },
      "terminal_run",
      false,
    ],
    ["without one it is the owner", {}, "terminal_run", true],
  ];
  for (const [name, env, tool, listed] of rights)
    test(name, async () => {
      using place = keyed();
      const { code, stdout } = await runCommand(["mcp"], { home: place.home, env, stdin });
      const list = JSON.stringify(messages(stdout).find(({ id }) => id === 1));
      expect([code, list.includes(`"name":"${tool}"`)]).toEqual([0, listed]);
    });
});

describe("hermes mcp tools", () => {
  test("--json prints what tools/list says", async () => {
    const { code, stdout } = await runCommand(["mcp", "tools", "--json"], { home });
    const served = await runCommand(["mcp"], { home, stdin: `${HELLO}\n${LIST}\n` });
    const line = served.stdout.split("\n").find((text) => text.includes('"tools":[')) ?? "";
    expect(code).toBe(0);
    expect(line).toContain(stdout.trim().slice(1, -1));
  });

  test("a port without HTTP is a mistake", async () => {
    const { code, stderr } = await runCommand(["mcp", "--port", "1"], { home });
    expect(code).toBe(2);
    expect(stderr).toContain("--transport http");
  });
});
