import type { Connection, ServerEntry } from "./connect.ts";
import { oneLine } from "./outside-text.ts";

/**
 * Why a server could not be reached or greeted, in words for the operator, and what to do. Nothing that the server said: it
 * could repeat a secret that it was sent.
 */
export function describeConnectFailure(entry: ServerEntry, error: unknown): string {
  const code = codeOf(error);
  if (entry.command !== undefined && (code === "ENOENT" || code === "EACCES"))
    return `its command ${oneLine(entry.command, 200)} ${code === "ENOENT" ? "was not found" : "cannot be run"}`;
  if (isTimeout(error))
    return `it did not greet within ${entry.connect_timeout_ms} ms; raise its connect_timeout_ms if it needs longer`;
  const status = statusOf(error);
  if (status === 401 || status === 403) return `it answered ${status}: check its headers`;
  if (status !== null && status >= 300 && status < 400)
    return `it answered ${status}: it redirects to another place, give that as its url`;
  if (status !== null) return `it answered ${status}: check its url`;
  if (entry.command !== undefined && error instanceof Error) return oneLine(error.message, 200);
  if (/REFUSED|NOTFOUND|RESET|TIMEDOUT|ConnectionRefused|FailedToOpenSocket/i.test(allCodes(error)))
    return "its address could not be reached";
  return "it did not answer as an MCP server does; the debug log has the details";
}

/** What became of a call that got no result. `lost`: the connection is of no use any more. */
export interface CallFailure {
  /** For the model; without what the server said. */
  text: string;
  /** What the server said of it. */
  said?: string;
  lost: boolean;
  /** The server has forgotten the session, and with it never saw the call. */
  forgotten: boolean;
}

export function describeCallFailure(
  server: string,
  connection: Connection,
  timeoutMs: number,
  error: unknown,
): CallFailure {
  const { SdkError, SdkErrorCode, ProtocolError } = connection.sdk;
  const failure = (text: string, more: Partial<CallFailure> = {}) => ({
    text: `The MCP server ${server} ${text}`,
    lost: false,
    forgotten: false,
    ...more,
  });
  if (error instanceof ProtocolError)
    return failure(`refused the call (${error.code}).`, { said: oneLine(error.message, 2000) });
  const status = statusOf(error);
  if (status === 404 && connection.hasSession)
    return failure("was restarted.", { lost: true, forgotten: true });
  if (status === 401 || status === 403)
    return failure(`answered ${status}. The operator has to check its headers in tools.mcp_servers.`);
  if (status !== null) return failure(`answered ${status}. Try again later.`);
  if (error instanceof SdkError) {
    if (error.code === SdkErrorCode.RequestTimeout)
      return failure(
        `did not answer within ${timeoutMs} ms. Ask for less, or let the operator raise its timeout_ms.`,
      );
    if (error.code === SdkErrorCode.UnsupportedResultType)
      return failure("asks somebody for more input, which Hermes does not pass on. Use another tool.");
    if (error.code === SdkErrorCode.InvalidResult) return failure("sent a result that is not one of MCP.");
  }
  return failure("was lost during the call. It may have done its work: look before you call it again.", {
    lost: true,
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || codeOf(error) === "REQUEST_TIMEOUT");
}

/** The HTTP status that the error is about. */
function statusOf(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("data" in error)) return null;
  const { data } = error;
  if (typeof data !== "object" || data === null || !("status" in data)) return null;
  return typeof data.status === "number" ? data.status : null;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function allCodes(error: unknown): string {
  return error instanceof Error ? `${codeOf(error)} ${allCodes(error.cause)}` : "";
}
