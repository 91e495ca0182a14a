import { isIP } from "node:net";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { AppError } from "./errors.ts";

/** The connection was never made, so another address may be tried without sending anything twice. */
const NOT_CONNECTED = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"];

const DECOMPRESS = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

export interface PinnedRequest {
  url: URL;
  /** Where to connect, in this order until one takes the connection; never to what the URL's name resolves to. */
  addresses: readonly string[];
  method: string;
  headers: Headers;
  body?: string | Uint8Array<ArrayBuffer> | undefined;
  /** Largest body, both on the wire and decompressed. */
  maxBytes: number;
  signal: AbortSignal;
  /** Whether the body of this answer is wanted; without it `bytes` stays empty. */
  wantsBody: (response: Response) => boolean;
}

export interface Answer {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
}

/**
 * Sends one HTTP request to one of the given addresses, as `Host` and TLS name the name in the URL; the certificate is
 * checked against that name. Follows no redirect and uses no proxy. Raises `body_too_large` past `maxBytes` and
 * `network_failed` for a body that cannot be decompressed; what the connection raises comes as it is.
 */
export async function pinnedRequest(request: PinnedRequest): Promise<Answer> {
  const [last, ...others] = request.addresses.toReversed();
  if (last === undefined) throw new RangeError("No address to connect to.");
  for (const address of others.toReversed())
    try {
      return await requestAt(address, request);
    } catch (error) {
      if (!neverConnected(error)) throw error;
    }
  return requestAt(last, request);
}

function neverConnected(error: unknown): boolean {
  return error instanceof Error && "code" in error && NOT_CONNECTED.includes(String(error.code));
}

async function requestAt(address: string, request: PinnedRequest): Promise<Answer> {
  const url = new URL(request.url);
  url.hostname = isIP(address) === 6 ? `[${address}]` : address;
  const headers = new Headers(request.headers);
  headers.set("host", request.url.host);
  headers.set("accept-encoding", "gzip, br");
  const done = new AbortController(); // closes the connection when the rest of the answer is not wanted
  try {
    const response = await fetch(url, {
      method: request.method,
      headers,
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: AbortSignal.any([request.signal, done.signal]),
      redirect: "manual",
      proxy: false,
      protocol: "http1.1",
      decompress: false, // Bun's own runs ahead of the reader: a bomb of 2 MB costs 170 MB before its size is seen
      keepalive: false, // a TLS connection checked for one name must not serve another name at the same address
      tls: { rejectUnauthorized: true, ...tlsName(request.url) },
    });
    const bytes = request.wantsBody(response) ? await readBody(response, request.maxBytes) : new Uint8Array();
    return { status: response.status, headers: response.headers, bytes };
  } finally {
    done.abort();
  }
}

/** The name to ask for and to check the certificate against; an address in the URL is checked as an address. */
function tlsName(url: URL): { serverName?: string } {
  const name = url.hostname.replace(/\.$/, "");
  return isIP(name) !== 0 || name.startsWith("[") ? {} : { serverName: name };
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  if (Number(response.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  const encodings = (response.headers.get("content-encoding") ?? "").toLowerCase().split(",");
  let bytes: Uint8Array = Buffer.concat(chunks);
  for (const encoding of encodings.reverse()) bytes = await decompress(bytes, encoding.trim(), maxBytes);
  return bytes;
}

async function decompress(bytes: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  if (encoding === "" || encoding === "identity" || bytes.length === 0) return bytes;
  try {
    if (!Object.hasOwn(DECOMPRESS, encoding)) throw new Error(`unknown content-encoding ${encoding}`);
    return await DECOMPRESS[encoding as keyof typeof DECOMPRESS](bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE")
      throw tooLarge(maxBytes);
    throw new AppError("network_failed", "The answer could not be decompressed.", { cause });
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("body_too_large", `The answer is larger than ${maxBytes} bytes.`, {
    hint: "Fetch something smaller.",
  });
}
