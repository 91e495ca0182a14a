import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { encodeSseComment, encodeSseEvent } from "../lib/sse.ts";
import type { RunEventRecord } from "../store/records.ts";
import type { Admission } from "./admission.ts";
import { content } from "./answers.ts";
import { createStreamSet, type ServedStream, STREAM_FAREWELL, STREAM_OPENING } from "./stream-set.ts";

/** A client that has left this much unread gets nothing more until it reads on; one batch may lie on top. */
const MAX_UNREAD_BYTES = 262_144;

/** The second one keeps proxies from collecting events before they pass them on. */
const STREAM_HEADERS = { "content-type": "text/event-stream", "x-accel-buffering": "no" };

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(encodeSseComment("still here"));

export interface SseSource {
  /** The events to send; ends when the signal aborts. */
  events: (signal: AbortSignal) => AsyncIterable<RunEventRecord[]>;
  /** Whose request it is: the stream ends when its key is taken away. */
  admission: Admission;
  /** Called when nothing more will be said; what is unread may still have to leave. */
  release?: () => void;
}

/** All event streams of the server. */
export interface SseHub {
  /** Answers with a stream. A client that goes away ends only the stream, never what it looks at. */
  open(source: SseSource): Response;
  /** Ends the streams whose key is valid no longer. */
  dropKeys(isValid: (keyId: string) => boolean): void;
  /** Tells every client that it will have to come back, and how soon. */
  announceStop(): void;
  /** Ends every stream. */
  stop(): void;
  readonly size: number;
}

interface Client extends ServedStream {
  send(bytes: Uint8Array): void;
  /** Resolves once the client has room for more, or is gone. */
  room(): Promise<void>;
  /** Breaks the silence, or lets the client go when it has not read since the last beat. */
  beat(): void;
}

export interface SseHubOptions {
  log: Log;
  beatMs?: number;
  maxUnreadBytes?: number;
}

/** One ReadableStream per client. */
export function createSseHub(options: SseHubOptions): SseHub {
  const { log, beatMs, maxUnreadBytes = MAX_UNREAD_BYTES } = options;
  const clients = createStreamSet<Client>(beatMs);

  function streamTo(source: SseSource): ReadableStream<Uint8Array> {
    const gone = new AbortController();
    const { keyId, requestId } = source.admission;
    let client: Client;
    let waiting: PromiseWithResolvers<void> | null = null; // for room
    let stalled = false; // it was waiting at the last beat already
    const close = () => {
      clients.remove(client);
      gone.abort();
      waiting?.resolve();
      source.release?.();
    };
    return new ReadableStream<Uint8Array>(
      {
        start(controller) {
          const fail = (error: unknown) => {
            if (gone.signal.aborted) return;
            close();
            controller.error(error); // cuts the connection, so that it never looks like a finished stream
          };
          client = {
            keyId,
            send(bytes) {
              if (!gone.signal.aborted) controller.enqueue(bytes);
            },
            async room() {
              if (gone.signal.aborted || (controller.desiredSize ?? 0) > 0) return;
              waiting = Promise.withResolvers();
              await waiting.promise;
            },
            beat() {
              if (waiting === null) return client.send(HEARTBEAT);
              if (stalled) {
                log.debug("event stream dropped: the client does not read", { request_id: requestId });
                return fail(new Error("The client does not read."));
              }
              stalled = true;
            },
            end() {
              if (gone.signal.aborted) return;
              close();
              controller.close();
            },
          };
          clients.add(client);
          client.send(STREAM_OPENING);
          forward(source, client, gone.signal).catch((error: unknown) => {
            log.error("event stream failed", { request_id: requestId, error });
            fail(error);
          });
        },
        pull() {
          waiting?.resolve();
          waiting = null;
          stalled = false;
        },
        cancel: () => close(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: maxUnreadBytes }),
    );
  }

  return {
    open(source) {
      const { admission } = source;
      return content(admission, streamTo(source), STREAM_HEADERS);
    },
    dropKeys: clients.dropKeys,
    announceStop() {
      for (const client of clients.all()) client.send(STREAM_FAREWELL);
    },
    stop() {
      for (const client of clients.all()) client.end();
    },
    get size() {
      return clients.size;
    },
  };
}

async function forward(source: SseSource, client: Client, signal: AbortSignal): Promise<void> {
  for await (const batch of source.events(signal)) {
    if (signal.aborted) return;
    client.send(encoder.encode(batch.map(encodeRecord).join("")));
    await client.room(); // whoever makes the events keeps them until then
  }
  client.end();
}

function encodeRecord({ seq, type, data }: RunEventRecord): string {
  return encodeSseEvent({ id: String(seq), event: type, data });
}

/** The event after which a client wants to go on: `Last-Event-ID`, 0 when absent. Throws `bad_request`. */
export function lastEventId(headers: Headers): number {
  const given = headers.get("last-event-id");
  if (given === null || given === "") return 0;
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new AppError("bad_request", "Last-Event-ID is not the id of an event.", {
    hint: "Send the `id` of the last event that arrived, or leave the header out to begin at the first.",
  });
}
