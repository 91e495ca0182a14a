import { parseJson } from "../../lib/json.ts";
import { orAborted, within } from "../../lib/waiting.ts";
import { type ConnectionHooks, PlatformError } from "../contract.ts";
import { type ConnectionRules, type Endpoint, rulesFrom } from "./endpoint.ts";
import { createFragments } from "./fragments.ts";
import { decodeFrame, encodeFrame, type Frame, headerIn, METHOD } from "./frame.ts";
import type { TakeEvent } from "./intake.ts";
import type { Timing } from "./timing.ts";

/** What one connection works with. */
export interface SocketParts {
  endpoint: Endpoint;
  take: TakeEvent;
  timing: Timing;
  /** It is open. */
  opened(): void;
  /** Feishu has changed the rules. */
  ruled(rules: ConnectionRules): void;
}

const ACCEPTED = 200;
const FAILED = 500;

const utf8 = new TextEncoder();

/**
 * Holds one long connection until the signal aborts, and then resolves. Rejects with `unavailable` when the connection ends in any
 * other way, and leaves none open. Frames are as in larksuite/oapi-sdk-go, ws/client.go.
 */
export async function receiveBySocket(
  { endpoint, take, timing, opened, ruled }: SocketParts,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  const socket = new WebSocket(endpoint.url);
  socket.binaryType = "arraybuffer";
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined); // it may end while nobody waits for that yet
  const end = (reason: string) => ended.reject(new PlatformError("unavailable", reason));
  const open = new Promise<void>((resolve) => socket.addEventListener("open", () => resolve()));
  const closed = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve()));
  socket.addEventListener("close", () => end("Feishu ended the connection."));
  const pulse = createPulse(socket, endpoint, timing.pongMs, () => end("Feishu's connection fell silent."));
  const events = createEvents(socket, { take, timing }, hooks);
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    pulse.heard();
    hooks.alive();
    const frame = readFrame(data, hooks);
    if (frame?.method === METHOD.data) events.receive(frame);
    if (frame?.method !== METHOD.control || headerIn(frame, "type") !== "pong") return;
    const rules = rulesFrom(parsed(frame.payload), pulse.rules);
    pulse.rules = rules;
    ruled(rules);
  });
  try {
    const isOpen = await orAborted(within(Promise.race([open, ended.promise]), timing.handshakeMs), signal);
    if (!isOpen) throw new PlatformError("unavailable", "Feishu did not open the connection in time.");
    opened();
    pulse.start();
    await orAborted(ended.promise, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    await within(events.settled(), timing.closeMs);
    socket.close();
    await within(closed, timing.closeMs);
  } finally {
    pulse.stop();
    socket.terminate();
  }
}

/** Pings at the interval of the rules, and tells when nothing came after one for too long. */
function createPulse(socket: WebSocket, { service, rules }: Endpoint, pongMs: number, onSilence: () => void) {
  const frame: Frame = { seqId: 0n, logId: 0n, service, method: METHOD.control, headers: [["type", "ping"]] };
  let timer: Timer | undefined;
  let silence: Timer | undefined;
  const pulse = {
    rules,
    start() {
      socket.send(encodeFrame(frame));
      silence ??= setTimeout(onSilence, pongMs);
      timer = setTimeout(pulse.start, pulse.rules.pingEveryMs);
    },
    heard() {
      clearTimeout(silence);
      silence = undefined;
    },
    stop() {
      clearTimeout(timer);
      clearTimeout(silence);
    },
  };
  return pulse;
}

/** Takes what comes in data frames, and acknowledges each event as soon as it is taken. */
function createEvents(
  socket: WebSocket,
  { take, timing }: Pick<SocketParts, "take" | "timing">,
  hooks: ConnectionHooks,
) {
  const fragments = createFragments(timing.fragmentMs);
  const taking = new Set<Promise<void>>();

  const acknowledge = (frame: Frame, code: number, sinceMs: number) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    const tookMs = Math.round(performance.now() - sinceMs);
    socket.send(
      encodeFrame({
        ...frame,
        headers: [...frame.headers, ["biz_rt", String(tookMs)]],
        payload: utf8.encode(JSON.stringify({ code })),
      }),
    );
  };
  const handle = async (frame: Frame, payload: Uint8Array) => {
    const sinceMs = performance.now();
    try {
      const event = readEvent(payload, hooks);
      if (event !== undefined) await take(event, hooks);
      acknowledge(frame, ACCEPTED, sinceMs);
    } catch (error) {
      hooks.log("warn", "a message could not be taken; Feishu delivers it again", {
        id: headerIn(frame, "message_id"),
        error,
      });
      acknowledge(frame, FAILED, sinceMs);
    }
  };
  return {
    receive(frame: Frame) {
      // Presses of buttons come as events too; `card` is what cards of an older kind send.
      if (headerIn(frame, "type") !== "event") return;
      const piece = {
        messageId: headerIn(frame, "message_id"),
        sum: Number(headerIn(frame, "sum") || 1),
        seq: Number(headerIn(frame, "seq") || 0),
        payload: frame.payload ?? new Uint8Array(),
      };
      const payload = piece.sum === 1 ? piece.payload : fragments.add(piece);
      if (payload === null) return;
      const handled = handle(frame, payload).finally(() => taking.delete(handled));
      taking.add(handled);
    },
    settled: () => Promise.allSettled(taking),
  };
}

function readFrame(data: unknown, { log }: Pick<ConnectionHooks, "log">): Frame | null {
  try {
    return data instanceof ArrayBuffer ? decodeFrame(new Uint8Array(data)) : null;
  } catch (error) {
    log("warn", "a frame of Feishu's could not be read and is left out", { error });
    return null;
  }
}

/** Undefined for what is no JSON: it will be none when it comes again either. */
function readEvent(payload: Uint8Array, { log }: Pick<ConnectionHooks, "log">): unknown {
  try {
    return parseJson(payload);
  } catch (error) {
    log("warn", "an event of Feishu's could not be read and is left out", { error });
    return undefined;
  }
}

function parsed(payload: Uint8Array | undefined): unknown {
  try {
    return payload === undefined ? undefined : JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return undefined; // a pong without rules
  }
}
