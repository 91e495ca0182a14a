import {
  type CallToolResult,
  type Implementation,
  LOG_LEVEL_META_KEY,
  type RequestId,
  SERVER_INFO_META_KEY,
} from "@modelcontextprotocol/server";
import type { AdmittedRequest, Era } from "./contract.ts";
import type { NamedCall } from "./tool-call.ts";

/** The headers by which the SDK judges a call; `Mcp-Param-*` belong to tools of outside servers, which are never called plainly. */
const JUDGED_HEADERS = ["content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name"] as const;
const MAX_SHAPES = 1000;
const MAX_SHAPE_CHARS = 4000;

/** A `tools/call` that wants its result and nothing else: no log, no answer to a question. */
export interface PlainCall {
  id: RequestId;
  params: NamedCall;
  /** All that the SDK judges a call by, which is everything but the id and the arguments. */
  shape: string;
}

/** The shapes of calls that the SDK has let through, so that what it found right once is not judged again. */
export interface AcceptedShapes {
  has(shape: string): boolean;
  add(shape: string): void;
}

export function createAcceptedShapes(): AcceptedShapes {
  const shapes = new Set<string>();
  return {
    has: (shape) => shapes.has(shape),
    add(shape) {
      if (shape.length > MAX_SHAPE_CHARS) return;
      if (shapes.size >= MAX_SHAPES) shapes.clear(); // whatever still comes is judged once more
      shapes.add(shape);
    },
  };
}

/** The call in a request; null for everything that is not a single plain one. */
export function plainCallOf({ request, body }: AdmittedRequest): PlainCall | null {
  if (!isObject(body) || body["method"] !== "tools/call") return null;
  const { id, params, ...message } = body;
  if (!isObject(params) || !isRequestId(id)) return null;
  const { name, arguments: input, _meta, ...others } = params;
  if (typeof name !== "string" || (input !== undefined && !isObject(input))) return null;
  if (Object.keys(others).length > 0 || (isObject(_meta) && LOG_LEVEL_META_KEY in _meta)) return null;
  const headers = JUDGED_HEADERS.map((header) => request.headers.get(header));
  const shape = JSON.stringify([headers, message, name, _meta]);
  return { id, params: { name, arguments: input }, shape };
}

/** The result as the SDK sends it; in a session as JSON, which a server may choose instead of a stream. */
export function plainAnswer(
  id: RequestId,
  result: CallToolResult,
  era: Era,
  { serverInfo, sessionId }: { serverInfo: Implementation; sessionId: string | null },
): Response {
  const encoded =
    era === "legacy"
      ? result
      : { ...result, resultType: "complete", _meta: { [SERVER_INFO_META_KEY]: serverInfo } };
  const headers = {
    "content-type": "application/json",
    ...(era === "legacy" && sessionId !== null && { "mcp-session-id": sessionId }),
  };
  return new Response(JSON.stringify({ result: encoded, jsonrpc: "2.0", id }), { headers });
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === "string" || Number.isSafeInteger(id);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
