import type { Client, Transport } from "@modelcontextprotocol/client";
import type { Variables } from "../../config/home.ts";
import type { Config } from "../../config/schema.ts";
import type { Log } from "../../lib/log.ts";
import { orAborted, within } from "../../lib/waiting.ts";
import { createHttpTransport } from "./http-transport.ts";
import { createStdioTransport } from "./stdio-transport.ts";

/** The package of the client, which is loaded with the first server. */
type McpSdk = typeof import("@modelcontextprotocol/client");

/** An entry of `tools.mcp_servers`. */
export type ServerEntry = Config["tools"]["mcp_servers"][string];

export interface ConnectParts {
  entry: ServerEntry;
  variables: Variables;
  log: Log;
  version: string;
  /** Greet as before 2026-07-28 without asking first; for a server that was found to be of that time. */
  legacy: boolean;
  /** Ends the attempt. */
  signal: AbortSignal;
  /** The server says that its list of tools has changed. */
  onToolsChanged(): void;
}

/** A server that has been greeted. */
export interface Connection {
  client: Client;
  sdk: McpSdk;
  /** True for a server of a revision before 2026-07-28. */
  legacy: boolean;
  /** The revision of the protocol that is spoken. */
  protocol: string;
  /** True when the server keeps a session, which it may forget. */
  hasSession: boolean;
  /** Resolves once the connection can no longer be used: why, in words. */
  ended: Promise<string>;
  /** Ends it for this reason. */
  end(reason: string): Promise<void>;
}

/** The process ended before it was greeted; the message says how. */
class EndedEarly extends Error {}

/**
 * Starts or reaches a server and greets it, in whichever era of the protocol it speaks. Rejects with what the transport or
 * the SDK raise, with a `TimeoutError` after `connect_timeout_ms`, and with the reason of `signal`; nothing is left running.
 */
export async function connect(parts: ConnectParts): Promise<Connection> {
  const sdk = await import("@modelcontextprotocol/client");
  const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(parts.entry.connect_timeout_ms)]);
  try {
    return await greet(sdk, parts, signal);
  } catch (error) {
    signal.throwIfAborted();
    // Some older servers end at a request that they do not know: they are started anew and greeted in the old way.
    if (parts.legacy || !(error instanceof EndedEarly)) throw error;
    return await greet(sdk, { ...parts, legacy: true }, signal);
  }
}

interface Channel {
  transport: Transport;
  /** How the process of the server ended; null while it runs, and for a server at an address. */
  outcome(): string | null;
  /** Tells a server that keeps a session that it may forget it; takes a second at most. */
  leave(): Promise<void>;
}

const LEAVE_MS = 1000;

async function greet(sdk: McpSdk, parts: ConnectParts, signal: AbortSignal): Promise<Connection> {
  const { entry } = parts;
  const ended = Promise.withResolvers<string>();
  const { transport, outcome, leave } = openChannel(sdk, parts, (why) => void end(why));
  const client = createClient(sdk, parts);
  const end = async (why: string) => {
    ended.resolve(why);
    await leave();
    await client.close();
    await transport.close(); // the client forgets a transport whose greeting failed
  };
  client.onclose = () => ended.resolve(outcome() ?? "it closed the connection");
  try {
    const prior = parts.legacy ? { prior: { kind: "legacy" as const } } : {};
    const connecting = client.connect(transport, { timeout: entry.connect_timeout_ms, signal, ...prior });
    await orAborted(connecting, signal);
  } catch (error) {
    const how = outcome();
    await end("it could not be greeted");
    throw how === null ? error : new EndedEarly(how, { cause: error });
  }
  void client.autoOpenedSubscription?.closed.then((how) => {
    if (how !== "local") void end("it ended the subscription to its changes");
  });
  return {
    client,
    sdk,
    legacy: client.getProtocolEra() === "legacy",
    protocol: client.getNegotiatedProtocolVersion() ?? "unknown",
    hasSession: transport.sessionId !== undefined,
    ended: ended.promise,
    end,
  };
}

function openChannel(sdk: McpSdk, parts: ConnectParts, onBroken: (reason: string) => void): Channel {
  const { command, args, env, url, headers } = parts.entry;
  if (command !== undefined) {
    const { variables, log } = parts;
    const transport = createStdioTransport({
      command,
      args,
      env,
      variables,
      log,
      parse: sdk.deserializeMessage,
    });
    return { transport, outcome: () => transport.outcome, leave: async () => undefined };
  }
  const options = { url: url ?? "", headers, onBroken };
  const transport = createHttpTransport(sdk.StreamableHTTPClientTransport, options);
  return {
    transport,
    outcome: () => null,
    async leave() {
      const told = transport.terminateSession(); // what goes wrong with it is in the debug log
      await within(
        told.catch(() => undefined),
        LEAVE_MS,
      );
    },
  };
}

function createClient(sdk: McpSdk, { entry, version, log, onToolsChanged }: ConnectParts): Client {
  // A process that is silent at an unknown request is an older one; there must be time left to greet it as such.
  const probe =
    entry.command === undefined ? {} : { probe: { timeoutMs: Math.ceil(entry.connect_timeout_ms / 2) } };
  const client = new sdk.Client(
    { name: "hermes", version },
    {
      capabilities: {}, // no elicitation, no sampling, no roots: a server that asks for them is refused
      inputRequired: { autoFulfill: false },
      versionNegotiation: { mode: "auto", ...probe },
      listChanged: { tools: { autoRefresh: false, onChanged: onToolsChanged } },
    },
  );
  client.onerror = (error) => log.debug("a message of an MCP server could not be used", { error });
  return client;
}
