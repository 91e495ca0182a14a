import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { createRedactor } from "../../src/config/redact.ts";
import type { Config } from "../../src/config/schema.ts";
import { createLog } from "../../src/lib/log.ts";
import type { Caller, ToolContext, ToolResult } from "../../src/tools/contract.ts";
import { createMcpServers, type McpServers } from "../../src/tools/mcp-servers/servers.ts";
import { createToolRegistry, type ToolRegistry } from "../../src/tools/registry.ts";
import { liveConfigOf } from "./agent.ts";

export const OWNER: Caller = { door: "api", principal: "owner", scopes: ["admin"] };

const FAKES = join(import.meta.dir, "../fakes");

/** An entry for a fake of `tests/fakes`, run by Bun. */
export const fakeServer = (file: string, ...args: string[]) => ({
  command: process.execPath,
  args: [join(FAKES, file), ...args],
});

/** The client of outside MCP servers with a configuration of its own, as an app has it. */
export interface McpBench extends AsyncDisposable {
  servers: McpServers;
  registry: ToolRegistry;
  lines: string[];
  /** Resolves with the log line once one matches, counted from now on or from the beginning. */
  logged(pattern: RegExp, from?: number): Promise<string>;
  /** Puts these servers into the configuration in force. */
  configure(entries: Record<string, object>, groups?: string[]): void;
  call(name: string, args?: unknown, more?: Partial<ToolContext>): Promise<ToolResult>;
  names(): string[];
}

/** Starts the client with these entries of `tools.mcp_servers`; resolves once each is connected or has failed. */
export async function openMcpBench(
  entries: Record<string, object>,
  retry = { baseMs: 1, maxMs: 2 },
): Promise<McpBench> {
  const home = mkdtempSync(join(tmpdir(), "hermes-mcp-"));
  const load = (mcp_servers: object, groups?: string[]): Config => {
    writeFileSync(join(home, "config.yaml"), JSON.stringify({ tools: { mcp_servers, groups } }), {
      mode: 0o600,
    });
    return loadConfig({ home, env: {} }).config;
  };
  const config = liveConfigOf(load(entries));
  const redactor = createRedactor(config.current);
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const log = createLog({
    level: "debug",
    format: "text",
    redact: redactor.redact,
    write: (line) => {
      lines.push(line);
      for (const watch of watchers) watch();
    },
  });
  const servers = createMcpServers({
    config,
    variables: process.env,
    log,
    version: "0.0.0",
    retry,
  });
  servers.start();
  await servers.ready();
  const registry = createToolRegistry({
    tools: servers.tools,
    enabledGroups: () => config.current.tools.groups,
    approvals: { tools: () => config.current.tools, terminalDefault: () => "ask" },
    log,
  });
  return {
    servers,
    registry,
    lines,
    logged(pattern, from = 0) {
      const found = Promise.withResolvers<string>();
      const watch = () => {
        const line = lines.slice(from).find((one) => pattern.test(one));
        if (line === undefined) return;
        watchers.delete(watch);
        found.resolve(line);
      };
      watchers.add(watch);
      watch();
      return found.promise;
    },
    configure(next, groups) {
      config.change((current) => Object.assign(current, load(next, groups)));
      redactor.follow(config.current);
    },
    call: (name, args = {}, more = {}) =>
      registry.call(name, args, { caller: OWNER, signal: new AbortController().signal, ...more }),
    names: () => registry.list(OWNER).map((tool) => tool.name),
    async [Symbol.asyncDispose]() {
      await servers.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** True while the process runs; one that nobody has collected yet does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Resolves once none of the processes runs, which takes a signal a moment. */
export async function allGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await new Promise((resolve) => setImmediate(resolve));
}
