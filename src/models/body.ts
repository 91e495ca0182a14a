import type { Endpoint } from "./endpoint.ts";
import { badAnswer, connectionFailure, endless } from "./failure.ts";
import type { Watch } from "./watch.ts";

/** Bytes of one answer on the wire, after decompression. A chunk is about 200 bytes for one token. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Reads a response body piece by piece, with a limit on its decompressed size. */
export interface BodyReader {
  /** The next piece; null at the end. */
  read(): Promise<Uint8Array | null>;
  /** The rest as text. */
  text(): Promise<string>;
}

/**
 * Expects a response fetched with `decompress: false`: compressed bodies are expanded here, as fast as they are read, so
 * that a small one cannot fill the memory.
 */
export function readBody(response: Response, endpoint: Endpoint, watch: Watch): BodyReader {
  const reader = decompressed(response, endpoint)?.getReader();
  let sizeBytes = 0;

  async function read(): Promise<Uint8Array | null> {
    if (!reader) return null;
    const { value, done } = await next(reader);
    if (done) return null;
    sizeBytes += value.byteLength;
    if (sizeBytes > MAX_BODY_BYTES) throw endless(endpoint);
    return value;
  }

  async function next(from: NonNullable<typeof reader>) {
    try {
      return await watch.wait(from.read());
    } catch (cause) {
      throw connectionFailure(endpoint, true, cause);
    }
  }

  return {
    read,
    async text() {
      const decoder = new TextDecoder();
      let text = "";
      for (let bytes = await read(); bytes; bytes = await read())
        text += decoder.decode(bytes, { stream: true });
      return text + decoder.decode();
    },
  };
}

function decompressed(response: Response, endpoint: Endpoint): ReadableStream<Uint8Array> | null {
  const encoding = (response.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  switch (encoding) {
    case "identity":
    case "":
      return response.body;
    case "gzip":
    case "x-gzip":
      return response.body?.pipeThrough(new DecompressionStream("gzip")) ?? null;
    case "deflate":
      return response.body?.pipeThrough(new DecompressionStream("deflate")) ?? null;
    default:
      throw badAnswer(endpoint, "an answer in a compression that nobody asked for");
  }
}
