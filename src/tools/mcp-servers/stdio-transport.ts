import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { createLineReader } from "../../lib/lines.ts";
import type { Log } from "../../lib/log.ts";
import { deliverInOrder } from "./in-order.ts";
import { type ServerProcess, startProcess } from "./process-group.ts";

/** The longest message that is taken, and the most that waits for a server that does not read. */
const MAX_MESSAGE_BYTES = 16_777_216;
const MAX_STDERR_LINE_BYTES = 1000;
/** Lines of a server that are logged at once, and how many more every second. */
const LOGGED_BURST = 100;
const LOGGED_PER_SECOND = 10;

/** What of Hermes's own environment a server needs to run; never a key of Hermes. */
const INHERITED =
  /^(PATH|HOME|LANG|LC_[A-Z]+|TERM|USER|LOGNAME|SHELL|TMPDIR|TZ|XDG_(CACHE|CONFIG|DATA|RUNTIME)_[A-Z]+)$/;

export interface StdioTransportParts {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** The environment of Hermes. */
  variables: Readonly<Record<string, string | undefined>>;
  log: Log;
  /** Reads one message; throws for what is none. */
  parse(line: string): JSONRPCMessage;
}

/** The transport of a server that is started as a process (MCP, transports, stdio). */
export interface StdioTransport extends Transport {
  /** Absent before the start. With `stderr` it tells the SDK that this is stdio, where silence means an older server. */
  readonly pid: number | null;
  readonly stderr: null;
  /** How the process ended, in words; null while it runs. */
  readonly outcome: string | null;
}

export function createStdioTransport(parts: StdioTransportParts): StdioTransport {
  const { log } = parts;
  const logLine = createLineLog(log);
  let child: ServerProcess | null = null;
  let outcome: string | null = null;

  const deliver = deliverInOrder((message) => transport.onmessage?.(message));
  const receive = (line: string) => {
    if (line.trim() === "") return;
    let message: JSONRPCMessage;
    try {
      message = parts.parse(line);
    } catch {
      logLine("not a message of MCP on its stdout", line); // some servers print their greeting there
      return;
    }
    deliver(message);
  };
  const stop = async () => {
    await child?.stop();
  };

  const transport: StdioTransport = {
    stderr: null,
    get pid() {
      return child?.pid ?? null;
    },
    get outcome() {
      return outcome;
    },
    async start() {
      child = startProcess({
        command: parts.command,
        args: parts.args,
        env: { ...inherited(parts.variables), ...parts.env },
        onStdout: createLineReader({
          maxBytes: MAX_MESSAGE_BYTES,
          onLine: receive,
          onTooLong: () => {
            outcome = `it sent a message of more than ${MAX_MESSAGE_BYTES} bytes`;
            void stop();
          },
        }),
        onStderr: createLineReader({
          maxBytes: MAX_STDERR_LINE_BYTES,
          onLine: (line) => logLine("stderr", line),
          onTooLong: (head) => logLine("stderr", `${head}…`),
        }),
      });
      await child.started;
      void child.ended.then((how) => {
        outcome ??= how;
        transport.onclose?.();
      });
    },
    async send(message) {
      if (!child || outcome !== null || !child.stdin.writable) throw new Error("The server is not running.");
      if (child.stdin.writableLength > MAX_MESSAGE_BYTES) throw new Error("The server does not read.");
      child.stdin.write(`${JSON.stringify(message)}\n`);
    },
    close: stop,
  };
  return transport;
}

function inherited(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      value !== undefined && INHERITED.test(name) ? [[name, value]] : [],
    ),
  );
}

/** Logs what a server writes, up to a rate, and says how much it left out. */
function createLineLog(log: Log): (what: string, line: string) => void {
  let allowance = LOGGED_BURST;
  let lastMs = Date.now();
  let dropped = 0;
  return (what, line) => {
    const nowMs = Date.now();
    allowance = Math.min(LOGGED_BURST, allowance + ((nowMs - lastMs) / 1000) * LOGGED_PER_SECOND);
    lastMs = nowMs;
    if (allowance < 1) {
      dropped += 1;
      return;
    }
    allowance -= 1;
    log.info("an MCP server wrote", { what, line, ...(dropped > 0 && { lines_left_out: dropped }) });
    dropped = 0;
  };
}
