/** Silence is looked at this often; a client that has read nothing for two beats is let go. */
const BEAT_MS = 15_000;

const encoder = new TextEncoder();
/** A first byte: without it the headers would not leave, and the client would not know that it listens. */
export const STREAM_OPENING = encoder.encode(": hermes\n\n");
/** Tells a client how soon to come back. */
export const STREAM_FAREWELL = encoder.encode(": Hermes is stopping\n\nretry: 1000\n\n");

/** An event stream that goes out to a client. */
export interface ServedStream {
  /** The stream ends when this credential is taken away. */
  keyId: string | null;
  /** Called at every beat. */
  beat(): void;
  end(): void;
}

/** The event streams of one kind. */
export interface StreamSet<S extends ServedStream> {
  add(stream: S): void;
  has(stream: S): boolean;
  /** False when it was not in the set. */
  remove(stream: S): boolean;
  /** Those that are open now, also when the loop over them ends some. */
  all(): readonly S[];
  /** Ends the streams whose key is valid no longer. */
  dropKeys(isValid: (keyId: string) => boolean): void;
  readonly size: number;
}

/** One timer for all streams of the set, which runs while there are any. */
export function createStreamSet<S extends ServedStream>(beatMs = BEAT_MS): StreamSet<S> {
  const streams = new Set<S>();
  const all = () => [...streams];
  let timer: Timer | undefined;
  return {
    add(stream) {
      streams.add(stream);
      timer ??= setInterval(() => {
        for (const one of all()) one.beat();
      }, beatMs);
    },
    has: (stream) => streams.has(stream),
    remove(stream) {
      const wasOpen = streams.delete(stream);
      if (streams.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
      return wasOpen;
    },
    all,
    dropKeys(isValid) {
      for (const stream of all()) if (stream.keyId !== null && !isValid(stream.keyId)) stream.end();
    },
    get size() {
      return streams.size;
    },
  };
}
