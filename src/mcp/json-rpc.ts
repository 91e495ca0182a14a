/**
 * Codes of JSON-RPC errors: those of JSON-RPC 2.0 §5.1, the first of the range that it leaves to servers, and the one that
 * MCP clients take for a session that is gone.
 */
export const RPC_ERROR = {
  parse: -32700,
  invalidRequest: -32600,
  internal: -32603,
  server: -32000,
  sessionNotFound: -32001,
} as const;

/** An HTTP answer with a JSON-RPC error that answers no request in particular. */
export function rpcRefusal(
  status: number,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status, headers });
}
