import type { AppError, ErrorCode } from "../lib/errors.ts";
import { RPC_ERROR } from "../mcp/json-rpc.ts";
import type { Admission } from "./admission.ts";

/** What every answer of the API carries. */
const ALWAYS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
/** Ready-made, because copying a `Headers` costs half of building one. */
const JSON_HEADERS = new Headers({ ...ALWAYS, "content-type": "application/json" });
const PROBLEM_HEADERS = new Headers({ ...ALWAYS, "content-type": "application/problem+json" });
const PLAIN_HEADERS = new Headers(ALWAYS);

/** When a 503 says nothing else. */
const DEFAULT_RETRY_MS = 2000;

/** A JSON answer with the headers of the admission. */
export function json(admission: Admission, body: unknown, status = 200): Response {
  return stamped(admission, new Response(JSON.stringify(body), { status, headers: JSON_HEADERS }));
}

/** An answer without a body. */
export function noContent(admission: Admission): Response {
  return stamped(admission, new Response(null, { status: 204, headers: PLAIN_HEADERS }));
}

/** An answer of another kind. */
export function content(
  admission: Admission,
  body: string | Blob | ReadableStream<Uint8Array> | null,
  headers: Record<string, string>,
  status = 200,
): Response {
  return stamped(admission, new Response(body, { status, headers: { ...ALWAYS, ...headers } }));
}

/**
 * An error as a problem document (RFC 9457). `members` are further members of the document, such as `run_id`. Only the
 * message and the hint of the error are shown.
 */
export function problem(
  admission: Admission,
  error: AppError,
  members: Record<string, unknown> = {},
): Response {
  const document = {
    type: `urn:hermes:problem:${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...members,
    request_id: admission.requestId,
  };
  return refused(admission, error, document, PROBLEM_HEADERS);
}

/** Anything else is `RPC_ERROR.server`. */
const RPC_CODES: Partial<Record<ErrorCode, number>> = {
  malformed_json: RPC_ERROR.parse,
  invalid_request: RPC_ERROR.invalidRequest,
  internal: RPC_ERROR.internal,
};

/** An error as a JSON-RPC response, with the HTTP status that says the same. `id` is that of the request, where it could be read. */
export function rpcError(admission: Admission, error: AppError, id: string | number | null = null): Response {
  const { code, message, hint } = error;
  const data = { code, ...(hint === undefined ? {} : { hint }), request_id: admission.requestId };
  const text = hint === undefined ? message : `${message} ${hint}`;
  const document = {
    jsonrpc: "2.0",
    id,
    error: { code: RPC_CODES[code] ?? RPC_ERROR.server, message: text, data },
  };
  return refused(admission, error, document, JSON_HEADERS);
}

/** An error in the form that its route promises. */
export function refusal(
  admission: Admission,
  error: AppError,
  members: Record<string, unknown> = {},
): Response {
  return admission.route?.errors === "json-rpc"
    ? rpcError(admission, error)
    : problem(admission, error, members);
}

function refused(admission: Admission, error: AppError, document: unknown, headers: Headers): Response {
  const answer = new Response(JSON.stringify(document), { status: error.status, headers });
  const retryAfterMs = error.retryAfterMs ?? (error.status === 503 ? DEFAULT_RETRY_MS : undefined);
  if (retryAfterMs !== undefined)
    answer.headers.set("retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  return stamped(admission, answer);
}

/** Adds to an answer what the admission says that every answer gets. */
export function stamped({ requestId, headers }: Admission, answer: Response): Response {
  answer.headers.set("x-request-id", requestId);
  for (const name in headers) answer.headers.set(name, headers[name] ?? "");
  return answer;
}
