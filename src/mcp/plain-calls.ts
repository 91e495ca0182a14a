import {
  type CallToolResult,
  type Implementation,
  LOG_LEVEL_META_KEY,
  type RequestId,
  SERVER_INFO_META_KEY,
} from "@modelcontextprotocol/server";
import type { AdmittedRequest, Era, McpFeatures } from "./contract.ts";
import type { NamedCall } from "./tool-call.ts";

/** The headers by which the SDK judges a call; `Mcp-Param-*` belong to tools of outside servers, which are never called plainly. */
const JUDGED_HEADERS = ["content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name"] as const;
const MAX_SHAPES = 1000;
const MAX_SHAPE_CHARS = 4000;

/**
 * Calls around the SDK, which costs twice what all else of a small call does. It judges the first call of every shape; one
 * that differs from an accepted call in nothing but the id, the arguments, the progress token and the caller is right as
 * well. Who the caller is, and what it may do, is not a matter of the SDK and is asked of every call.
 */
export interface PlainCalls {
  /** Undefined where the SDK has to look at the call, or the tool may have more to say than its result. */
  answer(admitted: AdmittedRequest, era: Era): Promise<Response> | undefined;
  /** The SDK has accepted the call in this request. */
  accept(request: Request): void;
}

export interface PlainCallParts {
  tools: Pick<McpFeatures["tools"], "callPlainly">;
  /** As the SDK puts it into every result of the modern revision. */
  serverInfo: Implementation;
}

export function createPlainCalls({ tools, serverInfo }: PlainCallParts): PlainCalls {
  const judged = new WeakMap<Request, string>();
  const accepted = new Set<string>();

  return {
    answer(admitted, era) {
      const { request, caller } = admitted;
      const { signal } = request;
      const call = plainCallOf(admitted, era);
      if (call === null || signal.aborted) return undefined;
      const { id, params, shape } = call;
      if (!accepted.has(shape)) {
        judged.set(request, shape);
        return undefined;
      }
      return tools.callPlainly?.(params, caller, era, signal)?.then(
        (result) =>
          era === "modern"
            ? modernAnswer(id, result, serverInfo)
            : sessionAnswer(id, result, request.headers.get("mcp-session-id") ?? ""),
        (error) => {
          if (signal.aborted) return new Response(null, { status: 499 }); // nobody is there to read it
          throw error;
        },
      );
    },
    accept(request) {
      const shape = judged.get(request);
      if (shape === undefined || shape.length > MAX_SHAPE_CHARS) return;
      if (accepted.size >= MAX_SHAPES) accepted.clear(); // whatever still comes is judged once more
      accepted.add(shape);
    },
  };
}

/** A `tools/call` that wants its result and nothing else: no log, no answer to a question. */
interface PlainCall {
  id: RequestId;
  params: NamedCall;
  /** All that the SDK judges a call by, which is everything but the id, the arguments and the progress token. */
  shape: string;
}

function plainCallOf({ request, body }: AdmittedRequest, era: Era): PlainCall | null {
  if (!isObject(body) || body["method"] !== "tools/call") return null;
  const { id, params, ...message } = body;
  if (!isObject(params) || !isRequestId(id)) return null;
  const { name, arguments: input, _meta, ...others } = params;
  if (typeof name !== "string") return null;
  // What is named `__proto__` the SDK takes out.
  if (input !== undefined && (!isObject(input) || Object.hasOwn(input, "__proto__"))) return null;
  if (Object.keys(others).length > 0 || (isObject(_meta) && LOG_LEVEL_META_KEY in _meta)) return null;
  const headers = JUDGED_HEADERS.map((header) => request.headers.get(header));
  // A client counts its tokens on; these tools have no progress to tell.
  const hasToken = isObject(_meta) && isRequestId(_meta["progressToken"]);
  const meta = hasToken ? { ..._meta, progressToken: 0 } : _meta;
  const shape = JSON.stringify([era, headers, message, name, meta]);
  return { id, params: { name, arguments: input }, shape };
}

function modernAnswer(id: RequestId, result: CallToolResult, serverInfo: Implementation): Response {
  const _meta = { [SERVER_INFO_META_KEY]: serverInfo };
  return rpcAnswer(id, { ...result, resultType: "complete", _meta }, {});
}

/** As JSON, which a server may choose over a stream for every request by itself. */
function sessionAnswer(id: RequestId, result: CallToolResult, sessionId: string): Response {
  return rpcAnswer(id, result, { "mcp-session-id": sessionId });
}

function rpcAnswer(id: RequestId, result: object, headers: Record<string, string>): Response {
  const text = JSON.stringify({ result, jsonrpc: "2.0", id });
  return new Response(text, { headers: { "content-type": "application/json", ...headers } });
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === "string" || Number.isSafeInteger(id);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
