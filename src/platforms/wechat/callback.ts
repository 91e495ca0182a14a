import { randomInt } from "node:crypto";
import type { AccountSettings, WebhookAnswer, WebhookRequest } from "../contract.ts";
import { decryptCallback, encryptCallback, isFresh, isSigned, signatureOf } from "../weixin-cipher.ts";
import { writeXml, type XmlFields } from "../xml.ts";
import { type Body, type Format, readBody } from "./fields.ts";
import type { Replays } from "./replays.ts";

/** A call that WeChat made for this account. */
export interface Callback {
  fields: XmlFields;
  /** Answers it with a message of these fields, written and encrypted as the call was. */
  answer(message: Readonly<Record<string, string | number>>): WebhookAnswer;
}

/** Why a call is not taken for one of WeChat's. */
export interface Refused {
  refusal: string;
  /** It was made by somebody who has the token. */
  isSigned: boolean;
}

const OLD: Refused = { refusal: "It is old, or the clock of this server is wrong.", isSigned: true };
const UNSIGNED: Refused = { refusal: "It is not signed with the token.", isSigned: false };
const UNREADABLE: Refused = { refusal: "It is neither XML nor JSON.", isSigned: false };

/** True for the GET by which the address is saved (https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Access_Overview.html). */
export function isRightProbe(request: WebhookRequest, account: AccountSettings<"wechat">): boolean {
  return isFromWechat(request, account) && isFresh(request.query["timestamp"] ?? "", request.receivedAtMs);
}

/** The signature that every call has; it does not cover the body. */
function isFromWechat({ query }: WebhookRequest, { token }: AccountSettings<"wechat">): boolean {
  return isSigned(query["signature"], token, [query["timestamp"] ?? "", query["nonce"] ?? ""]);
}

/**
 * Opens a POST. With a key, only what is encrypted counts, also in compatible mode, where the plain text stands beside it; without
 * one the account is in plain mode. Whatever is not signed, not fresh or not for this account is refused.
 */
export function openCallback(
  request: WebhookRequest,
  account: AccountSettings<"wechat">,
  replays: Replays,
): Callback | Refused {
  const { encoding_aes_key: key } = account;
  if (key === undefined && !isFromWechat(request, account)) return UNSIGNED;
  const body = readBody(request.body);
  if (body === null) return UNREADABLE;
  return key === undefined ? openPlain(body, request, replays) : openEncrypted(body, request, account, key);
}

/** Of a call that is signed. */
function openPlain({ format, fields }: Body, request: WebhookRequest, replays: Replays): Callback | Refused {
  if (!isFresh(request.query["timestamp"] ?? "", request.receivedAtMs)) return OLD;
  if (!replays.admits(request.query["signature"] ?? "", request.body))
    return { refusal: "Its signature came with another text before.", isSigned: true };
  if (!fields.has("MsgType") && fields.has("Encrypt"))
    return { refusal: "It is encrypted: set encoding_aes_key.", isSigned: true };
  return { fields, answer: (message) => written(message, format) };
}

function openEncrypted(
  body: Body,
  { query, receivedAtMs }: WebhookRequest,
  { token, app_id: receiverId = "" }: AccountSettings<"wechat">,
  encodingAesKey: string,
): Callback | Refused {
  const { timestamp = "", nonce = "" } = query;
  const encrypted = body.fields.get("Encrypt") ?? "";
  if (encrypted === "" || !isSigned(query["msg_signature"], token, [timestamp, nonce, encrypted]))
    return UNSIGNED;
  if (!isFresh(timestamp, receivedAtMs)) return OLD;
  const cipher = { encodingAesKey, receiverId };
  const text = decryptCallback(encrypted, cipher);
  if (text === null)
    return { refusal: "It is not encrypted with encoding_aes_key for app_id.", isSigned: true };
  return {
    fields: readBody(text)?.fields ?? new Map(),
    answer(message) {
      const sealed = encryptCallback(written(message, body.format).body ?? "", cipher);
      const time = String(Math.floor(Date.now() / 1000));
      const random = String(randomInt(2 ** 40));
      const signature = signatureOf([token ?? "", time, random, sealed]);
      const envelope = { Encrypt: sealed, MsgSignature: signature, TimeStamp: Number(time), Nonce: random };
      return written(envelope, body.format);
    },
  };
}

function written(fields: Readonly<Record<string, string | number>>, format: Format): WebhookAnswer {
  return format === "json"
    ? { status: 200, contentType: "application/json; charset=utf-8", body: JSON.stringify(fields) }
    : { status: 200, contentType: "text/xml; charset=utf-8", body: writeXml(fields) };
}
