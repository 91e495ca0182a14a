import { AppError } from "../lib/errors.ts";
import { parseJson } from "../lib/json.ts";
import { type Edge, holdOpen } from "./edge.ts";
import { bodyTooLarge } from "./plugins/refusals.ts";

/** A body must be there after this time, plus what its length takes at the slowest rate that is accepted. */
const PATIENCE_MS = 10_000;
const MIN_BYTES_PER_MS = 16;
/** Up to this declared length a body is read in one go. */
const SMALL_BYTES = 65_536;

/** How much of a body is read, and which section of the configuration says so. */
export interface BodyLimit {
  maxBytes: number;
  key: string;
}

/** The parser of every route of the REST API with a body: reads it as strict JSON with fields. */
export function jsonBody(edge: Edge): (context: { request: Request }) => Promise<unknown> {
  return async ({ request }) => {
    const limit = { maxBytes: edge.config.current.api.max_body_bytes, key: "api" };
    return asObject(await readJson(edge, request, limit));
  };
}

/** Reads a body within its limits of size and time, as strict JSON. Throws what `readBytes` throws, and `malformed_json`. */
export async function readJson(
  edge: Pick<Edge, "socket">,
  request: Request,
  limit: BodyLimit,
): Promise<unknown> {
  return parseJson(await readBytes(edge, request, limit));
}

/** Reads a body as it came, within its limits of size and time. Throws `body_too_large` and `request_timeout`. */
export async function readBytes(
  edge: Pick<Edge, "socket">,
  request: Request,
  limit: BodyLimit,
): Promise<Uint8Array> {
  const length = request.headers.get("content-length");
  const isSmall = length !== null && Number(length) <= SMALL_BYTES;
  const whole = isSmall ? request.arrayBuffer() : null;
  if (whole !== null && Bun.peek.status(whole) === "fulfilled") return new Uint8Array(await whole); // it came with its headers
  // The socket's own timeout would cut the connection without an answer; the one of the readers answers 408.
  const release = holdOpen(edge, request);
  try {
    return whole !== null ? await readSmall(whole) : await readStream(request, limit);
  } finally {
    release();
  }
}

/** Refuses what has no fields. Elysia would take anything else for an object without fields, and name the first one as missing. */
export function asObject(body: unknown): object {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new AppError("invalid_request", "The body must be a JSON object.", {
    hint: "Put the fields between { and }.",
  });
}

async function readSmall(whole: Promise<ArrayBuffer>): Promise<Uint8Array> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), PATIENCE_MS);
  });
  try {
    return new Uint8Array(await Promise.race([whole, late]));
  } finally {
    clearTimeout(timer);
  }
}

async function readStream(request: Request, { maxBytes, key }: BodyLimit): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  const startedMs = performance.now();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    const check = () => {
      const leftMs = startedMs + PATIENCE_MS + size / MIN_BYTES_PER_MS - performance.now();
      if (leftMs <= 0) reject(tooSlow());
      else timer = setTimeout(check, leftMs);
    };
    check();
  });
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return Buffer.concat(chunks);
      size += value.byteLength;
      if (size > maxBytes) throw bodyTooLarge(maxBytes, key);
      chunks.push(value);
    }
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => undefined); // what is left of a body that was too long is dropped while its refusal leaves
  }
}

function tooSlow(): AppError {
  return new AppError("request_timeout", "The body came too slowly.", {
    hint: "Send the request again, over a faster connection.",
  });
}
