import { createStreamSet, type ServedStream, STREAM_FAREWELL, STREAM_OPENING } from "../stream-set.ts";

export interface StreamOptions {
  /** The stream ends when this credential is taken away. */
  keyId: string | null;
  /** True when it belongs to no call: nobody waits for its end. */
  isStanding: boolean;
  /** Called once, when nothing more will be said. */
  release: () => void;
}

/** All event streams that go out to MCP clients. */
export interface McpStreams {
  /** The same answer, with a body whose end is known here. */
  open(answer: Response, options: StreamOptions): Response;
  /** Ends the streams whose key is valid no longer. */
  dropKeys(isValid: (keyId: string) => boolean): void;
  /** Tells clients to come back later and ends the streams: those that belong to no call, or all. */
  end(which: "standing" | "all"): void;
  readonly size: number;
}

interface Stream extends StreamOptions, ServedStream {
  end(farewell?: Uint8Array): void;
}

/** What a client does not read is not read from the server either. */
export function createMcpStreams({ beatMs }: { beatMs?: number } = {}): McpStreams {
  const streams = createStreamSet<Stream>(beatMs);

  function leave(stream: Stream): void {
    if (streams.remove(stream)) stream.release();
  }

  function relay(source: ReadableStream<Uint8Array>, options: StreamOptions): ReadableStream<Uint8Array> {
    const reader = source.getReader();
    let stream: Stream;
    let unread = false; // the client has room for nothing more
    let stalled = false; // and had none at the last beat
    return new ReadableStream<Uint8Array>({
      start(controller) {
        const stop = (close: () => void) => {
          if (!streams.has(stream)) return;
          leave(stream);
          close();
          reader.cancel().catch(() => undefined); // whoever makes the events has failed, which ends them, too
        };
        stream = {
          ...options,
          end: (farewell) =>
            stop(() => {
              if (farewell) controller.enqueue(farewell);
              controller.close();
            }),
          beat() {
            if (unread && stalled) stop(() => controller.error(new Error("The client does not read.")));
            stalled = unread;
          },
        };
        streams.add(stream);
        if (options.isStanding) controller.enqueue(STREAM_OPENING);
      },
      async pull(controller) {
        unread = false;
        stalled = false;
        try {
          const { done, value } = await reader.read();
          if (!streams.has(stream)) return;
          if (done) stream.end();
          else controller.enqueue(value);
          unread = true;
        } catch (error) {
          leave(stream);
          controller.error(error);
        }
      },
      async cancel(reason) {
        leave(stream);
        await reader.cancel(reason);
      },
    });
  }

  return {
    open(answer, options) {
      if (answer.body === null) throw new Error("an event stream without a body");
      return new Response(relay(answer.body, options), answer);
    },
    dropKeys: streams.dropKeys,
    end(which) {
      for (const stream of streams.all())
        if (which === "all" || stream.isStanding) stream.end(STREAM_FAREWELL);
    },
    get size() {
      return streams.size;
    },
  };
}
