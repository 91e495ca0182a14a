import type { BunRequest, Server } from "bun";
import type { LiveConfig } from "../../config/live.ts";
import { AppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Scope } from "../../tools/contract.ts";
import type { Admission } from "../admission.ts";
import { noContent, problem } from "../answers.ts";
import type { Key, Keyring } from "../keys.ts";
import type { Method, RouteTable } from "../routes.ts";
import { clientAddress } from "./client-address.ts";
import { bearerToken, hasQueryCredential } from "./credentials.ts";
import { createDoorkeeper } from "./hosts.ts";
import type { Lockout, RateLimit } from "./limits.ts";
import { requestIdOf } from "./request-id.ts";

/** A refused request with more body than this to come loses its connection: reading it would be work for nobody. */
const MAX_UNREAD_BYTES = 65_536;
const PREFLIGHT_MAX_AGE_S = 600;
const JSON_CONTENT = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;
/** What a page of an allowed origin may read besides the body. */
const EXPOSED_HEADERS = "location, ratelimit, ratelimit-policy, retry-after, x-request-id, x-run-id";
const PREFLIGHT_HEADERS = "authorization, content-type, idempotency-key, last-event-id, prefer, x-request-id";

export interface GuardParts {
  config: LiveConfig;
  keys: Keyring;
  routes: RouteTable;
  rateLimit: RateLimit;
  lockout: Lockout;
  log: Log;
  socket: () => Server<unknown> | null;
}

/** What the guard decided: the admission always, and the answer when the request goes no further. */
export interface Decision {
  admission: Admission;
  refusal: Response | undefined;
}

/**
 * The one gate in front of every route. It denies by default, and decides on headers alone, before a byte of the body
 * is read. What it compares is the path as the router matched it: a path in any other spelling was matched by nobody and
 * is therefore 401 without a key and 404 with one.
 */
export function createGuard(parts: GuardParts): (request: Request) => Decision {
  const { config, routes, log } = parts;
  const doorkeeper = createDoorkeeper(config);

  return (request) => {
    const admission = newAdmission(request);
    try {
      return { admission, refusal: admit(request, admission) };
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      log.debug("request refused", { request_id: admission.requestId, code: thrown.code });
      if (hasUnreadBody(request)) admission.headers["connection"] = "close";
      return { admission, refusal: problem(admission, thrown) };
    }
  };

  /** Fills the admission. Returns an answer that ends the request here; throws why it is refused. */
  function admit(request: Request, admission: Admission): Response | undefined {
    const { headers } = request;
    const host = headers.get("host");
    if (host === null || !doorkeeper.servesHost(host)) throw hostRefused();
    const { path, query } = addressOf(request.url);
    const origin = headers.get("origin");
    if (origin !== null) {
      if (!doorkeeper.allowsOrigin(origin, host)) throw originRefused();
      allowOrigin(admission, origin);
      if (isPreflight(request)) return preflight(admission);
    }
    if (query !== "" && hasQueryCredential(query)) throw credentialInQuery();

    const served = wasRouted(request) ? routes.find(path) : null;
    const route = served?.[methodOf(request)] ?? null;
    admission.route = route;
    if (route?.scope === "public") return undefined;
    const key = authenticate(parts, request, admission);
    if (route === null) throw unserved(routes, path, request, admission);
    checkScope(route.scope, key);
    checkRate(parts.rateLimit, config, key, admission);
    if (route.body !== undefined) checkBody(headers, config.current.api.max_body_bytes, admission);
    return undefined;
  }
}

function newAdmission(request: Request): Admission {
  return { requestId: requestIdOf(request), route: null, caller: null, keyId: null, headers: {} };
}

/** Path and query as the router sees them. A request whose Host could not be read has no absolute address. */
function addressOf(url: string): { path: string; query: string } {
  const start = url.indexOf("/", "http://".length);
  if (!url.startsWith("http://") || start < 0) throw hostRefused();
  const end = url.indexOf("?", start);
  return end < 0
    ? { path: url.slice(start), query: "" }
    : { path: url.slice(start, end), query: url.slice(end + 1) };
}

/**
 * True when Bun's router matched the raw request target, which only then has `params`. Everything else arrives after URL
 * normalisation, where `/x/../status` can no longer be told from `/status`.
 */
function wasRouted(request: Request): boolean {
  const params: Record<string, string> | undefined = (request as BunRequest).params;
  if (params === undefined) return false;
  for (const name in params) if (/[^A-Za-z0-9_-]/.test(params[name] ?? "")) return false;
  return true;
}

function methodOf(request: Request): Method {
  return (request.method === "HEAD" ? "GET" : request.method) as Method;
}

function authenticate(parts: GuardParts, request: Request, admission: Admission): Key {
  const open = parts.keys.anonymous();
  if (open !== null) {
    admission.caller = open.caller;
    admission.keyId = open.id;
    return open;
  }
  const nowMs = performance.now(); // no lock-out lasts longer because somebody set the clock
  const { lockout } = parts;
  if (lockout.size > 0) {
    const lockedForMs = lockout.lockedForMs(addressOfClient(parts, request), nowMs);
    if (lockedForMs > 0) throw lockedOut(lockedForMs);
  }
  const header = request.headers.get("authorization");
  const token = bearerToken(header);
  const key = token === null ? null : parts.keys.find(token);
  if (key === null) {
    if (header !== null || request.headers.has("x-api-key")) noteFailure(parts, request, nowMs);
    admission.headers["www-authenticate"] = 'Bearer realm="hermes"';
    throw unauthorized();
  }
  admission.caller = key.caller;
  admission.keyId = key.id;
  return key;
}

function noteFailure(parts: GuardParts, request: Request, nowMs: number): void {
  const address = addressOfClient(parts, request);
  if (parts.lockout.fail(address, nowMs)) parts.log.warn("locked out after repeated wrong keys", { address });
}

function addressOfClient({ socket, config }: GuardParts, request: Request): string {
  const peer = socket()?.requestIP(request)?.address ?? "";
  return clientAddress(peer, request.headers.get("x-forwarded-for"), config.current.network.trusted_proxies);
}

function checkScope(scope: Scope | "public", key: Key): void {
  const held: readonly string[] = key.caller.scopes;
  if (held.includes(scope) || held.includes("admin")) return;
  throw new AppError("forbidden", `This needs a key with the scope "${scope}".`, {
    hint: "Use another key, or add the scope to it in api.auth.keys.",
  });
}

function checkRate(rateLimit: RateLimit, config: LiveConfig, key: Key, { headers }: Admission): void {
  const limit = config.current.api.rate_limit.requests_per_minute;
  const { allowed, remaining, retryAfterMs } = rateLimit.take(key.caller.principal, performance.now());
  headers["ratelimit"] = `"key";r=${remaining};t=${Math.ceil(retryAfterMs / 1000)}`;
  if (allowed) return;
  headers["ratelimit-policy"] = `"key";q=${limit};w=60`;
  throw new AppError("rate_limited", `This key may make ${limit} requests per minute.`, {
    hint: "Wait as long as Retry-After says, or raise api.rate_limit.requests_per_minute.",
    retryAfterMs,
  });
}

function checkBody(headers: Headers, maxBytes: number, admission: Admission): void {
  if (Number(headers.get("content-length") ?? 0) > maxBytes) throw bodyTooLarge(maxBytes);
  if ((headers.get("content-encoding") ?? "identity") !== "identity") {
    admission.headers["accept-encoding"] = "identity";
    throw new AppError("unsupported_media_type", "The body must not be compressed.", {
      hint: "Send it without Content-Encoding.",
    });
  }
  const type = headers.get("content-type");
  if (type !== null && JSON_CONTENT.test(type)) return;
  throw new AppError("unsupported_media_type", "The body must be JSON in UTF-8.", {
    hint: "Send the header Content-Type: application/json.",
  });
}

function hasUnreadBody({ headers }: Request): boolean {
  return headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > MAX_UNREAD_BYTES;
}

function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("access-control-request-method");
}

function allowOrigin({ headers }: Admission, origin: string): void {
  headers["access-control-allow-origin"] = origin;
  headers["access-control-expose-headers"] = EXPOSED_HEADERS;
  headers["vary"] = "origin";
}

function preflight(admission: Admission): Response {
  admission.headers["access-control-allow-methods"] = "GET, POST, DELETE";
  admission.headers["access-control-allow-headers"] = PREFLIGHT_HEADERS;
  admission.headers["access-control-max-age"] = String(PREFLIGHT_MAX_AGE_S);
  return noContent(admission);
}

function unserved(routes: RouteTable, path: string, request: Request, { headers }: Admission): AppError {
  const served = routes.find(path);
  const methods = Object.keys(served ?? {}).flatMap((method) =>
    method === "GET" ? ["GET", "HEAD"] : [method],
  );
  if (methods.length === 0 || methods.includes(request.method))
    return new AppError("not_found", "There is nothing at this address.", {
      hint: "The list of endpoints is at /swagger; addresses are compared letter by letter.",
    });
  headers["allow"] = methods.join(", ");
  return new AppError("method_not_allowed", `This address takes ${methods.join(", ")}.`);
}

function hostRefused(): AppError {
  return new AppError("host_refused", "This name is not served here.", {
    hint: "Use localhost or the address, or add the name to api.allowed_hosts.",
  });
}

function originRefused(): AppError {
  return new AppError("origin_refused", "Pages of this origin may not call.", {
    hint: "Add the origin to api.allowed_origins.",
  });
}

function credentialInQuery(): AppError {
  return new AppError("bad_request", "A key does not belong into the address.", {
    hint: "Send it as the header Authorization: Bearer <token>.",
  });
}

function lockedOut(retryAfterMs: number): AppError {
  return new AppError("locked_out", "Too many wrong keys came from this address.", {
    hint: "Wait as long as Retry-After says.",
    retryAfterMs,
  });
}

function unauthorized(): AppError {
  return new AppError("unauthorized", "A valid key is needed.", {
    hint: "Send the header Authorization: Bearer <token>.",
  });
}

/** The body is longer than the configuration allows. */
export function bodyTooLarge(maxBytes: number): AppError {
  return new AppError("body_too_large", `The body is larger than ${maxBytes} bytes.`, {
    hint: "Send less, or raise api.max_body_bytes.",
  });
}
