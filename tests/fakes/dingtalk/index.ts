import { randomUUID } from "node:crypto";
import { type Call, createApi, type Handler } from "./api.ts";
import { createCallbacks } from "./callbacks.ts";
import { CARD_TEMPLATE_ID, createCards } from "./cards.ts";
import { createChats } from "./chats.ts";
import { ApiError, type FakeDingTalk, type FakeDingTalkOptions, OlderError, type Route } from "./contract.ts";
import { payloadOf } from "./payload.ts";
import { directId, GROUP_ID, senderId, staffId } from "./people.ts";
import { createRobotApi } from "./robot.ts";
import { createStream, type SocketData } from "./stream.ts";

export type { FakeDingTalk } from "./contract.ts";

const APP_KEY = "dingf0apw4ibx5u5ktba";
const APP_SECRET = "fake-secret-fake-secret-fake-secret";
/** Persons with lower numbers are in the organization. */
const PEOPLE = 100;
const TOKEN_LIFE_S = 7200;
/** Far more than anything takes, also on a busy machine. */
const UNTIL_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 5;

const CONVERSATIONS = new Map(Array.from({ length: PEOPLE }, (_, n) => [staffId(n), directId(n)]));

/** Starts DingTalk on a port of 127.0.0.1. */
export function startFakeDingTalk(options: FakeDingTalkOptions = {}): FakeDingTalk {
  let secret = APP_SECRET;
  const tokens = new Set<string>();
  const files = new Map<string, { bytes: Uint8Array; mediaType: string }>();
  const uploads = new Map<string, File>();
  const payloads = new Map<string, object>();
  const chats = createChats();
  const stream = createStream(APP_KEY, options);
  const callbacks = createCallbacks(() => secret, options.redeliverAfterMs ?? 60_000);
  const cards = createCards(chats, (id) => CONVERSATIONS.get(id) ?? id);
  const robot = createRobotApi({
    chats,
    robotCode: APP_KEY,
    conversationOf: (id) => CONVERSATIONS.get(id) ?? null,
    isMedia: (id) => uploads.has(id),
  });
  let address: string | null = null;

  const token = ({ json }: Call) => {
    if (json["appKey"] !== APP_KEY || json["appSecret"] !== secret)
      throw new ApiError(400, "invalidClientIdOrSecret");
    const accessToken = randomUUID().replaceAll("-", "");
    tokens.add(accessToken);
    return { accessToken, expireIn: TOKEN_LIFE_S };
  };
  const connection = ({ json, headers, origin }: Call) => {
    if (json["clientId"] !== APP_KEY || json["clientSecret"] !== secret)
      throw new ApiError(401, "authFailed");
    const endpoint = options.endpoint ?? `${origin.replace(/^http/, "ws")}/connect`;
    const given = { endpoint, ticket: stream.ticket() };
    // Whoever does not ask for JSON gets XML.
    if (headers["accept"] !== "application/json")
      return new Response(`<OpenConnectionResponse>${given.ticket}</OpenConnectionResponse>`);
    return given;
  };
  const file = ({ json, origin }: Call) => {
    const code = String(json["downloadCode"]);
    if (!files.has(code)) throw new ApiError(400, "invalidParameter.downloadCode.invalid");
    return { downloadUrl: `${origin}/files/${encodeURIComponent(code)}` };
  };
  const bytes = ({ path }: Call) => {
    const found = files.get(decodeURIComponent(path.replace("/files/", "")));
    if (found === undefined) return new Response("gone", { status: 404 });
    return new Response(found.bytes as Uint8Array<ArrayBuffer>, {
      headers: { "content-type": found.mediaType },
    });
  };
  const upload = ({ form, query }: Call) => {
    const media = form?.get("media");
    if (!(media instanceof File) || !["image", "file"].includes(query["type"] ?? ""))
      throw new OlderError(40004, "不合法的媒体文件类型");
    const id = `@lADP${randomUUID()}`;
    uploads.set(id, media);
    return { errcode: 0, errmsg: "ok", media_id: id, type: query["type"], created_at: Date.now() };
  };
  const handlers: Record<Route, Handler> = {
    token,
    connection,
    file,
    bytes,
    upload,
    webhook: ({ query, json }) => chats.sendBySession(query["session"] ?? "", json),
    person: ({ json }) => robot.toPerson(json),
    group: ({ json }) => robot.toGroup(json),
    recall: ({ json }) => robot.recall(json),
    reaction: () => ({ success: true }),
    card: ({ json }) => cards.create(json),
    "card text": ({ json }) => cards.stream(json),
    "card data": ({ json }) => cards.update(json),
  };
  const api = createApi(handlers, (one) => tokens.has(one));

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
  const deliver = (payload: object) => {
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
    expireTokens: () => tokens.clear(),
    expireWebhooks: chats.expireSessions,
    changeSecret() {
      secret = randomUUID();
    },
    addFile(content, mediaType = "application/octet-stream") {
      const code = randomUUID();
      files.set(code, { bytes: content, mediaType });
      return code;
    },
    uploads,
    async until(condition, what) {
      const endMs = Date.now() + UNTIL_TIMEOUT_MS;
      while (!condition()) {
        if (Date.now() > endMs) throw new Error(`waited in vain until ${what}`);
        await Bun.sleep(LOOK_EVERY_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      stream.stop();
      callbacks.stop();
      await server.stop(true);
    },
  };
}
