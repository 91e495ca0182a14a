import { type CallAnswer, type Caller, createCaller } from "../weixin/caller.ts";
import { Refusal } from "../weixin/contract.ts";
import { type ServerApi, startServerApi } from "../weixin/server-api.ts";
import { createAllowances } from "./allowances.ts";
import { type CallbackFields, createEnvelopes, type Envelopes, type Mode } from "./envelopes.ts";

const MAX_TEXT_BYTES = 2048;
const PICTURE = "mmbiz_jpg/0";
const APP_ID = "wx5823bf96d3bd56c7";

/** What a person sees of the account. */
export interface ShownMessage {
  user: string;
  /** In the answer to a call, or by the API. */
  by: "reply" | "push";
  type: string;
  /** The text; of a file, its id. */
  text: string;
}

/** How an account is set. */
export interface FakeWechatOptions {
  /** How much faster than on the platform calls come again; the answer may take five seconds by this clock. */
  clock?: number;
  mode?: Mode;
  format?: "xml" | "json";
  /** Verified accounts may push. */
  isVerified?: boolean;
  appId?: string;
}

/** An official account (https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Overview.html). */
export interface FakeWechat extends ServerApi {
  readonly appId: string;
  readonly appSecret: string;
  readonly token: string;
  readonly encodingAesKey: string;
  readonly account: string;
  readonly caller: Caller;
  readonly envelopes: Envelopes;
  /** Where a picture is for everybody. */
  readonly pictureUrl: string;
  /** Somebody writes. Resolves to the answer of the webhook. */
  write(text: string, writing?: { user?: string; id?: string }): Promise<CallAnswer>;
  /** Something else comes. The fields besides sender, receiver and time; `id` is what it is known by. */
  inject(id: string, fields: CallbackFields, user?: string): Promise<CallAnswer>;
  messages(user?: string): readonly ShownMessage[];
  /** People who saw the notice that the account is out of order. */
  readonly notices: readonly string[];
  /** People for whom it was shown that the account is typing. */
  readonly typings: readonly string[];
  unfollow(user: string): void;
  revoke(): void;
}

/** Starts WeChat. */
export function startFakeWechat(options: FakeWechatOptions = {}): FakeWechat {
  const { clock = 50, mode = "plain", format = "xml", isVerified = true, appId = APP_ID } = options;
  const keys = {
    appId,
    appSecret: "account-secret-0123456789",
    token: "callback-token",
    encodingAesKey: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
    account: "gh_0123456789ab",
  };
  const shown: ShownMessage[] = [];
  const notices: string[] = [];
  const typings: string[] = [];
  const gone = new Set<string>();
  const replied = new Set<string>();
  const allowances = createAllowances();
  const envelopes = createEnvelopes({ ...keys, mode, format });
  let isRevoked = false;
  let lastId = 23_456_789_012_345_678n;

  const api = startServerApi({
    tokenPath: "stable_token",
    badToken: 40001,
    open: { [PICTURE]: () => new Response("picture", { headers: { "content-type": "image/jpeg" } }) },
    checkCredentials: ({ json }) =>
      json["appid"] !== keys.appId ? 40013 : isRevoked || json["secret"] !== keys.appSecret ? 40125 : 0,
    methods: {
      "message/custom/send": ({ json }) => {
        const { touser = "", msgtype = "" } = json as { touser?: string; msgtype?: string };
        const body = json[msgtype] as { content?: string; media_id?: string } | undefined;
        if (!isVerified) throw new Refusal(48001);
        if (gone.has(touser)) throw new Refusal(43004);
        if (!body?.content && !body?.media_id) throw new Refusal(44004);
        if (Buffer.byteLength(body.content ?? "") > MAX_TEXT_BYTES) throw new Refusal(45002);
        const refusal = allowances.take(touser);
        if (refusal !== 0) throw new Refusal(refusal);
        shown.push({ user: touser, by: "push", type: msgtype, text: body.content ?? body.media_id ?? "" });
        return { errcode: 0, errmsg: "ok" };
      },
      "message/custom/typing": ({ json }) => {
        if (!isVerified) throw new Refusal(48001);
        typings.push(String(json["touser"]));
        return { errcode: 0, errmsg: "ok" };
      },
      ...(isVerified ? {} : { "media/get": () => refuse(48001), "media/upload": () => refuse(48001) }),
    },
  });
  const caller = createCaller(clock);
  const pictureUrl = `${api.url}/cgi-bin/${PICTURE}`;

  const inject: FakeWechat["inject"] = async (id, fields, user = "openid-1") => {
    allowances.open(user, fields["MsgType"] === "event" ? "action" : "message");
    const time = { ToUserName: keys.account, FromUserName: user, CreateTime: nowS() };
    const answer = await caller.deliver(id, () => envelopes.call({ ...time, ...fields }));
    const reply = answer.status === 200 ? envelopes.readReply(answer.body, user) : null;
    if (reply === null) notices.push(user);
    else if (reply !== "" && !replied.has(`${id} ${reply}`))
      shown.push({ user, by: "reply", type: "text", text: reply });
    replied.add(`${id} ${reply}`); // of several calls for one message, people see one answer
    return answer;
  };

  return Object.assign(api, keys, {
    caller,
    envelopes,
    pictureUrl,
    inject,
    notices,
    typings,
    write: (text: string, { user = "openid-1", id = String(++lastId) } = {}) =>
      inject(id, { MsgType: "text", Content: text, MsgId: BigInt(id) }, user),
    messages: (user?: string) => shown.filter((one) => user === undefined || one.user === user),
    unfollow: (user: string) => void gone.add(user),
    revoke() {
      isRevoked = true;
      api.dropTokens();
    },
  });
}

function refuse(errcode: number): never {
  throw new Refusal(errcode);
}

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}
