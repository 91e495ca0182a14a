import { isDeepStrictEqual } from "node:util";
import type { Variables } from "../../config/home.ts";
import type { LiveConfig } from "../../config/live.ts";
import type { BackoffOptions } from "../../lib/backoff.ts";
import type { Log } from "../../lib/log.ts";
import type { Tool } from "../contract.ts";
import type { ServerEntry } from "./connect.ts";
import { type McpServerStatus, type OutsideServer, startServer } from "./server.ts";

const RETRY: BackoffOptions = { baseMs: 1000, maxMs: 300_000 };

/** The outside MCP servers of `tools.mcp_servers`. */
export interface McpServers {
  /** Connects to them in the background, and follows the configuration from now on. */
  start(): void;
  /** The tools of all of them; the same array as long as nothing has changed. */
  tools(): readonly Tool[];
  /** Calls back when tools have come or gone; returns the way to stop. */
  onChange(listener: () => void): () => void;
  status(): McpServerStatus[];
  /** Resolves once each of them is connected or has failed, which takes `connect_timeout_ms` and a list at most. */
  ready(): Promise<void>;
  /** Ends every connection and every process. Resolves once they are gone. */
  stop(): Promise<void>;
}

export interface McpServersParts {
  config: LiveConfig;
  /** The environment of Hermes; servers see the little of it that programs need. */
  variables: Variables;
  log: Log;
  /** Of Hermes, for the greeting. */
  version: string;
  /** Pauses between attempts to connect. Default: from 1 s up to 5 minutes. */
  retry?: BackoffOptions;
}

/** Makes the client of the outside MCP servers. Nothing is started before `start`. */
export function createMcpServers({
  config,
  variables,
  log,
  version,
  retry = RETRY,
}: McpServersParts): McpServers {
  const running = new Map<string, { server: OutsideServer; entry: ServerEntry }>();
  const leaving = new Set<Promise<void>>();
  const listeners = new Set<() => void>();
  let joined: readonly Tool[] | null = [];
  const changed = () => {
    joined = null;
    for (const listener of listeners) listener();
  };
  let unfollow: (() => void) | null = null;

  const leave = (name: string, server: OutsideServer) => {
    running.delete(name);
    changed();
    const left = server
      .stop()
      .catch((error: unknown) => log.warn("an MCP server could not be ended", { mcp_server: name, error }))
      .finally(() => leaving.delete(left));
    leaving.add(left);
  };
  const follow = () => {
    const wanted = wantedServers(config);
    for (const [name, { server, entry }] of running) {
      const next = wanted.get(name);
      if (!next || !sameConnection(entry, next)) leave(name, server);
    }
    for (const [name, entry] of wanted) {
      const present = running.get(name);
      if (present) {
        present.entry = entry;
        present.server.update(entry);
        continue;
      }
      running.set(name, {
        server: startServer({ name, entry, variables, log, version, retry, onChange: changed }),
        entry,
      });
    }
  };

  return {
    start() {
      if (unfollow) return;
      unfollow = config.onChange(follow);
      follow();
    },
    tools() {
      joined ??= [...running.values()].flatMap(({ server }) => server.tools());
      return joined;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    status: () => [...running.values()].map(({ server }) => server.status()),
    async ready() {
      await Promise.all([...running.values()].map(({ server }) => server.settled()));
    },
    async stop() {
      unfollow?.();
      for (const [name, { server }] of running) leave(name, server);
      await Promise.all(leaving);
    },
  };
}

function wantedServers({ current: { tools } }: LiveConfig): Map<string, ServerEntry> {
  if (!tools.groups.includes("mcp")) return new Map();
  return new Map(Object.entries(tools.mcp_servers).filter(([, entry]) => entry.enabled));
}

/** True when the connection of one entry serves for the other as well. */
function sameConnection(a: ServerEntry, b: ServerEntry): boolean {
  const settings = ({ command, args, env, url, headers, connect_timeout_ms }: ServerEntry) => ({
    command,
    args,
    env,
    url,
    headers,
    connect_timeout_ms,
  });
  return isDeepStrictEqual(settings(a), settings(b));
}
