import type { AppError } from "../lib/errors.ts";
import type { Admission } from "./admission.ts";

const JSON_TYPE = "application/json";
const PROBLEM_TYPE = "application/problem+json";
/** When a 503 says nothing else. */
const DEFAULT_RETRY_MS = 2000;

/** A JSON answer with the headers of the admission. */
export function json(admission: Admission, body: unknown, status = 200): Response {
  admission.headers["content-type"] = JSON_TYPE;
  return new Response(JSON.stringify(body), { status, headers: admission.headers });
}

/** An answer without a body. */
export function noContent(admission: Admission): Response {
  return new Response(null, { status: 204, headers: admission.headers });
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
  const { headers, requestId } = admission;
  headers["content-type"] = PROBLEM_TYPE;
  const retryAfterMs = error.retryAfterMs ?? (error.status === 503 ? DEFAULT_RETRY_MS : undefined);
  if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  const document = {
    type: `urn:hermes:problem:${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...members,
    request_id: requestId,
  };
  return new Response(JSON.stringify(document), { status: error.status, headers });
}
