import { encrypt, getSignature } from "@wecom/crypto";
import { type CallAnswer, type Caller, createCaller } from "../weixin/caller.ts";
import { type Method, Refusal } from "../weixin/contract.ts";
import { type ServerApi, startServerApi } from "../weixin/server-api.ts";
import { createCards } from "./cards.ts";

/** WeCom cuts off what is longer. */
const MAX_TEXT_BYTES = 2048;
/** What one person gets from one application in a minute; more is lost without a word. */
const MAX_A_MINUTE = 30;

/** A message of the application, as its reader sees it. */
export interface ShownMessage {
  msgid: string;
  user: string;
  type: string;
  /** The text or the Markdown; of a file, its id; of a card, its title and its buttons. */
  content: string;
  /** It was longer. */
  isCut: boolean;
}

/** A corporation with one application (https://developer.work.weixin.qq.com/document/path/90236 and /90930). */
export interface FakeWecomApp extends ServerApi {
  readonly corpId: string;
  readonly agentId: string;
  readonly secret: string;
  readonly token: string;
  readonly encodingAesKey: string;
  readonly caller: Caller;
  /** Somebody writes. Resolves to the answer of the webhook. */
  write(text: string, writing?: { user?: string; id?: string }): Promise<CallAnswer>;
  /** Something else comes: the inner XML. */
  inject(id: string, xml: string): Promise<CallAnswer>;
  /** The query that a call with this text is signed with, `timestamp` in seconds. */
  signed(encrypted: string, timestamp?: string): Record<string, string>;
  encrypt(text: string, receiverId?: string): string;
  messages(user?: string): readonly ShownMessage[];
  /** This person may not be written to. */
  block(user: string): void;
  /** Its secret is worth nothing any more. */
  revoke(): void;
}

/** Starts WeCom. `clock`: how much sooner it hangs up. */
export function startFakeWecomApp({ clock = 1 }: { clock?: number } = {}): FakeWecomApp {
  const keys = {
    corpId: "ww1234567890abcdef",
    agentId: "1000002",
    secret: "application-secret-0123456789",
    token: "callback-token",
    encodingAesKey: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
  };
  const shown: ShownMessage[] = [];
  const blocked = new Set<string>();
  let isRevoked = false;
  let lastId = 7_000_000_000_000_000_000n;
  const api = startServerApi({
    tokenPath: "gettoken",
    badToken: 40014,
    checkCredentials: ({ query }) =>
      query["corpid"] !== keys.corpId ? 40013 : isRevoked || query["corpsecret"] !== keys.secret ? 40001 : 0,
    methods: {
      "message/send": sending(keys.agentId, shown, blocked, (id) => api.media(id) !== undefined),
      "agent/get": ({ query }) => {
        if (query["agentid"] !== keys.agentId) throw new Refusal(301002);
        return { errcode: 0, errmsg: "ok", agentid: Number(keys.agentId), name: "小助手" };
      },
    },
  });
  const caller = createCaller(clock);

  const signed: FakeWecomApp["signed"] = (encrypted, timestamp = nowS()) => {
    const nonce = crypto.randomUUID().slice(0, 8);
    return {
      msg_signature: getSignature(keys.token, timestamp, nonce, encrypted),
      timestamp,
      nonce,
    };
  };
  const encryptFor: FakeWecomApp["encrypt"] = (text, receiverId = keys.corpId) =>
    encrypt(keys.encodingAesKey, text, receiverId);
  const inject: FakeWecomApp["inject"] = (id, xml) =>
    caller.deliver(id, () => {
      const encrypted = encryptFor(xml);
      return {
        query: signed(encrypted),
        body: `<xml><ToUserName><![CDATA[${keys.corpId}]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt><AgentID><![CDATA[${keys.agentId}]]></AgentID></xml>`,
      };
    });

  return Object.assign(api, keys, {
    caller,
    inject,
    signed,
    encrypt: encryptFor,
    write(text: string, { user = "ZhangSan", id = String(++lastId) } = {}) {
      const cdata = text.replaceAll("]]>", "]]]]><![CDATA[>");
      return inject(
        id,
        `<xml><ToUserName><![CDATA[${keys.corpId}]]></ToUserName><FromUserName><![CDATA[${user}]]></FromUserName><CreateTime>${nowS()}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${cdata}]]></Content><MsgId>${id}</MsgId><AgentID>${keys.agentId}</AgentID></xml>`,
      );
    },
    messages: (user?: string) => shown.filter((one) => user === undefined || one.user === user),
    block: (user: string) => void blocked.add(user),
    revoke() {
      isRevoked = true;
      api.dropTokens();
    },
  });
}

/** `message/send`, with its duplicate check over the JSON of the request. */
function sending(
  agentId: string,
  shown: ShownMessage[],
  blocked: ReadonlySet<string>,
  hasMedia: (id: string) => boolean,
): Method {
  const known = new Map<string, { untilMs: number; msgid: string }>();
  const times = new Map<string, number[]>();
  const cards = createCards();
  return ({ json }) => {
    const { touser, msgtype, agentid } = json as { touser?: string; msgtype?: string; agentid?: unknown };
    if (agentid !== Number(agentId)) throw new Refusal(40056);
    if (touser === undefined || touser === "" || touser.includes("|")) throw new Refusal(40003);
    if (blocked.has(touser))
      return { errcode: 0, errmsg: "ok", invaliduser: touser.toLowerCase(), msgid: "" };
    const body = json[msgtype ?? ""] as { content?: string; media_id?: string } | undefined;
    if (msgtype === undefined || body === undefined) throw new Refusal(40008);
    if (body.content === "") throw new Refusal(44004);
    if (body.media_id !== undefined && !hasMedia(body.media_id)) throw new Refusal(40007);
    const request = JSON.stringify(json);
    const before = json["enable_duplicate_check"] === 1 ? known.get(request) : undefined;
    if (before !== undefined && before.untilMs > Date.now())
      return { errcode: 0, errmsg: "ok", invaliduser: "", msgid: before.msgid };
    const card = msgtype === "template_card" ? cards.take(body) : undefined;
    if (typeof card === "number") throw new Refusal(card);
    const msgid = `msg-${crypto.randomUUID()}`;
    const seconds = Number(json["duplicate_check_interval"] ?? 1800);
    if (!(seconds > 0 && seconds <= 14_400)) throw new Refusal(40058);
    known.set(request, { untilMs: Date.now() + seconds * 1000, msgid });
    const lately = (times.get(touser) ?? []).filter((ms) => ms > Date.now() - 60_000);
    times.set(touser, [...lately, Date.now()]);
    if (lately.length < MAX_A_MINUTE)
      shown.push(asShown(msgid, touser, msgtype, card === undefined ? body : { content: card }));
    return { errcode: 0, errmsg: "ok", invaliduser: "", msgid };
  };
}

function asShown(
  msgid: string,
  user: string,
  type: string,
  { content, media_id: media = "" }: { content?: string; media_id?: string },
): ShownMessage {
  const bytes = Buffer.from(content ?? media);
  const isCut = bytes.length > MAX_TEXT_BYTES;
  return { msgid, user, type, content: bytes.subarray(0, MAX_TEXT_BYTES).toString(), isCut };
}

function nowS(): string {
  return String(Math.floor(Date.now() / 1000));
}
