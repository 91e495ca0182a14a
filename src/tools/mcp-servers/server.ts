import type { CallToolResult } from "@modelcontextprotocol/client";
import type { Variables } from "../../config/home.ts";
import type { BackoffOptions } from "../../lib/backoff.ts";
import type { Log } from "../../lib/log.ts";
import type { Tool, ToolContext, ToolResult } from "../contract.ts";
import { errorResult } from "../result.ts";
import { callOutside } from "./call.ts";
import { type Connection, connect, type ServerEntry } from "./connect.ts";
import type { OutsideDefinition } from "./definition.ts";
import { describeCallFailure, describeConnectFailure } from "./failure.ts";
import { keepConnected } from "./keep-connected.ts";
import { chooseTools, type Listing, listRawTools } from "./listing.ts";
import { toToolResult, untrustedText } from "./result.ts";
import { outsideTool } from "./tool.ts";

/** What `hermes status` and `hermes doctor` say of one outside server. */
export interface McpServerStatus {
  name: string;
  transport: "stdio" | "http";
  state: "connecting" | "ready" | "failed" | "stopped";
  /** Tools that are offered, and how many are not passed on. */
  tools: number;
  leftOut: number;
  /** The revision of MCP that is spoken, while it is ready. */
  protocol?: string;
  /** Why it failed, and when it is tried again, in milliseconds since 1970. */
  reason?: string;
  retryAtMs?: number;
}

export interface OutsideServerParts {
  name: string;
  entry: ServerEntry;
  variables: Variables;
  log: Log;
  version: string;
  retry: BackoffOptions;
  /** The tools or the state are no longer what they were. */
  onChange(): void;
}

export interface OutsideServer {
  /** The same array as long as nothing has changed; kept while the connection is made again. */
  tools(): readonly Tool[];
  status(): McpServerStatus;
  /** Takes over what needs no new connection: the allow-list and the time limit. */
  update(entry: ServerEntry): void;
  /** Resolves once no attempt to connect is under way. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** One outside server, connected in the background, and its tools. */
export function startServer(parts: OutsideServerParts): OutsideServer {
  const { name, onChange } = parts;
  const log = parts.log.with({ mcp_server: name });
  let entry = parts.entry;
  let raw: readonly unknown[] = [];
  let listing: Listing = { offered: new Map(), leftOut: [] };
  let tools: readonly Tool[] = [];
  let legacy = false;

  /** True when what is offered has changed. */
  const offer = (): boolean => {
    const before = listing;
    listing = chooseTools(name, raw, entry.tools);
    if (listing.leftOut.length > 0 && listing.leftOut.join("\n") !== before.leftOut.join("\n"))
      log.warn("tools of an MCP server are left out", { left_out: listing.leftOut });
    if (JSON.stringify([...listing.offered]) === JSON.stringify([...before.offered])) return false;
    tools = [...listing.offered].map(([toolName, definition]) =>
      outsideTool(name, toolName, definition, call),
    );
    onChange();
    return true;
  };
  const list = async ({ client }: Connection, signal: AbortSignal): Promise<boolean> => {
    const timeout = entry.connect_timeout_ms; // for each page, and for all of them
    raw = await listRawTools(client, {
      timeout,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    return offer();
  };

  const open = async (signal: AbortSignal): Promise<Connection> => {
    let connection: Connection | null = null;
    const refresh = createRefresher(async () => {
      if (!connection) return; // it has not been listed for the first time
      try {
        if (await list(connection, signal))
          log.info("the tools of an MCP server have changed", { tools: tools.length });
      } catch (error) {
        if (!signal.aborted) log.warn("the changed tools of an MCP server could not be listed", { error });
      }
    });
    connection = await connect({ ...parts, entry, log, legacy, signal, onToolsChanged: refresh });
    legacy = connection.legacy && entry.command !== undefined; // at an address asking costs little
    try {
      await list(connection, signal);
    } catch (error) {
      await connection.end("its tools could not be listed");
      throw error;
    }
    return connection;
  };
  const describe = (error: unknown) => describeConnectFailure(entry, error);
  const kept = keepConnected({ open, describe, retry: parts.retry, log, onChange });

  const call = async (
    definition: OutsideDefinition,
    input: Record<string, unknown>,
    context: ToolContext,
    isRetry = false,
  ): Promise<ToolResult> => {
    const connection = await kept.usable(context.signal);
    if (typeof connection === "string")
      return errorResult(
        `The MCP server ${name} is not connected: ${connection}. Go on without it, or let the operator look at tools.mcp_servers.`,
      );
    const timeoutMs = entry.timeout_ms;
    let answer: CallToolResult;
    try {
      answer = await callOutside(connection, definition, input, context, timeoutMs);
    } catch (error) {
      context.signal.throwIfAborted();
      const failure = describeCallFailure(name, connection, timeoutMs, error);
      log.warn("a call to an MCP server failed", { tool: definition.name, run: context.runId, error });
      if (failure.lost) await kept.lose(connection, "a call could not be delivered");
      if (failure.forgotten && !isRetry) return call(definition, input, context, true);
      const said = failure.said === undefined ? "" : ` It says:\n${untrustedText(failure.said, name)}`;
      return errorResult(failure.text + said);
    }
    return toToolResult(name, definition, answer);
  };

  return {
    tools: () => tools,
    status: () => ({
      name,
      transport: entry.command === undefined ? "http" : "stdio",
      state: kept.state.kind,
      tools: tools.length,
      leftOut: listing.leftOut.length,
      ...(kept.state.kind === "ready" && { protocol: kept.state.connection.protocol }),
      ...(kept.state.kind === "failed" && { reason: kept.state.reason, retryAtMs: kept.state.retryAtMs }),
    }),
    update(next) {
      entry = next;
      offer();
    },
    settled: kept.settled,
    stop: kept.stop,
  };
}

/** Runs a task when asked, one at a time, and once more when it was asked for meanwhile. */
function createRefresher(task: () => Promise<void>): () => void {
  let wanted = false;
  let busy = false;
  const drain = async () => {
    busy = true;
    while (wanted) {
      wanted = false;
      await task();
    }
    busy = false;
  };
  return () => {
    wanted = true;
    if (!busy) void drain();
  };
}
