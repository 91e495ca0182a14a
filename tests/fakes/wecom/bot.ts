import { createCipheriv, randomBytes } from "node:crypto";
import type { ServerWebSocket } from "bun";
import { until } from "../weixin/until.ts";
import { type BotChats, createBotChats, type ShownBotMessage } from "./bot-chats.ts";
import { createUploads, type UploadedFile } from "./bot-uploads.ts";

/** A message that nobody has answered is brought again. */
const AGAIN_AFTER_MS = 5000;
const TRIES = 3;

/** A frame in either direction. */
export interface BotFrame {
  cmd?: string;
  headers: { req_id: string };
  body?: Record<string, unknown>;
  errcode?: number;
  errmsg?: string;
}

type Socket = ServerWebSocket<{ isSubscribed: boolean }>;

interface Failure {
  errcode?: number;
  dropAck?: boolean;
}

interface Writing {
  user?: string;
  /** In this group; the text begins with the mention then. */
  group?: string;
  /** Default: a new one. */
  msgid?: string;
  /** More of the body, such as another `msgtype` and a quote. */
  more?: Record<string, unknown>;
}

/** WeCom with one AI bot (https://developer.work.weixin.qq.com/document/path/101463). */
export interface FakeWecomBot extends AsyncDisposable {
  /** As a configuration has it. */
  readonly url: string;
  readonly socketUrl: string;
  readonly botId: string;
  readonly secret: string;
  /** Somebody writes. Resolves to the id of the message. */
  write(text: string, writing?: Writing): string;
  /** Brings a message once more. */
  again(msgid: string): void;
  /** An event, such as `enter_chat`. Returns its `req_id`. */
  event(eventtype: string, user?: string): string;
  messages(chat?: string): readonly ShownBotMessage[];
  /** Frames of the bot, of this command. */
  frames(cmd?: string): readonly BotFrame[];
  /** Connections that have subscribed. */
  readonly connections: number;
  /** Connections that were ever opened. */
  readonly opened: number;
  /** Cuts the connection without a word. */
  drop(): void;
  refuseUpgradesFor(ms: number): void;
  /** Answers no ping from now on. */
  fallSilent(): void;
  /** The next frames of this command are refused, or done and never acknowledged. */
  fail(cmd: string, failure: Failure & { times?: number }): void;
  /** The next texts are refused, whether they answer or not. */
  failTexts(errcode: number, times: number): void;
  /** Signs of being at work are refused from now on. */
  failSigns(): void;
  /** The bot's secret is worth nothing any more, and its connection is cut. */
  revoke(): void;
  /** Streams cannot grow any more. */
  expireStreams(): void;
  uploaded(mediaId: string): UploadedFile | undefined;
  /** A file as a message brings it. */
  addFile(bytes: Uint8Array, name?: string, isBroken?: boolean): { url: string; aeskey: string };
  until(condition: () => boolean, what: string): Promise<void>;
}

/** Starts WeCom. `clock`: how much faster it brings messages again. */
export function startFakeWecomBot({ clock = 5 }: { clock?: number } = {}): FakeWecomBot {
  const botId = "aib-0123456789";
  const secret = "bot-secret-0123456789abcdef";
  const chats: BotChats = createBotChats();
  const uploads = createUploads();
  const frames: BotFrame[] = [];
  const failures = new Map<string, Failure[]>();
  const textFailures: Failure[] = [];
  const written = new Map<string, { body: Record<string, unknown>; tries: number; timer?: Timer }>();
  const stored = new Map<string, { bytes: Uint8Array; name: string }>();
  const sockets = new Set<Socket>();
  const now = {
    opened: 0,
    refusesUntilMs: 0,
    isSilent: false,
    isRevoked: false,
    isStopped: false,
    failsSigns: false,
  };

  const live = () => [...sockets].find(({ data }) => data.isSubscribed);
  const send = (socket: Socket, frame: BotFrame) => socket.send(JSON.stringify(frame));

  /** Brings a message where somebody is connected. */
  function bring(msgid: string): boolean {
    const socket = live();
    const body = written.get(msgid)?.body;
    if (socket === undefined || body === undefined) return false;
    send(socket, { cmd: "aibot_msg_callback", headers: { req_id: chats.open(body) }, body });
    return true;
  }

  /** Brings a message until somebody answers it. */
  function tryToBring(msgid: string): void {
    const message = written.get(msgid);
    if (message === undefined || now.isStopped) return;
    clearTimeout(message.timer);
    if (bring(msgid)) message.tries += 1;
    if (message.tries >= TRIES) return;
    message.timer = setTimeout(() => {
      if (!chats.isAnswered(msgid)) tryToBring(msgid);
    }, AGAIN_AFTER_MS / clock);
  }

  function subscribe(socket: Socket, body: Record<string, unknown>): number {
    if (now.isRevoked || body["bot_id"] !== botId || body["secret"] !== secret) return 853000;
    for (const other of sockets) {
      if (other === socket || !other.data.isSubscribed) continue;
      const event = { msgtype: "event", aibotid: botId, event: { eventtype: "disconnected_event" } };
      send(other, { cmd: "aibot_event_callback", headers: { req_id: crypto.randomUUID() }, body: event });
      other.data.isSubscribed = false;
      other.close();
    }
    socket.data.isSubscribed = true;
    return 0;
  }

  /** What a frame is acknowledged with; the number of an error, or a body. */
  function perform(socket: Socket, { cmd, headers, body = {} }: BotFrame): number | Record<string, unknown> {
    if (cmd === "aibot_subscribe") return subscribe(socket, body);
    if (cmd === "ping") return 0;
    if (!socket.data.isSubscribed) return 846609;
    const has = (mediaId: string) => uploads.get(mediaId) !== undefined;
    if (cmd === "aibot_respond_msg") return chats.respond(headers.req_id, body);
    if (cmd === "aibot_respond_welcome_msg") return chats.welcome(headers.req_id, body);
    if (cmd === "aibot_send_msg") return chats.send(body, has);
    return uploads.take(cmd ?? "", body) ?? 40008;
  }

  function failureOfText({ cmd, body }: BotFrame): Failure | undefined {
    const text = chats.textIn(cmd ?? "", body ?? {});
    if (text === "") return now.failsSigns ? { errcode: 846605 } : undefined;
    return text === null ? undefined : textFailures.shift();
  }

  function receive(socket: Socket, frame: BotFrame): void {
    frames.push(frame);
    const cmd = frame.cmd ?? "";
    if (cmd === "ping" && now.isSilent) return;
    const failure = failures.get(cmd)?.shift() ?? failureOfText(frame);
    const done = failure?.errcode ?? perform(socket, frame);
    if (failure?.dropAck) return;
    const errcode = typeof done === "number" ? done : 0;
    const body = typeof done === "number" ? {} : { body: done };
    const errmsg = errcode === 0 ? "ok" : `refused, hint: [1234], from ip: 127.0.0.1`;
    if (errcode === 853000) setTimeout(() => socket.close(), 20);
    send(socket, { headers: frame.headers, ...body, errcode, errmsg });
    const isNew = cmd === "aibot_subscribe" && errcode === 0;
    if (isNew) for (const [msgid, { tries }] of written) if (tries === 0) tryToBring(msgid);
  }

  const server = Bun.serve<{ isSubscribed: boolean }>({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, self) {
      const file = stored.get(new URL(request.url).pathname);
      if (file !== undefined) return download(file);
      if (Date.now() < now.refusesUntilMs) return new Response("later", { status: 503 });
      return self.upgrade(request, { data: { isSubscribed: false } })
        ? undefined
        : new Response("no websocket", { status: 400 });
    },
    websocket: {
      idleTimeout: 0,
      maxPayloadLength: 2 * 1024 * 1024,
      open(socket) {
        now.opened += 1;
        sockets.add(socket);
      },
      message: (socket, text) => receive(socket, JSON.parse(String(text)) as BotFrame),
      close: (socket) => void sockets.delete(socket),
    },
  });

  return {
    url: `http://127.0.0.1:${server.port}`,
    socketUrl: `ws://127.0.0.1:${server.port}`,
    botId,
    secret,
    write(text, { user = "ZhangSan", group, msgid = crypto.randomUUID(), more = {} } = {}) {
      const place = group === undefined ? { chattype: "single" } : { chattype: "group", chatid: group };
      const body = {
        msgid,
        aibotid: botId,
        ...place,
        from: { userid: user },
        create_time: Math.floor(Date.now() / 1000),
        msgtype: "text",
        text: { content: text },
        ...more,
      };
      written.set(msgid, { body, tries: 0 });
      tryToBring(msgid);
      return msgid;
    },
    again: (msgid) => void bring(msgid),
    event(eventtype, user = "ZhangSan") {
      const body = { msgid: crypto.randomUUID(), aibotid: botId, chattype: "single", from: { userid: user } };
      const reqId = chats.enter(user);
      const socket = live();
      if (socket !== undefined)
        send(socket, {
          cmd: "aibot_event_callback",
          headers: { req_id: reqId },
          body: { ...body, msgtype: "event", event: { eventtype } },
        });
      return reqId;
    },
    messages: (chat) => chats.shown().filter((one) => chat === undefined || one.chat === chat),
    frames: (cmd) => frames.filter((frame) => cmd === undefined || frame.cmd === cmd),
    get connections() {
      return [...sockets].filter(({ data }) => data.isSubscribed).length;
    },
    get opened() {
      return now.opened;
    },
    drop() {
      for (const socket of sockets) socket.terminate();
    },
    refuseUpgradesFor: (ms) => void Object.assign(now, { refusesUntilMs: Date.now() + ms }),
    fallSilent: () => void Object.assign(now, { isSilent: true }),
    fail(cmd, { times = 1, ...failure }) {
      failures.set(cmd, [...(failures.get(cmd) ?? []), ...Array.from({ length: times }, () => failure)]);
    },
    failTexts: (errcode, times) =>
      void textFailures.push(...Array.from({ length: times }, () => ({ errcode }))),
    failSigns: () => void Object.assign(now, { failsSigns: true }),
    revoke() {
      now.isRevoked = true;
      for (const socket of sockets) socket.terminate();
    },
    expireStreams: chats.expire,
    uploaded: uploads.get,
    addFile(bytes, name = "file.bin", isBroken = false) {
      const path = `/files/${crypto.randomUUID()}`;
      const { encrypted, aeskey } = encryptFile(bytes);
      if (isBroken) encrypted[encrypted.length - 1] = (encrypted.at(-1) ?? 0) ^ 1;
      stored.set(path, { bytes: encrypted, name });
      return { url: `http://127.0.0.1:${server.port}${path}?sign=secret`, aeskey };
    },
    until,
    async [Symbol.asyncDispose]() {
      now.isStopped = true;
      for (const { timer } of written.values()) clearTimeout(timer);
      await server.stop(true);
    },
  };
}

function download({ bytes, name }: { bytes: Uint8Array; name: string }): Response {
  const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { "content-type": "application/octet-stream", "content-disposition": disposition },
  });
}

/** AES-256-CBC with a key of its own and PKCS#7 up to 32 bytes. */
function encryptFile(bytes: Uint8Array): { encrypted: Uint8Array; aeskey: string } {
  const key = randomBytes(32);
  const pad = 32 - (bytes.length % 32);
  const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, 16)).setAutoPadding(false);
  const encrypted = Buffer.concat([
    cipher.update(bytes),
    cipher.update(Buffer.alloc(pad, pad)),
    cipher.final(),
  ]);
  return { encrypted, aeskey: key.toString("base64") };
}
