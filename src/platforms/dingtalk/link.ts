import { orAborted, within } from "../../lib/waiting.ts";
import { PlatformError } from "../contract.ts";
import type { Timing } from "./timing.ts";

/** A WebSocket that is watched: it ends when the other side is silent for too long. */
export interface Link {
  /** What cannot be sent any more is dropped: it answers what the other side will send again. */
  send(text: string): void;
  /** Resolves once the link is over, however it ended. */
  readonly ended: Promise<void>;
  /** Ends it, politely if the other side is quick enough. */
  close(): Promise<void>;
}

export interface LinkOptions {
  url: URL;
  timing: Pick<Timing, "handshakeMs" | "pingEveryMs" | "deadMs" | "closeMs">;
  onText(text: string, link: Link): void;
  /** Something came: a frame, or the answer to a ping. */
  onHeard(): void;
  signal: AbortSignal;
}

/** Opens a link. Rejects with `unavailable` when that fails, with the signal's reason when it aborts; then nothing is left open. */
export async function openLink({ url, timing, onText, onHeard, signal }: LinkOptions): Promise<Link> {
  signal.throwIfAborted();
  const socket = new WebSocket(url);
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let heardAtMs = performance.now();
  const heard = () => {
    heardAtMs = performance.now();
    onHeard();
  };
  const link: Link = {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    ended: ended.promise,
    async close() {
      socket.close(1000);
      if (!(await within(ended.promise, timing.closeMs))) socket.terminate();
    },
  };
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("close", () => ended.resolve());
  socket.addEventListener("message", ({ data }) => {
    heard();
    onText(String(data), link);
  });
  for (const sign of ["ping", "pong"]) socket.addEventListener(sign, heard);

  const pinging = setInterval(() => {
    if (performance.now() - heardAtMs >= timing.deadMs) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, timing.pingEveryMs);
  void ended.promise.then(() => clearInterval(pinging));
  const refused = ended.promise.then(() => {
    throw new PlatformError("unavailable", "DingTalk refused the connection.");
  });
  try {
    const made = within(Promise.race([opened.promise, refused]), timing.handshakeMs);
    if (await orAborted(made, signal)) return link;
    throw new PlatformError("unavailable", "DingTalk does not open the connection in time.");
  } catch (error) {
    socket.terminate();
    ended.resolve();
    throw error;
  }
}
