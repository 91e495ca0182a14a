import { createFates, type Fate } from "../fates.ts";
import { createCallbacks } from "./callbacks.ts";
import { buttonsOf, markdownOf, pingsOf, wordsOf } from "./cards.ts";
import type {
  Ack,
  ApiCall,
  CallbackAnswer,
  Failure,
  FakeFeishuOptions,
  Json,
  StoredCard,
  StoredMessage,
  Writing,
} from "./contract.ts";
import { keepWriting, messageEvent, pressEvent } from "./events.ts";
import { createLongConnection, type Link } from "./long-connection.ts";
import { createOpenPlatform } from "./open-platform.ts";
import { createWorkspace } from "./workspace.ts";

export { callbackOf, encrypt, signed } from "./callbacks.ts";
export type { StoredMessage } from "./contract.ts";
export { envelope } from "./events.ts";

const UNTIL_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 5;
const APP = {
  id: "cli_a1b2c3d4e5f60718",
  secret: "secret-of-the-fake-app",
  botOpenId: "ou_bot",
  botName: "Hermes",
};

/** A tenant of Feishu with one app in it, on a port of its own. */
export interface FakeFeishu extends AsyncDisposable {
  readonly apiBase: string;
  readonly appId: string;
  readonly appSecret: string;
  readonly botOpenId: string;
  readonly options: FakeFeishuOptions;

  /** Events go to this address from now on; null: over the long connection again. */
  sendTo(url: string | null): void;
  /** Somebody writes, and the app is told. */
  write(writing: Writing): StoredMessage;
  /** The app is told of a message again, by the same event. */
  again(message: StoredMessage): void;
  /** Somebody presses the button with this label below a message of the bot. The event, whose id tells its ack. */
  press(message: StoredMessage, label: string, user?: string): Json;
  /** Any other event. */
  deliver(event: Json, pieces?: readonly number[]): void;
  addFile(bytes: Uint8Array, type: string, prefix?: "img_v3" | "file_v3"): string;
  setName(openId: string, name: string): void;
  /** The bot may not write in the chat; null: it may again. */
  closeChat(chat: string, code: number | null): void;

  /** The messages of a chat that are not withdrawn, the oldest first. */
  messages(chat?: string): StoredMessage[];
  /** The messages of the bot among them. */
  sent(chat?: string): StoredMessage[];
  /** What people read in a message of the bot now. */
  read(message: StoredMessage): string;
  cardOf(message: StoredMessage): Json;
  readonly cards: readonly StoredCard[];
  buttons(message: StoredMessage): ReturnType<typeof buttonsOf>;
  /** Everybody whom messages of the bot notify. */
  pings(): string[];

  /** The next calls of a route go wrong; `times` of them, or all. */
  fail(route: string, failure: Failure, times?: number): void;
  heal(): void;
  calls(route?: string): readonly ApiCall[];
  expireTokens(): void;
  /** Credentials are worth nothing from now on, and connections are cut. */
  revoke(): void;

  readonly connections: number;
  readonly opened: number;
  readonly heartbeats: number;
  readonly acks: readonly Ack[];
  readonly answers: readonly CallbackAnswer[];
  /** What became of the event of this message. */
  fate(message: StoredMessage): Fate;
  /** Events that nobody has acknowledged. */
  readonly pending: number;
  /** Cuts every connection without a close frame. */
  drop(): void;
  refuseUpgrades(ms: number): void;
  /** The next endpoint calls are refused with this code. */
  failEndpoint(code: number, times?: number): void;
  readonly endpointCalls: number;
  answerPings(answers: boolean): void;
  pongWith(config: Json): void;
  sendBytes(bytes: Uint8Array<ArrayBuffer>): void;
  /** Resolves once it is true; rejects after 20 s. */
  until(condition: () => boolean, what: string): Promise<void>;
}

/**
 * Feishu as a real server: the server API with cards, the long connection and callbacks. It refuses what Feishu refuses, delivers
 * again what is not acknowledged, and can be made to fail. The official SDK works against it.
 */
export function startFakeFeishu(options: FakeFeishuOptions = {}): FakeFeishu {
  const workspace = createWorkspace();
  const platform = createOpenPlatform(APP, workspace, options.tokenLifetimeS ?? 7200);
  const fates = createFates();
  const link = createLongConnection(options, fates.end);
  const callbacks = createCallbacks(options, fates.end);
  const events = new Map<string, Json>();
  let address: string | null = null;
  let endpointFailures: number[] = [];
  let endpointCalls = 0;

  const server = Bun.serve<Link>({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    websocket: link.websocket,
    async fetch(request, running) {
      const { pathname, origin } = new URL(request.url);
      if (pathname === "/ws/v2") return link.upgrade(request, running);
      if (pathname.startsWith("/open-apis/")) return platform.answer(request);
      if (pathname !== "/callback/ws/endpoint") return new Response("404 page not found", { status: 404 });
      return endpoint((await request.json()) as Json, origin);
    },
  });
  const endpoint = ({ AppID, AppSecret }: Json, origin: string): Response => {
    endpointCalls += 1;
    const code = endpointFailures.shift();
    if (code !== undefined) return Response.json({ code, msg: "refused", data: {} });
    const isKnown = AppID === APP.id && AppSecret === APP.secret && !platform.isRevoked;
    if (!isKnown) return Response.json({ code: 514, msg: "app_id or app_secret is invalid", data: {} });
    return Response.json({ code: 0, msg: "", data: link.endpoint(origin) });
  };
  const deliver = (event: Json, pieces?: readonly number[]) => {
    const header = event["header"] as Json;
    if (options.verificationToken !== undefined) header["token"] = options.verificationToken;
    const eventId = String(header["event_id"]);
    fates.begin(eventId);
    if (address !== null) callbacks.deliver(address, event, eventId);
    else link.deliver({ event, eventId, tries: 0, ...(pieces === undefined ? {} : { pieces }) });
  };
  const drop = () => {
    for (const connection of link.connections) connection.terminate();
  };
  const cardOf = ({ cardId, content }: StoredMessage): Json =>
    cardId === undefined ? content : (workspace.cards.get(cardId)?.card ?? {});
  const textOf = (message: StoredMessage): string => {
    if (message.type === "interactive") return markdownOf(cardOf(message));
    const lines = ((message.content["zh_cn"] as Json | undefined)?.["content"] ?? []) as Json[][];
    return lines.map((line) => line.map(({ text }) => text).join("")).join("\n");
  };
  const messages = (chat?: string) =>
    workspace.messages.filter((one) => !one.isDeleted && (chat === undefined || one.chat === chat));

  return {
    apiBase: server.url.origin,
    appId: APP.id,
    appSecret: APP.secret,
    botOpenId: APP.botOpenId,
    options,
    deliver,
    drop,
    cardOf,
    messages,
    sendTo(url) {
      address = url;
    },
    write(writing) {
      const message = keepWriting(writing, APP, workspace);
      const event = messageEvent(message, APP, workspace, writing.senderType);
      events.set(message.id, event);
      deliver(event, writing.pieces);
      return message;
    },
    again({ id }) {
      const event = events.get(id);
      if (event !== undefined) deliver(event);
    },
    press(message, label, user = "ou_user") {
      const button = buttonsOf(cardOf(message)).find((one) => one.label === label);
      if (button === undefined) throw new Error(`there is no button ${label}`);
      const event = pressEvent(message, button.value, user, APP);
      deliver(event);
      return event;
    },
    addFile(bytes, type, prefix = "file_v3") {
      const key = workspace.nextId(prefix);
      workspace.files.set(key, { bytes, type, name: "" });
      return key;
    },
    setName: (openId, name) => void workspace.names.set(openId, name),
    closeChat(chat, code) {
      if (code === null) workspace.closed.delete(chat);
      else workspace.closed.set(chat, code);
    },
    sent: (chat) => messages(chat).filter(({ isFromBot }) => isFromBot),
    read: (message) => wordsOf(textOf(message)),
    get cards() {
      return [...workspace.cards.values()];
    },
    buttons: (message) => buttonsOf(cardOf(message)),
    pings: () =>
      workspace.messages.filter(({ isFromBot }) => isFromBot).flatMap((one) => pingsOf(textOf(one))),
    fail: (route, failure, times = Number.POSITIVE_INFINITY) => platform.fail(route, failure, times),
    heal: platform.heal,
    calls: (route) => platform.calls.filter((call) => route === undefined || call.route === route),
    expireTokens: platform.expireTokens,
    revoke() {
      platform.revoke();
      drop();
    },
    get connections() {
      return link.connections.size;
    },
    get opened() {
      return link.opened;
    },
    get heartbeats() {
      return link.pings;
    },
    acks: link.acks,
    answers: callbacks.answers,
    fate: ({ id }) => fates.of(eventIdOf(events.get(id))),
    get pending() {
      return link.pending + callbacks.pending;
    },
    refuseUpgrades: link.refuseUpgrades,
    failEndpoint(code, times = 1) {
      endpointFailures = [...endpointFailures, ...Array.from({ length: times }, () => code)];
    },
    get endpointCalls() {
      return endpointCalls;
    },
    answerPings: link.answerPings,
    pongWith: link.pongWith,
    sendBytes: link.send,
    async until(condition, what) {
      const endMs = Date.now() + UNTIL_TIMEOUT_MS;
      while (!condition()) {
        if (Date.now() > endMs) throw new Error(`waited in vain until ${what}`);
        await Bun.sleep(LOOK_EVERY_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      link.stop();
      callbacks.stop();
      drop();
      await server.stop(true);
    },
  };
}

function eventIdOf(event: Json | undefined): string {
  return String((event?.["header"] as Json | undefined)?.["event_id"]);
}
