import { AppError } from "../../lib/errors.ts";
import type { Admission } from "../admission.ts";
import type { ServedPath } from "../route-table.ts";
import type { Surface } from "../surface.ts";

/** A path without a route, or with other methods, which `headers` then name. */
export function unserved(
  served: ServedPath<unknown> | null,
  surface: Surface,
  request: Request,
  { headers }: Admission,
): AppError {
  const methods = Object.keys(served?.methods ?? {}).flatMap((method) =>
    method === "GET" ? ["GET", "HEAD"] : [method],
  );
  if (methods.length === 0 || methods.includes(request.method)) return nothingHere(surface);
  headers["allow"] = methods.join(", ");
  return new AppError("method_not_allowed", `This address takes ${methods.join(", ")}.`);
}

/** Nothing is served at this address. */
export function nothingHere(surface: Surface): AppError {
  return new AppError("not_found", "There is nothing at this address.", { hint: surface.signpost });
}

/** The header Host names somebody else. */
export function hostRefused(surface: Surface): AppError {
  return new AppError("host_refused", "This name is not served here.", {
    hint: `Use localhost or the address, or add the name to ${surface.kind.key}.allowed_hosts.`,
  });
}

/** The page that calls is of another site. */
export function originRefused(surface: Surface): AppError {
  return new AppError("origin_refused", "Pages of this origin may not call.", {
    hint: `Add the origin to ${surface.kind.key}.allowed_origins.`,
  });
}

/** A page calls where only servers do. */
export function pageRefused(): AppError {
  return new AppError("origin_refused", "Pages may not call here.", {
    hint: "Call it from a server, without the header Origin.",
  });
}

/** A key stands where logs and histories keep it. */
export function credentialInQuery(surface: Surface): AppError {
  return new AppError("bad_request", "A key does not belong into the address.", {
    hint: surface.authentication?.hint() ?? "Leave it out.",
  });
}

/** The address has tried too many wrong keys. */
export function lockedOut(retryAfterMs: number): AppError {
  return new AppError("locked_out", "Too many wrong keys came from this address.", {
    hint: "Wait as long as Retry-After says.",
    retryAfterMs,
  });
}

/** No valid credential came along; `hint` says how to send one. */
export function unauthorized(hint: string): AppError {
  return new AppError("unauthorized", "A valid key is needed.", { hint });
}

/** A call does not prove that it comes from the platform. Says no more: whoever forges it would learn from that. */
export function unproven(): AppError {
  return new AppError("unauthorized", "This call does not prove that it comes from the platform.", {
    hint: "Compare the secret of the webhook with the one that the platform has.",
  });
}

/** Hermes ends before it could answer. */
export function shuttingDown(): AppError {
  return new AppError("shutting_down", "Hermes is stopping.", { hint: "Call again once it is back." });
}

/** The body is longer than the configuration allows. `key` names the section that says so. */
export function bodyTooLarge(maxBytes: number, key: string): AppError {
  return new AppError("body_too_large", `The body is larger than ${maxBytes} bytes.`, {
    hint: `Send less, or raise ${key}.max_body_bytes.`,
  });
}
