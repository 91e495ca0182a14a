import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isInCidrs, isPublicAddress } from "./address.ts";
import { AppError } from "./errors.ts";
import type { Log } from "./log.ts";
import { type Answer, pinnedRequest } from "./pinned-request.ts";
import { createSeldom } from "./seldom.ts";
import { orAborted } from "./waiting.ts";

/** Redirects that are followed; one more is an error. */
const MAX_REDIRECTS = 3;
/** Addresses of one name that are tried before giving up. */
const MAX_ADDRESSES = 4;
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];
/** One line in the log in this time tells of what is refused again and again, such as each event for a private address. */
const TOLD_EVERY_MS = 10_000;
/** How Bun names answers that it cannot read. */
const NO_HTTP = /Malformed|Invalid(?:HTTP|Content)|HeadersTooLarge|UnrequestedUpgrade/;
/** What goes along to another origin: nothing that could be a credential. */
const HARMLESS_HEADERS = ["accept", "accept-language", "content-type", "user-agent"];
/** Belong to the connection and are never taken from a caller. */
const CONNECTION_HEADERS = [
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

export interface SafeFetchOptions {
  /** For everything: resolving, connecting, redirects and the last byte of the body. */
  timeoutMs: number;
  /** Largest body, both on the wire and decompressed. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
  /** Default: GET. */
  method?: "GET" | "HEAD" | "POST" | "PUT";
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array<ArrayBuffer>;
  /** `return` hands a redirect back as the answer. Default: `follow`, 3 at most, each checked anew. */
  redirects?: "follow" | "return";
  /**
   * The origin of an address that the operator configured, never of one that a user, a model or a payload chose. Its own
   * address is not checked; wherever it redirects to is, unless that is the very same origin.
   */
  trustedOrigin?: string;
}

export interface SafeResponse {
  /** Any HTTP status; only what is not HTTP is an error. */
  status: number;
  headers: Headers;
  /** The media type in lower case without parameters; empty when the server named none. */
  contentType: string;
  /** The whole body, decompressed. */
  bytes: Uint8Array;
  /** The URL that answered, after redirects. */
  finalUrl: string;
}

/**
 * Fetches a URL that a user, a model or a payload chose. Raises `network_refused` for what must not be fetched,
 * `network_failed` and `network_timeout` for what cannot be, `body_too_large` past `maxBytes`, and the reason of
 * `signal` when that aborts.
 */
export type SafeFetch = (url: string, options: SafeFetchOptions) => Promise<SafeResponse>;

export interface SafeFetchParts {
  /** Ranges beyond the public internet that may be reached all the same; read at every request. */
  allowCidrs: () => readonly string[];
  log?: Log;
  /** Every address of a name. Default: the system's resolver. */
  resolve?: (name: string) => Promise<readonly string[]>;
}

interface Hop {
  url: URL;
  method: string;
  headers: Headers;
  body: string | Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Makes a fetch that reaches only the public internet and what the operator exempted. A name is resolved once per hop,
 * all its addresses are checked, and the connection goes to a checked address itself, so that no second answer of the
 * resolver can lead elsewhere. HTTP proxies of the environment are not used: the check holds only for a connection
 * that is made from here.
 */
export function createSafeFetch(parts: SafeFetchParts): SafeFetch {
  const resolve = parts.resolve ?? resolveBySystem;
  const seldom = createSeldom({ everyMs: TOLD_EVERY_MS });

  const checkedAddresses = async (
    url: URL,
    trustedOrigin: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly string[]> => {
    const name = url.hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(name) ? [name] : await orAborted(resolveName(resolve, name), signal);
    if (url.origin === trustedOrigin) return addresses.slice(0, MAX_ADDRESSES);
    const exempt = parts.allowCidrs();
    const refused = addresses.find((address) => !isPublicAddress(address) && !isInCidrs(address, exempt));
    if (refused === undefined) return addresses.slice(0, MAX_ADDRESSES);
    const before = seldom.tell(`${url.host} ${refused}`);
    if (before !== null)
      parts.log?.warn("outgoing request refused", {
        host: url.host,
        address: refused,
        more_before: before || undefined,
      });
    throw refusal(
      `${url.host} is not at a public address.`,
      "The operator can exempt private addresses with network.allow_cidrs.",
    );
  };

  const follow = async (hop: Hop, options: SafeFetchOptions, signal: AbortSignal, redirects = 0) => {
    const wantsBody = (response: Response) =>
      options.redirects === "return" || redirectTarget(response) === null;
    const addresses = await checkedAddresses(hop.url, options.trustedOrigin, signal);
    const answer = await pinnedRequest({ ...hop, addresses, maxBytes: options.maxBytes, signal, wantsBody });
    const target = options.redirects === "return" ? null : redirectTarget(answer);
    if (target === null) return toSafeResponse(hop.url, answer);
    if (redirects === MAX_REDIRECTS)
      throw refusal(`It redirects more than ${MAX_REDIRECTS} times.`, "Give the URL that it leads to.");
    return follow(nextHop(hop, answer.status, target), options, signal, redirects + 1);
  };

  return async (text, options) => {
    const hop = firstHop(text, options);
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), options.timeoutMs);
    const signals = [deadline.signal, ...(options.signal ? [options.signal] : [])];
    try {
      return await follow(hop, options, AbortSignal.any(signals));
    } catch (error) {
      options.signal?.throwIfAborted();
      if (deadline.signal.aborted) throw timedOut(hop.url, options.timeoutMs);
      throw error instanceof AppError ? error : failed(hop.url, error);
    } finally {
      clearTimeout(timer);
    }
  };
}

async function resolveBySystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true, order: "ipv4first" })).map((entry) => entry.address);
}

async function resolveName(
  resolve: (name: string) => Promise<readonly string[]>,
  name: string,
): Promise<readonly string[]> {
  const unresolved = (cause?: unknown) =>
    new AppError("network_failed", `${name} could not be resolved.`, {
      hint: "Check the spelling of the host name.",
      cause,
    });
  const addresses = await resolve(name).catch((cause: unknown) => Promise.reject(unresolved(cause)));
  if (addresses.length === 0) throw unresolved();
  return addresses;
}

function firstHop(text: string, options: SafeFetchOptions): Hop {
  const headers = new Headers(options.headers);
  for (const name of CONNECTION_HEADERS) headers.delete(name);
  return { url: checkedUrl(text), method: options.method ?? "GET", headers, body: options.body };
}

/** The hop after a redirect, as browsers make it (Fetch standard, HTTP-redirect fetch), with fewer headers. */
function nextHop(hop: Hop, status: number, location: string): Hop {
  const url = checkedUrl(location, hop.url);
  const headers = new Headers(hop.headers);
  if (url.origin !== hop.url.origin)
    for (const name of hop.headers.keys()) if (!HARMLESS_HEADERS.includes(name)) headers.delete(name);
  const becomesGet = status === 303 ? hop.method !== "HEAD" : status < 303 && hop.method === "POST";
  if (!becomesGet) return { ...hop, url, headers };
  headers.delete("content-type");
  return { url, method: "GET", headers, body: undefined };
}

function redirectTarget(answer: { status: number; headers: Headers }): string | null {
  return REDIRECT_STATUSES.includes(answer.status) ? answer.headers.get("location") : null;
}

function checkedUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (!url) throw refusal("It is not a URL.", "Give a whole URL that begins with https:// or http://.");
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw refusal(`It begins with ${url.protocol}`, "Only https:// and http:// URLs are fetched.");
  if (url.username || url.password)
    throw refusal("It contains a user name or a password.", "Give the URL without them.");
  return url;
}

function toSafeResponse(url: URL, answer: Answer): SafeResponse {
  const contentType = (answer.headers.get("content-type") ?? "").split(";")[0] ?? "";
  return { ...answer, contentType: contentType.trim().toLowerCase(), finalUrl: url.href };
}

function refusal(reason: string, hint: string): AppError {
  return new AppError("network_refused", `This URL is not fetched. ${reason}`, { hint });
}

function timedOut(url: URL, timeoutMs: number): AppError {
  return new AppError("network_timeout", `${url.host} did not answer within ${timeoutMs} ms.`, {
    hint: "Try again later.",
  });
}

function failed(url: URL, cause: unknown): AppError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (/CERT|TLS|SSL|EPROTO|UNABLE_TO/.test(code))
    return new AppError("network_failed", `No trusted TLS connection to ${url.host} can be made.`, {
      hint: "Check the host name and the server's certificate.",
      cause,
    });
  if (NO_HTTP.test(code))
    return new AppError("network_failed", `${url.host} answered with something other than HTTP.`, {
      hint: "Check the port, and whether the server wants https:// there.",
      cause,
    });
  return new AppError("network_failed", `${url.host} could not be reached.`, {
    hint: "Check the address, and that the server is up.",
    cause,
  });
}
