import {
  type GatewayDispatchPayload,
  GatewayIntentBits,
  GatewayOpcodes,
  type GatewayReceivePayload,
} from "@discordjs/core/http-only";
import type { PlatformError } from "../contract.ts";
import { fatalClose } from "./errors.ts";
import { createHeartbeat } from "./heartbeat.ts";
import type { Session } from "./state.ts";
import type { Timing } from "./timing.ts";

/** Servers and their channels, messages in them and in direct chats, and what is written in these messages. */
const INTENTS =
  GatewayIntentBits.Guilds |
  GatewayIntentBits.GuildMessages |
  GatewayIntentBits.DirectMessages |
  GatewayIntentBits.MessageContent;
const PROPERTIES = { os: process.platform, browser: "hermes", device: "hermes" };

const RESUME = "Discord asks to resume the session";
const UNKNOWN = "Discord does not know the session any more";

/** Why a connection is over. `lost`: its session can be resumed. `invalid`: it cannot. `refused`: nor can another begin. */
export type ConnectionEnd =
  | { type: "lost"; reason: string; isAsked?: boolean }
  | { type: "invalid"; reason: string }
  | { type: "refused"; error: PlatformError };

export interface ConnectionOptions {
  url: string;
  token: string;
  /** The session to be resumed; null: a new one is begun. */
  session: Session | null;
  timing: Timing;
  /** An event. Those that were missed come before those that are new. */
  onEvent(event: GatewayDispatchPayload): void;
  /** Discord said something, if only that it heard a heartbeat. */
  onAlive(): void;
  /** The last event that came, for the heartbeats. */
  sequence(): number | null;
}

/** One connection to the gateway. */
export interface GatewayConnection {
  /** Resolves once. By then the socket is gone and nothing more comes. */
  readonly over: Promise<ConnectionEnd>;
  /** Ends it so that the session can be resumed. */
  leave(reason: string): void;
}

/**
 * Connects once, and begins or resumes a session (https://discord.com/developers/docs/events/gateway). Whatever ends it, the
 * socket is cut without a closing handshake: Discord keeps the session then, and a peer that is gone would not answer.
 * It is no use of @discordjs/ws, which connects again by itself: also after it was told to stop while it connects or
 * waits, beside a socket whose upgrade is late, and without its session after an upgrade that was refused (2.0.4).
 */
export function openConnection(options: ConnectionOptions): GatewayConnection {
  const { timing, session, token } = options;
  const over = Promise.withResolvers<ConnectionEnd>();
  const socket = new WebSocket(`${options.url}?v=10&encoding=json`);
  const lose = (reason: string) => end({ type: "lost", reason });
  const send = (op: GatewayOpcodes, d: unknown) => socket.send(JSON.stringify({ op, d }));
  const beat = () => send(GatewayOpcodes.Heartbeat, options.sequence());
  const heartbeat = createHeartbeat(beat, () => lose("Discord does not answer heartbeats"));
  let deadline = setTimeout(() => lose("Discord does not answer"), timing.helloMs);
  let isReady = false;

  function end(why: ConnectionEnd): void {
    clearTimeout(deadline);
    heartbeat.stop();
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = null;
    socket.terminate();
    over.resolve(why);
  }

  function expectReady(): void {
    clearTimeout(deadline);
    if (!isReady) deadline = setTimeout(() => lose("Discord does not begin the session"), timing.readyMs);
  }

  function greet(heartbeatEveryMs: number): void {
    expectReady();
    heartbeat.start(heartbeatEveryMs);
    if (session === null) send(GatewayOpcodes.Identify, { token, intents: INTENTS, properties: PROPERTIES });
    else send(GatewayOpcodes.Resume, { token, session_id: session.id, seq: session.sequence });
  }

  function hear(event: GatewayDispatchPayload): void {
    isReady ||= event.t === "READY" || event.t === "RESUMED";
    expectReady();
    options.onEvent(event);
  }

  function take(payload: GatewayReceivePayload): void {
    options.onAlive();
    if (payload.op === GatewayOpcodes.Hello) greet(payload.d.heartbeat_interval);
    else if (payload.op === GatewayOpcodes.HeartbeatAck) heartbeat.answered();
    else if (payload.op === GatewayOpcodes.Heartbeat) beat();
    else if (payload.op === GatewayOpcodes.Dispatch) hear(payload);
    else if (payload.op === GatewayOpcodes.Reconnect)
      end({ type: "lost", reason: "Discord asks to connect again", isAsked: true });
    else if (payload.op === GatewayOpcodes.InvalidSession)
      end(payload.d ? { type: "lost", reason: RESUME } : { type: "invalid", reason: UNKNOWN });
  }

  socket.onmessage = ({ data }) => {
    const payload = readFrame(data);
    if (payload === null) lose("Discord sent what cannot be read");
    else take(payload);
  };
  socket.onerror = () => lose("the connection could not be made");
  socket.onclose = ({ code }) => end(endOf(code));
  return { over: over.promise, leave: lose };
}

/** A wrong sequence number, and a session that timed out: it is not known any more. */
const SESSION_LOST: ReadonlySet<number> = new Set([4007, 4009]);

function endOf(code: number): ConnectionEnd {
  const error = fatalClose(code);
  if (error !== null) return { type: "refused", error };
  const reason = `the connection was closed (${code})`;
  return SESSION_LOST.has(code) ? { type: "invalid", reason } : { type: "lost", reason };
}

function readFrame(data: unknown): GatewayReceivePayload | null {
  try {
    return JSON.parse(String(data)) as GatewayReceivePayload;
  } catch {
    return null; // the connection is made again, and the reason told
  }
}
