import type { Readable, Writable } from "node:stream";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { LiveConfig } from "../config/live.ts";
import type { Log } from "../lib/log.ts";
import type { Caller } from "../tools/contract.ts";
import type { ListKind, McpFeatures } from "./contract.ts";
import { sendListChanged } from "./list-changed.ts";
import { createServerFactory } from "./server.ts";
import { createStdioTransport } from "./stdio-transport.ts";

export interface StdioParts {
  features: McpFeatures;
  config: LiveConfig;
  /** Who is at the other end, asked at every request. */
  caller(): Caller;
  /** Of Hermes, as clients are told. */
  version: string;
  input: Readable;
  output: Writable;
  /** Ends the connection. */
  signal: AbortSignal;
  log: Log;
}

/** Serves the one client at the other end of the pipe. Resolves once the connection is over and its calls are cancelled. */
export async function serveMcpStdio(parts: StdioParts): Promise<void> {
  const { features, config, caller, input, output, signal, log } = parts;
  const transport = createStdioTransport({
    input,
    output,
    maxLineBytes: config.current.mcp.max_body_bytes,
  });
  const newServer = createServerFactory({ ...parts, originOf: () => ({ caller: caller(), keyId: "stdio" }) });
  let notify: (list: ListKind) => void = () => undefined;
  const connection = serveStdio(
    ({ era }) => {
      const { server } = newServer(era);
      notify = (list) => sendListChanged(server, list, log);
      return server;
    },
    { transport, onerror: (error) => log.debug("mcp", { error }) },
  );
  const stopListening = features.onChange((list) => notify(list));
  const stop = () => void connection.close();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  await transport.ended;
  signal.removeEventListener("abort", stop);
  stopListening();
}
