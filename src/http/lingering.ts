import { sleep } from "../lib/waiting.ts";

/** How much later than it leaves such an answer ends. A proxy has then looked up from what it sends. */
const LINGER_MS = 500;

/**
 * The same answer; where it closes a connection with a body under way, it leaves at once and ends a moment later, and the
 * body is dropped as it comes. A connection that is closed with a body unread is reset: what the client still writes fails,
 * and a proxy then says 502 and never looks at the answer.
 */
export function lingering(request: Request, answer: Response, lingerMs = LINGER_MS): Response {
  if (!mayLinger(answer)) return answer;
  const { body } = request; // looked at for those alone: Bun makes a stream of it
  if (body === null) return answer;
  // Bun drops it by itself from here on, which costs nothing; read and thrown away it would be garbage by the gigabyte.
  if (!body.locked) body.cancel().catch(() => undefined);
  const gone = new AbortController();
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(await answer.bytes());
      await sleep(lingerMs, gone.signal);
      if (!gone.signal.aborted) controller.close();
    },
    cancel: () => gone.abort(),
  });
  const lingers = new Response(stream, answer);
  lingers.headers.set("x-accel-buffering", "no"); // a proxy would keep it until its end
  return lingers;
}

/** A client that was too slow is waited for no longer, and when Hermes is overloaded nothing is kept open. */
function mayLinger({ status, headers }: Response): boolean {
  return headers.get("connection") === "close" && status !== 408 && status < 500;
}
