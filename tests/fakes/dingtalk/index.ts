import { randomUUID } from "node:crypto";
import { createFates } from "../fates.ts";
import { createApi } from "./api.ts";
import { type App, appHandlers } from "./app.ts";
import { createCallbacks } from "./callbacks.ts";
import { CARD_TEMPLATE_ID, createCards } from "./cards.ts";
import { type Chats, createChats } from "./chats.ts";
import type { FakeDingTalk, FakeDingTalkOptions } from "./contract.ts";
import type { SocketData } from "./deliveries.ts";
import { payloadOf } from "./payload.ts";
import { directId, GROUP_ID, senderId, staffId } from "./people.ts";
import { createRobotApi } from "./robot.ts";
import { createStream, type Stream } from "./stream.ts";

export type { FakeDingTalk } from "./contract.ts";

const APP_KEY = "dingf0apw4ibx5u5ktba";
const APP_SECRET = "fake-secret-fake-secret-fake-secret";
/** Persons with lower numbers are in the organization. */
const PEOPLE = 100;
/** Far more than anything takes, also on a busy machine. */
const UNTIL_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 5;

const CONVERSATIONS = new Map(Array.from({ length: PEOPLE }, (_, n) => [staffId(n), directId(n)]));

/** Starts DingTalk on a port of 127.0.0.1. */
export function startFakeDingTalk(options: FakeDingTalkOptions = {}): FakeDingTalk {
  const app: App = {
    key: APP_KEY,
    secret: APP_SECRET,
    tokens: new Set(),
    files: new Map(),
    uploads: new Map(),
  };
  const chats = createChats();
  const fates = createFates();
  const stream = createStream(APP_KEY, options, fates);
  const callbacks = createCallbacks(() => app.secret, options.redeliverAfterMs ?? 60_000, fates);
  const api = apiOf(app, chats, stream, options);
  const server = Bun.serve<SocketData>({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    websocket: stream.websocket,
    fetch(request, bun) {
      if (new URL(request.url).pathname === "/connect") return stream.upgrade(request, bun);
      return api.answer(request) ?? new Response("not found", { status: 404 });
    },
  });
  const apiBase = `http://127.0.0.1:${server.port}`;
  const payloads = new Map<string, object>();
  let address: string | null = null;
  const deliver = (payload: { msgId?: unknown }) => {
    fates.begin(String(payload.msgId));
    if (address === null) stream.deliver(payload);
    else callbacks.post(address, payload);
  };

  return {
    apiBase,
    appKey: APP_KEY,
    appSecret: APP_SECRET,
    cardTemplateId: CARD_TEMPLATE_ID,
    groupId: GROUP_ID,
    staffId,
    senderId,
    directId,
    write(writing) {
      const msgId = `msg${Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64")}`;
      const session = chats.openSession(writing.inGroup ? GROUP_ID : directId(writing.person ?? 1));
      const webhook = `${apiBase}/robot/sendBySession?session=${session}`;
      const payload = payloadOf(writing, { msgId, robotCode: APP_KEY, webhook, nowMs: Date.now() });
      payloads.set(msgId, payload);
      deliver(payload);
      return msgId;
    },
    again: (msgId) => deliver(payloads.get(msgId) ?? {}),
    sendFrame: stream.sendFrame,
    postTo(url) {
      address = url;
    },
    callbackAnswers: callbacks.answers,
    fate: fates.of,
    get connections() {
      return stream.connections.size;
    },
    get opened() {
      return stream.opened;
    },
    get pending() {
      return stream.pending + callbacks.pending;
    },
    acknowledged: stream.acknowledged,
    drop() {
      for (const one of stream.connections) one.terminate();
    },
    disconnect: () => stream.sendFrame({ headers: { topic: "disconnect", messageId: randomUUID() } }),
    refuseUpgradesFor: stream.refuseUpgradesFor,
    get refusedUpgrades() {
      return stream.refused;
    },
    shown: (conversationId) =>
      chats.messages.filter((one) => one.conversationId === conversationId && !one.isRecalled),
    calls: (route) => api.calls.filter((call) => route === undefined || call.route === route),
    fail: (route, failure, times = Number.POSITIVE_INFINITY) => api.fail(route, failure, times),
    heal: api.heal,
    expireTokens: () => app.tokens.clear(),
    expireWebhooks: chats.expireSessions,
    changeSecret() {
      app.secret = randomUUID();
    },
    addFile(bytes, mediaType = "application/octet-stream") {
      const code = randomUUID();
      app.files.set(code, { bytes, mediaType });
      return code;
    },
    uploads: app.uploads,
    until,
    async [Symbol.asyncDispose]() {
      stream.stop();
      callbacks.stop();
      await server.stop(true);
    },
  };
}

function apiOf(app: App, chats: Chats, stream: Stream, options: FakeDingTalkOptions) {
  const cards = createCards(chats, (id) => CONVERSATIONS.get(id) ?? id);
  const robot = createRobotApi({
    chats,
    robotCode: APP_KEY,
    conversationOf: (id) => CONVERSATIONS.get(id) ?? null,
    isMedia: (id) => app.uploads.has(id),
  });
  return createApi(
    {
      ...appHandlers(app, stream.ticket, options),
      webhook: ({ query, json }) => chats.sendBySession(query["session"] ?? "", json),
      person: ({ json }) => robot.toPerson(json),
      group: ({ json }) => robot.toGroup(json),
      recall: ({ json }) => robot.recall(json),
      reaction: () => ({ success: true }),
      card: ({ json }) => cards.create(json),
      "card text": ({ json }) => cards.stream(json),
      "card data": ({ json }) => cards.update(json),
    },
    (token) => app.tokens.has(token),
  );
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const endMs = Date.now() + UNTIL_TIMEOUT_MS;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}
