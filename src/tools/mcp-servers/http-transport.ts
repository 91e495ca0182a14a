import type { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

/** The longest answer, and the longest single event of a stream. */
const MAX_MESSAGE_BYTES = 16_777_216;
const NULL_BODY_STATUSES = [101, 204, 205, 304];
/** How the stream for notifications is taken up again after it was cut. */
const RECONNECTION = {
  initialReconnectionDelay: 1000,
  maxReconnectionDelay: 300_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 1000,
};

export interface HttpTransportParts {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Told when an answer cannot be read to its end: the request of it would otherwise wait for its time limit. */
  onBroken(reason: string): void;
}

/**
 * The transport of a server at an address (MCP, transports, Streamable HTTP). The address is the operator's, so it may be a
 * private one. Redirects are followed only within its origin, so that its headers go nowhere else.
 */
export function createHttpTransport(
  Transport: typeof StreamableHTTPClientTransport,
  { url, headers, onBroken }: HttpTransportParts,
): StreamableHTTPClientTransport {
  return new Transport(new URL(url), {
    requestInit: { headers: { "accept-encoding": "identity", ...headers } },
    redirectPolicy: "same-origin",
    reconnectionOptions: RECONNECTION,
    fetch: async (target, init) => {
      // Compressed bodies are not unpacked: they could be of any size. Streams may be silent for as long as they like.
      const response = await fetch(target, { ...init, decompress: false, timeout: false } as RequestInit);
      if (!response.body || NULL_BODY_STATUSES.includes(response.status)) return response;
      const broken = (reason: string) => {
        if (init?.method === "POST" && !init.signal?.aborted) onBroken(reason);
      };
      const { status, statusText, headers: answered } = response;
      const isStream = /^text\/event-stream\b/i.test(answered.get("content-type") ?? "");
      return new Response(bounded(response.body, isStream, broken), {
        status,
        statusText,
        headers: answered,
      });
    },
  });
}

/** The body up to the limit; of a stream of events, each event up to the limit. */
function bounded(
  body: ReadableStream<Uint8Array>,
  isStream: boolean,
  broken: (reason: string) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let taken = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        taken = isStream && endsEvent(value) ? 0 : taken + value.length;
        if (taken > MAX_MESSAGE_BYTES) {
          await reader.cancel();
          throw new Error(`it sent more than ${MAX_MESSAGE_BYTES} bytes`);
        }
        controller.enqueue(value);
      } catch (error) {
        broken(error instanceof Error ? error.message : String(error));
        controller.error(error);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** True when an empty line is in the chunk, which ends an event (HTML, server-sent events). */
function endsEvent(chunk: Uint8Array): boolean {
  return (
    Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      .toString("latin1")
      .search(/\n\r?\n/) >= 0
  );
}
