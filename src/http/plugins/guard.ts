import type { BunRequest, Server } from "bun";
import type { LiveConfig } from "../../config/live.ts";
import { AppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { type Admission, newAdmission } from "../admission.ts";
import { noContent, refusal } from "../answers.ts";
import type { Authentication } from "../authentication.ts";
import type { Key } from "../keys.ts";
import { createRouteTable } from "../route-table.ts";
import type { Method, Route } from "../routes.ts";
import type { Surface } from "../surface.ts";
import { admitCall } from "./calls.ts";
import { clientAddress, isTrustedProxy } from "./client-address.ts";
import { hasQueryCredential } from "./credentials.ts";
import { checkBody, checkRate, checkScope, createGate, type Gate } from "./gate.ts";
import type { Lockout } from "./limits.ts";
import {
  credentialInQuery,
  hostRefused,
  lockedOut,
  nothingHere,
  originRefused,
  pageRefused,
  unauthorized,
  unserved,
} from "./refusals.ts";
import { requestIdOf } from "./request-id.ts";

/** A refused request with more body than this to come loses its connection: reading it would be work for nobody. */
const MAX_UNREAD_BYTES = 65_536;
/**
 * But the connection of a proxy stays, and Bun drops what it sends up to this size, which no limit on bodies can pass. A proxy
 * that hands bodies through needs the whole answer at once: its client stops sending at the first line of it.
 */
const MAX_DROPPED_BYTES = 104_857_600;
const PREFLIGHT_MAX_AGE_S = 600;
/** Clients look below it for an authorization server. Who has none must say so to everybody, or they ask for no key. */
const WELL_KNOWN = "/.well-known/";

export interface GuardParts {
  config: LiveConfig;
  /** All that answer at the guarded address; the first one also judges requests for what none of them serves. */
  surfaces: readonly [Surface, ...Surface[]];
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
 * is therefore 401 without a key and 404 with one, and 404 for everybody where nothing takes a key.
 */
export function createGuard(parts: GuardParts): (request: Request) => Decision {
  const { config, surfaces, log } = parts;
  const gates = surfaces.map((surface) => createGate(config, surface));
  const routes = createRouteTable(gates.map((gate) => ({ owner: gate, routes: gate.surface.routes })));
  const firstGate = gates[0] as Gate;

  return (request) => {
    const admission = newAdmission(requestIdOf(request));
    try {
      return { admission, refusal: admit(request, admission) };
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      log.debug("request refused", { request_id: admission.requestId, code: thrown.code });
      closeUnread(parts, request, admission);
      return { admission, refusal: refusal(admission, thrown) };
    }
  };

  /** Fills the admission. Returns an answer that ends the request here; throws why it is refused. */
  function admit(request: Request, admission: Admission): Response | undefined {
    const { headers } = request;
    const { path, query } = addressOf(request.url, firstGate);
    const served = routes.find(path);
    const gate = served === null ? firstGate : served.owner;
    const route = wasRouted(request) ? routeOf(served?.methods[methodOf(request)], headers) : null;
    admission.route = route;

    const host = headers.get("host");
    const isCall = route?.scope === "platform" || route?.scope === "event";
    if (host === null || !(isCall || gate.doorkeeper.servesHost(host))) throw hostRefused(gate.surface);
    const origin = headers.get("origin");
    if (origin !== null) {
      if (isCall) throw pageRefused();
      if (!gate.doorkeeper.allowsOrigin(origin, host)) throw originRefused(gate.surface);
      allowOrigin(admission, origin, gate);
      if (isPreflight(request)) return preflight(headers, admission, gate);
    }
    if (query !== "" && hasQueryCredential(query)) throw credentialInQuery(gate.surface);
    if (route?.scope === "public") return undefined;
    if (route === null && path.includes(WELL_KNOWN)) throw nothingHere(gate.surface);
    if (route !== null && isCall)
      return admitCall(gate, { route, request, address: addressOfClient(parts, request) }, admission);

    const { authentication } = gate.surface;
    if (authentication === null) throw unserved(served, gate.surface, request, admission);
    const found = authenticate(parts, gate, authentication, request, admission);
    if (route === null) throw unserved(served, gate.surface, request, admission);
    if (typeof found === "function")
      admission.verify = async () => {
        admission.verify = null;
        try {
          const key = await verified(found, parts, authentication, request, admission);
          welcome(gate, route, key, request, admission);
        } catch (error) {
          closeUnread(parts, request, admission);
          throw error;
        }
      };
    else welcome(gate, route, found, request, admission);
    return undefined;
  }
}

/** Path and query as the router sees them. A request whose Host could not be read has no absolute address. */
function addressOf(url: string, gate: Gate): { path: string; query: string } {
  const start = url.indexOf("/", "http://".length);
  if (!url.startsWith("http://") || start < 0) throw hostRefused(gate.surface);
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

/** The route, or the page in its place for a browser that somebody sits at. */
function routeOf(route: Route | undefined, headers: Headers): Route | null {
  if (route?.page !== undefined && wantsPage(headers.get("accept"))) return route.page;
  return route ?? null;
}

function wantsPage(accept: string | null): boolean {
  return accept !== null && /\btext\/html\b/i.test(accept) && !/\btext\/event-stream\b/i.test(accept);
}

/** Whose credential the request carries, or the way to find out where that takes time. */
function authenticate(
  parts: GuardParts,
  { lockout }: Gate,
  authentication: Authentication,
  request: Request,
  admission: Admission,
): Key | (() => Promise<Key>) {
  const open = authentication.anonymous();
  if (open !== null) return open;
  const nowMs = performance.now(); // no lock-out lasts longer because somebody set the clock
  if (lockout.size > 0) {
    const lockedForMs = lockout.lockedForMs(addressOfClient(parts, request), nowMs);
    if (lockedForMs > 0) throw lockedOut(lockedForMs);
  }
  const { headers } = request;
  const found = authentication.identify(headers);
  if (found !== null) return found;
  if (authentication.locksOut() && (headers.has("authorization") || headers.has("x-api-key")))
    noteFailure(parts, lockout, request, nowMs);
  admission.headers["www-authenticate"] = authentication.challenge(request);
  throw unauthorized(authentication.hint());
}

/** Waits for the answer to a credential, and adds the challenge when it is a wrong one. */
async function verified(
  look: () => Promise<Key>,
  { log }: GuardParts,
  authentication: Authentication,
  request: Request,
  { requestId, headers }: Admission,
): Promise<Key> {
  try {
    return await look();
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "unauthorized") {
      // Only the words: what the error carries besides could be the claims of somebody.
      log.debug("credential refused", { request_id: requestId, reason: reasonOf(thrown.cause) });
      headers["www-authenticate"] = authentication.challenge(request, { error: "invalid_token" });
    }
    throw thrown;
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
}

/** Notes who calls, and checks what they may do here and what they are about to send. */
function welcome(gate: Gate, route: Route, key: Key, { headers }: Request, admission: Admission): void {
  admission.caller = key.caller;
  admission.keyId = key.id;
  admission.grants = key.grants ?? null;
  checkScope(route.scope, key, gate);
  const spend = () => checkRate(key.account, "This key", gate, admission);
  spend();
  admission.spend = (requests) => {
    for (let n = 0; n < requests; n++) spend();
  };
  if (route.body !== undefined) checkBody(headers, gate, admission);
}

function noteFailure(parts: GuardParts, lockout: Lockout, request: Request, nowMs: number): void {
  const address = addressOfClient(parts, request);
  if (lockout.fail(address, nowMs)) parts.log.warn("locked out after repeated wrong keys", { address });
}

function addressOfClient(parts: GuardParts, request: Request): string {
  const { trusted_proxies: proxies } = parts.config.current.network;
  return clientAddress(peerOf(parts, request), request.headers.get("x-forwarded-for"), proxies);
}

function peerOf({ socket }: GuardParts, request: Request): string {
  return socket()?.requestIP(request)?.address ?? "";
}

/** Makes the connection of a refused request end with it, once its answer has lingered, when there is much left to read. */
function closeUnread(parts: GuardParts, request: Request, { headers }: Admission): void {
  const { headers: sent } = request;
  const length = sent.has("transfer-encoding")
    ? Number.POSITIVE_INFINITY
    : Number(sent.get("content-length"));
  if (length <= MAX_UNREAD_BYTES) return;
  const { trusted_proxies: proxies } = parts.config.current.network;
  const isLeftToBun = length <= MAX_DROPPED_BYTES && !/\bclose\b/i.test(sent.get("connection") ?? "");
  if (!isLeftToBun || !isTrustedProxy(peerOf(parts, request), proxies)) headers["connection"] = "close";
}

function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("access-control-request-method");
}

function allowOrigin({ headers }: Admission, origin: string, { surface }: Gate): void {
  headers["access-control-allow-origin"] = origin;
  headers["access-control-expose-headers"] = surface.cors.read;
  headers["vary"] = "origin";
}

function preflight(asked: Headers, admission: Admission, { surface }: Gate): Response {
  const { sent, alsoSent } = surface.cors;
  const names = (asked.get("access-control-request-headers") ?? "").split(",").map((name) => name.trim());
  const more = alsoSent === undefined ? [] : names.filter((name) => alsoSent.test(name));
  admission.headers["access-control-allow-methods"] = "GET, POST, DELETE";
  admission.headers["access-control-allow-headers"] = [sent, ...more].join(", ");
  admission.headers["access-control-max-age"] = String(PREFLIGHT_MAX_AGE_S);
  return noContent(admission);
}
