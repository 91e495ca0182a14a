import { randomUUID } from "node:crypto";

const SAFE = /^[A-Za-z0-9._-]{1,64}$/;

/** The client's own `X-Request-Id` when it is harmless in logs and headers, otherwise a new one. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get("x-request-id");
  return given !== null && SAFE.test(given) ? given : randomUUID();
}
