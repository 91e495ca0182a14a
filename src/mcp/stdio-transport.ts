import type { Readable, Writable } from "node:stream";
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type RequestId,
  type Transport,
} from "@modelcontextprotocol/server";
import { parseJson } from "../lib/json.ts";
import { createLineReader } from "../lib/lines.ts";
import { RPC_ERROR } from "./json-rpc.ts";

/** Once the input has ended, what was asked before may still be answered for so long. */
const LAST_ANSWERS_MS = 250;

export interface StdioTransportParts {
  input: Readable;
  output: Writable;
  /** A longer line is refused, and is never held in memory. */
  maxLineBytes: number;
}

/** A transport that knows how its connection ends. */
export interface StdioTransport extends Transport {
  /** Resolves once the connection is over: the input has ended, the output has failed, or it was closed. */
  readonly ended: Promise<void>;
}

/**
 * JSON-RPC over lines (the stdio transport of MCP). What is no message is answered with an error instead of being dropped or
 * ending the connection, so that whoever wrote it learns of it. Writes nothing but whole messages.
 */
export function createStdioTransport({ input, output, maxLineBytes }: StdioTransportParts): StdioTransport {
  const pending = new Set<RequestId>();
  const over = Promise.withResolvers<void>();
  let closed = false;
  let inputEnded = false;

  const refuse = (code: number, message: string) => {
    write({ jsonrpc: "2.0", id: null, error: { code, message } });
  };
  const write = (message: object): boolean => closed || output.write(`${JSON.stringify(message)}\n`);
  const readLine = (line: string) => {
    if (line.trim() === "" || closed) return;
    const message = readMessage(line);
    if (typeof message === "string")
      return refuse(message === NOT_JSON ? RPC_ERROR.parse : RPC_ERROR.invalidRequest, message);
    if (isJSONRPCRequest(message)) pending.add(message.id);
    else if ("method" in message && message.method === "notifications/cancelled")
      settle(message.params?.["requestId"] as RequestId | undefined);
    transport.onmessage?.(message);
  };
  const read = createLineReader({
    maxBytes: maxLineBytes,
    onLine: readLine,
    onTooLong: () => refuse(RPC_ERROR.parse, `The line is longer than ${maxLineBytes} bytes.`),
  });
  const settle = (id: RequestId | undefined) => {
    if (id !== undefined) pending.delete(id);
    if (inputEnded && pending.size === 0) setImmediate(close);
  };
  const onEnd = () => {
    inputEnded = true;
    if (pending.size === 0) close();
    else setTimeout(close, LAST_ANSWERS_MS);
  };
  const onError = (error: Error) => {
    transport.onerror?.(error);
    close();
  };
  const close = () => {
    if (closed) return;
    closed = true;
    input.off("data", read).off("end", onEnd).off("error", onError).pause();
    transport.onclose?.();
    over.resolve();
  };

  const transport: StdioTransport = {
    ended: over.promise,
    async start() {
      input.on("data", read).on("end", onEnd).on("error", onError);
      output.on("error", onError);
    },
    async send(message: JSONRPCMessage) {
      const hasRoom = write(message);
      if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) settle(message.id);
      if (!hasRoom) await new Promise<void>((resolve) => output.once("drain", resolve));
    },
    async close() {
      close();
    },
  };
  return transport;
}

const NOT_JSON = "The line is not JSON, or is nested too deeply.";
const NO_MESSAGE = "The line is not a JSON-RPC message.";

/** The message of a line, or what is wrong with it. Batches went out of the protocol with revision 2025-06-18. */
function readMessage(line: string): JSONRPCMessage | typeof NOT_JSON | typeof NO_MESSAGE {
  let message: unknown;
  try {
    message = parseJson(Buffer.from(line));
  } catch {
    return NOT_JSON;
  }
  return isMessage(message) ? message : NO_MESSAGE;
}

function isMessage(value: unknown): value is JSONRPCMessage {
  if (isJSONRPCRequest(value) || isJSONRPCNotification(value)) return true;
  return isJSONRPCResultResponse(value) || isJSONRPCErrorResponse(value);
}
