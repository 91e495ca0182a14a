import { randomBytes } from "node:crypto";
import type { ServerWebSocket } from "bun";
import { channelOf } from "./channels.ts";
import type { FakeChannel, FakeMessage, World } from "./world.ts";

/** What a socket is bound to. */
export interface SocketData {
  sessionId: string | null;
}

type Socket = ServerWebSocket<SocketData>;

interface Session {
  id: string;
  intents: number;
  sequence: number;
  /** Everything that was dispatched, to be replayed. */
  log: { op: 0; s: number; t: string; d: unknown }[];
  socket: Socket | null;
}

export interface GatewayOptions {
  token: string;
  heartbeatMs: number;
  /** False: the switch "Message Content Intent" of the application is off. */
  messageContent: boolean;
  /** Where a session is resumed. */
  url: () => string;
}

/** The websocket side: sessions with sequence numbers, heartbeats, replay on resume. */
export interface FakeGateway {
  /** How often a client has identified or resumed. */
  readonly identified: number;
  readonly resumed: number;
  /** With which intents a client has identified, and when. */
  readonly intents: readonly number[];
  readonly identifiedAtMs: readonly number[];
  /** How many sessions may still be begun today. */
  sessionsLeft: number;
  /** Sockets on which a session runs. */
  readonly connections: number;
  /** All open sockets, those included that have said nothing yet. */
  readonly sockets: number;
  /** Heartbeats that came, with the sequence number that each carried. */
  readonly heartbeats: readonly (number | null)[];
  /** To every session, connected or not. */
  dispatch(type: string, data: unknown, intent: number): void;
  dispatchMessage(type: string, message: FakeMessage): void;
  /** Sends a frame with this op on every socket. */
  send(op: number, data?: unknown): void;
  /** Without a close frame, as when the network goes away. */
  drop(): void;
  close(code: number): void;
  /** From now on no session can be resumed. */
  forgetSessions(): void;
  acknowledges: boolean;
  readonly websocket: Bun.WebSocketHandler<SocketData>;
}

const GUILDS = 1;
const GUILD_MESSAGES = 1 << 9;
const DIRECT_MESSAGES = 1 << 12;
const MESSAGE_CONTENT = 1 << 15;

export function createGateway(world: World, options: GatewayOptions): FakeGateway {
  const sessions = new Map<string, Session>();
  const sockets = new Set<Socket>();
  const heartbeats: (number | null)[] = [];
  const intentsGiven: number[] = [];
  const identifiedAtMs: number[] = [];
  let resumed = 0;

  const sessionOf = (socket: Socket) => {
    const session = socket.data.sessionId === null ? undefined : sessions.get(socket.data.sessionId);
    return session?.socket === socket ? session : undefined;
  };
  const deliver = (session: Session, t: string, d: unknown) => {
    session.sequence++;
    const frame = { op: 0 as const, s: session.sequence, t, d };
    session.log.push(frame);
    session.socket?.send(JSON.stringify(frame));
  };

  function refusal(socket: Socket, d: Record<string, unknown>, intents: number): number | null {
    if (d["token"] !== options.token) return 4004; // authentication failed
    if (!Number.isSafeInteger(intents)) return 4013; // invalid intents
    if ((intents & MESSAGE_CONTENT) !== 0 && !options.messageContent) return 4014; // disallowed intents
    return sessionOf(socket) === undefined ? null : 4005; // already authenticated
  }

  function identify(socket: Socket, d: Record<string, unknown>): void {
    const intents = Number(d["intents"]);
    const code = refusal(socket, d, intents);
    if (code !== null) {
      socket.close(code);
      return;
    }
    identifiedAtMs.push(Date.now());
    intentsGiven.push(intents);
    gateway.sessionsLeft--;
    const session: Session = { id: randomBytes(16).toString("hex"), intents, sequence: 0, log: [], socket };
    sessions.set(session.id, session);
    socket.data.sessionId = session.id;
    deliver(session, "READY", {
      v: 10,
      user: { ...world.bot, discriminator: "0000", avatar: null, global_name: null },
      guilds: [...world.guilds.keys()].map((id) => ({ id, unavailable: true })),
      session_id: session.id,
      resume_gateway_url: options.url(),
      shard: d["shard"],
      application: { id: world.applicationId, flags: 1 << 18 },
    });
    if ((intents & GUILDS) === 0) return;
    for (const guild of world.guilds.values()) deliver(session, "GUILD_CREATE", guildOf(world, guild));
  }

  function resume(socket: Socket, d: Record<string, unknown>): void {
    const session = sessions.get(String(d["session_id"]));
    const after = Number(d["seq"]);
    if (d["token"] !== options.token) socket.close(4004);
    else if (session === undefined) socket.send(JSON.stringify({ op: 9, d: false }));
    else if (!(after <= session.sequence)) socket.close(4007);
    else {
      resumed++;
      session.socket?.close(4000);
      session.socket = socket;
      socket.data.sessionId = session.id;
      for (const frame of session.log) if (frame.s > after) socket.send(JSON.stringify(frame));
      deliver(session, "RESUMED", { _trace: [] });
    }
  }

  function beat(socket: Socket, sequence: unknown): void {
    heartbeats.push(typeof sequence === "number" ? sequence : null);
    if (gateway.acknowledges) socket.send(JSON.stringify({ op: 11 }));
  }

  function receive(socket: Socket, text: string): void {
    const { op, d } = JSON.parse(text) as { op: number; d: unknown };
    if (op === 1) beat(socket, d);
    else if (d === null || typeof d !== "object") socket.close(4002);
    else if (op === 2) identify(socket, d as Record<string, unknown>);
    else if (op === 6) resume(socket, d as Record<string, unknown>);
    else if (sessionOf(socket) === undefined) socket.close(4003);
    else if (op !== 3 && op !== 4) socket.close(4001);
  }

  const gateway: FakeGateway = {
    get identified() {
      return identifiedAtMs.length;
    },
    get resumed() {
      return resumed;
    },
    get connections() {
      return [...sessions.values()].filter(({ socket }) => socket !== null).length;
    },
    get sockets() {
      return sockets.size;
    },
    heartbeats,
    intents: intentsGiven,
    identifiedAtMs,
    sessionsLeft: 1000,
    acknowledges: true,
    dispatch(type, data, intent) {
      for (const session of sessions.values())
        if (intent === 0 || (session.intents & intent) !== 0) deliver(session, type, data);
    },
    dispatchMessage(type, message) {
      const channel = world.channels.get(message.channel_id);
      const intent = channel?.guildId === undefined ? DIRECT_MESSAGES : GUILD_MESSAGES;
      for (const session of sessions.values())
        if ((session.intents & intent) !== 0)
          deliver(session, type, shown(message, channel, (session.intents & MESSAGE_CONTENT) !== 0, world));
    },
    send(op, d = null) {
      for (const socket of sockets) socket.send(JSON.stringify({ op, d }));
    },
    drop() {
      for (const socket of sockets) socket.terminate();
    },
    close(code) {
      for (const socket of sockets) socket.close(code);
    },
    forgetSessions() {
      for (const { socket } of sessions.values()) if (socket !== null) socket.data.sessionId = null;
      sessions.clear();
    },
    websocket: {
      open(socket) {
        sockets.add(socket);
        socket.send(JSON.stringify({ op: 10, d: { heartbeat_interval: options.heartbeatMs } }));
      },
      message: (socket, text) => receive(socket, String(text)),
      close(socket) {
        const session = sessionOf(socket);
        if (session !== undefined) session.socket = null;
        sockets.delete(socket);
      },
    },
  };
  return gateway;
}

/** A message as a session may see it: without the content where the intent for it is missing. */
function shown(
  message: FakeMessage,
  channel: FakeChannel | undefined,
  withContent: boolean,
  world: World,
): unknown {
  const isForBot =
    channel?.guildId === undefined ||
    message.author.id === world.bot.id ||
    message.mentions.some((user) => (user as { id?: string }).id === world.bot.id);
  return {
    ...message,
    ...(channel === undefined ? {} : { channel_type: channel.type }),
    ...(withContent || isForBot ? {} : { content: "", attachments: [], embeds: [], components: [] }),
    ...(channel?.guildId === undefined
      ? {}
      : {
          guild_id: channel.guildId,
          member: { roles: [], joined_at: message.timestamp, deaf: false, mute: false },
        }),
  };
}

function guildOf(world: World, guild: { id: string; name: string }): unknown {
  const channels = [...world.channels.values()].filter(({ guildId }) => guildId === guild.id);
  const common = { roles: [], emojis: [], stickers: [], features: [], members: [], presences: [] };
  return {
    ...guild,
    ...common,
    owner_id: world.bot.id,
    member_count: 1,
    voice_states: [],
    stage_instances: [],
    guild_scheduled_events: [],
    channels: channels.filter(({ type }) => type === 0).map(channelOf),
    threads: channels.filter(({ type }) => type === 11).map(channelOf),
  };
}
