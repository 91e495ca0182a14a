import type { ServerWebSocket } from "bun";
import { until } from "../weixin/until.ts";
import { createBotChats } from "./bot-chats.ts";
import type { BotFrame, FakeWecomBot } from "./bot-contract.ts";
import { createBotFailures } from "./bot-failures.ts";
import { createBotFiles } from "./bot-files.ts";
import { createBotMail } from "./bot-mail.ts";
import { createUploads } from "./bot-uploads.ts";

const BOT_ID = "aib-0123456789";
const SECRET = "bot-secret-0123456789abcdef";
const UNKNOWN = 853000;

type Socket = ServerWebSocket<{ isSubscribed: boolean }>;

/** Starts WeCom. `clock`: how much faster it brings messages again. */
export function startFakeWecomBot({ clock = 5 }: { clock?: number } = {}): FakeWecomBot {
  const chats = createBotChats();
  const uploads = createUploads();
  const files = createBotFiles();
  const failures = createBotFailures(chats.textIn);
  const frames: BotFrame[] = [];
  const sockets = createSockets();
  const mail = createBotMail({ botId: BOT_ID, chats, clock, send: sockets.send });
  const now = { refusesUntilMs: 0, isSilent: false, isRevoked: false };

  /** What a frame is acknowledged with; the number of an error, or a body. */
  function perform(
    socket: Socket,
    { cmd = "", headers, body = {} }: BotFrame,
  ): number | Record<string, unknown> {
    if (cmd === "aibot_subscribe") {
      if (now.isRevoked || body["bot_id"] !== BOT_ID || body["secret"] !== SECRET) return UNKNOWN;
      sockets.subscribe(socket);
      return 0;
    }
    if (cmd === "ping") return 0;
    if (!socket.data.isSubscribed) return 846609;
    if (cmd === "aibot_respond_msg") return chats.respond(headers.req_id, body);
    if (cmd === "aibot_respond_welcome_msg") return chats.welcome(headers.req_id, body);
    if (cmd === "aibot_send_msg") return chats.send(body, (id) => uploads.get(id) !== undefined);
    return uploads.take(cmd, body) ?? 40008;
  }

  function receive(socket: Socket, frame: BotFrame): void {
    frames.push(frame);
    if (frame.cmd === "ping" && now.isSilent) return;
    const failure = failures.take(frame);
    const done = failure?.errcode ?? perform(socket, frame);
    if (failure?.dropAck) return;
    const errcode = typeof done === "number" ? done : 0;
    const body = typeof done === "number" ? {} : { body: done };
    const why = failure?.errmsg ?? "refused, hint: [1234], from ip: 127.0.0.1";
    const errmsg = errcode === 0 ? "ok" : why;
    socket.send(JSON.stringify({ headers: frame.headers, ...body, errcode, errmsg }));
    if (errcode === UNKNOWN) setTimeout(() => socket.close(), 20);
    if (frame.cmd === "aibot_subscribe" && errcode === 0) mail.connected();
  }

  const server = Bun.serve<{ isSubscribed: boolean }>({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, self) {
      const file = files.answer(new URL(request.url).pathname);
      if (file !== null) return file;
      if (Date.now() < now.refusesUntilMs) return new Response("later", { status: 503 });
      return self.upgrade(request, { data: { isSubscribed: false } })
        ? undefined
        : new Response("no websocket", { status: 400 });
    },
    websocket: {
      idleTimeout: 0,
      maxPayloadLength: 2 * 1024 * 1024,
      open: sockets.add,
      message: (socket, text) => receive(socket, JSON.parse(String(text)) as BotFrame),
      close: sockets.remove,
    },
  });
  const host = `127.0.0.1:${server.port}`;

  return {
    url: `http://${host}`,
    socketUrl: `ws://${host}`,
    botId: BOT_ID,
    secret: SECRET,
    write: (text, writing = {}) => mail.write(text, writing),
    again: mail.again,
    fate: mail.fate,
    event(eventtype, user = "ZhangSan") {
      const reqId = chats.enter(user);
      const head = {
        msgid: crypto.randomUUID(),
        aibotid: BOT_ID,
        chattype: "single",
        from: { userid: user },
      };
      const body = { ...head, msgtype: "event", event: { eventtype } };
      sockets.send({ cmd: "aibot_event_callback", headers: { req_id: reqId }, body });
      return reqId;
    },
    press(key, { user = "ZhangSan", group, msgid = crypto.randomUUID() } = {}) {
      const place = group === undefined ? { chattype: "single" } : { chattype: "group", chatid: group };
      const pressed = { card_type: "button_interaction", event_key: key, task_id: "t" };
      const event = { eventtype: "template_card_event", template_card_event: pressed };
      const body = { msgid, aibotid: BOT_ID, ...place, from: { userid: user }, msgtype: "event", event };
      sockets.send({ cmd: "aibot_event_callback", headers: { req_id: crypto.randomUUID() }, body });
    },
    messages: (chat) => chats.shown().filter((one) => chat === undefined || one.chat === chat),
    frames: (cmd) => frames.filter((frame) => cmd === undefined || frame.cmd === cmd),
    get connections() {
      return sockets.subscribed;
    },
    get opened() {
      return sockets.opened;
    },
    drop: sockets.cut,
    refuseUpgradesFor: (ms) => void Object.assign(now, { refusesUntilMs: Date.now() + ms }),
    fallSilent: () => void Object.assign(now, { isSilent: true }),
    fail: (cmd, { times = 1, ...failure }) => failures.ofCommand(cmd, failure, times),
    failTexts: failures.ofTexts,
    failSigns: failures.ofSigns,
    revoke() {
      now.isRevoked = true;
      sockets.cut();
    },
    expireStreams: chats.expire,
    uploaded: uploads.get,
    addFile(bytes, name = "file.bin", isBroken = false) {
      const { path, aeskey } = files.add(bytes, name, isBroken);
      return { url: `http://${host}${path}?sign=secret`, aeskey };
    },
    until,
    async [Symbol.asyncDispose]() {
      mail.stop();
      await server.stop(true);
    },
  };
}

/** The connections, of which one at most has subscribed. */
function createSockets() {
  const sockets = new Set<Socket>();
  let opened = 0;
  return {
    add(socket: Socket) {
      opened += 1;
      sockets.add(socket);
    },
    remove: (socket: Socket) => void sockets.delete(socket),
    /** Throws out whoever was there before. */
    subscribe(socket: Socket) {
      for (const other of sockets) {
        if (other === socket || !other.data.isSubscribed) continue;
        const body = { msgtype: "event", aibotid: BOT_ID, event: { eventtype: "disconnected_event" } };
        const headers = { req_id: crypto.randomUUID() };
        other.send(JSON.stringify({ cmd: "aibot_event_callback", headers, body }));
        other.data.isSubscribed = false;
        other.close();
      }
      socket.data.isSubscribed = true;
    },
    send(frame: BotFrame): boolean {
      const live = [...sockets].find(({ data }) => data.isSubscribed);
      live?.send(JSON.stringify(frame));
      return live !== undefined;
    },
    cut() {
      for (const socket of sockets) socket.terminate();
    },
    get subscribed() {
      return [...sockets].filter(({ data }) => data.isSubscribed).length;
    },
    get opened() {
      return opened;
    },
  };
}
