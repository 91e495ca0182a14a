/** How long a refused client may go on sending. */
export interface LingeringLimits {
  /** In all. */
  patienceMs: number;
  /** Without a byte; it may be up to twice as long. */
  silenceMs: number;
  bytes: number;
  /** Answers that linger at once; further ones end their connection straight away. */
  answers: number;
}

/** No limit on bodies can be set higher than this size. */
const LIMITS: LingeringLimits = { patienceMs: 10_000, silenceMs: 250, bytes: 104_857_600, answers: 64 };

/** Holds refusals open while their clients still send. */
export interface Lingering {
  /**
   * The same answer. Where it closes a connection with a body under way, it leaves at once and ends when the body has come,
   * which is dropped.
   */
  hold(request: Request, answer: Response): Response;
  readonly size: number;
}

/**
 * A connection that is closed with a body unread is reset: what the client still writes fails, and a proxy then says 502
 * and never looks at the answer. Whoever is refused may be anybody, so that all of it is bounded.
 */
export function createLingering(limits: LingeringLimits = LIMITS): Lingering {
  let size = 0;
  return {
    hold(request, answer) {
      const { body } = request;
      if (body === null || body.locked || !mayLinger(answer) || size >= limits.answers) return answer;
      size += 1;
      const gone = new AbortController();
      const stream = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(await answer.bytes());
          await drain(body as ReadableStream<Uint8Array>, limits, gone.signal);
          size -= 1;
          if (!gone.signal.aborted) controller.close();
        },
        cancel: () => gone.abort(),
      });
      const lingering = new Response(stream, answer);
      lingering.headers.set("x-accel-buffering", "no"); // a proxy would keep it until its end
      return lingering;
    },
    get size() {
      return size;
    },
  };
}

/** A client that was too slow is waited for no longer, and when Hermes is overloaded nothing is kept open. */
function mayLinger({ status, headers }: Response): boolean {
  return headers.get("connection") === "close" && status !== 408 && status < 500;
}

/** Reads the body to its end, or as far as the limits let it. */
async function drain(
  body: ReadableStream<Uint8Array>,
  { patienceMs, silenceMs, bytes }: LingeringLimits,
  gone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const over = Promise.withResolvers<null>();
  const untilMs = performance.now() + patienceMs;
  let isSilent = false;
  const timer = setInterval(() => {
    if (isSilent || performance.now() >= untilMs) over.resolve(null);
    isSilent = true;
  }, silenceMs);
  gone.addEventListener("abort", () => over.resolve(null), { once: true });
  try {
    for (let left = bytes; left >= 0; ) {
      const part = await Promise.race([reader.read(), over.promise]);
      if (part === null || part.done) return;
      left -= part.value.byteLength;
      isSilent = false;
    }
  } catch {
    // The client is gone, and with it what was to be read.
  } finally {
    clearInterval(timer);
    reader.cancel().catch(() => undefined); // it fails as the reading did
  }
}
