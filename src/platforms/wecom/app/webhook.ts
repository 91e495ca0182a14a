import type { AccountSettings, ConnectionHooks, WebhookAnswer, WebhookRequest } from "../../contract.ts";
import { decryptCallback, isFresh, isSigned } from "../../weixin-cipher.ts";
import { parseXml } from "../../xml.ts";
import { parseCallback } from "./parse.ts";

const TAKEN: WebhookAnswer = { status: 200, body: "" };
const FORGED: WebhookAnswer = { status: 401 };
/** WeCom calls three times in all, at intervals of five seconds. */
const LATER: WebhookAnswer = { status: 503 };

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** What a call holds that was made by WeCom for this account: the text that it encrypted. */
type Opened = { text: string } | { refusal: string; isSigned: boolean };

/**
 * Takes what WeCom calls the address of an application with (https://developer.work.weixin.qq.com/document/path/90930): GET
 * when the address is saved, then a POST for every message. Whatever is not signed, not fresh or not for this corporation is
 * answered with 401, however it is broken. Answers 200 only for what is on disk; answers of the bot go out by the server API.
 */
export function createAppWebhook(account: AccountSettings<"wecom">) {
  const reading = { corpId: account.corp_id ?? "", agentId: account.agent_id ?? "" };

  return async (request: WebhookRequest, hooks: ConnectionHooks): Promise<WebhookAnswer> => {
    const isProbe = request.method === "GET";
    const encrypted = isProbe ? echoIn(request) : encryptedIn(request);
    const opened = open(encrypted, request, account);
    if ("refusal" in opened) {
      // Whoever cannot sign shall not fill the log.
      hooks.log(opened.isSigned ? "warn" : "debug", "a call was refused", { reason: opened.refusal });
      return FORGED;
    }
    hooks.alive();
    if (isProbe) return { status: 200, contentType: "text/plain; charset=utf-8", body: opened.text };
    const fields = parseXml(opened.text);
    const message = fields === null ? null : parseCallback(fields, reading);
    if (message === null) {
      hooks.log("debug", "a callback says nothing to be answered", { type: fields?.get("MsgType") });
      return TAKEN;
    }
    try {
      await hooks.emit(message);
      return TAKEN;
    } catch (error) {
      hooks.log("warn", "a message could not be taken; WeCom delivers it again", { id: message.id, error });
      return LATER;
    }
  };
}

/** A plus sign that stands in an address as it is was read as a space. */
function echoIn({ query }: WebhookRequest): string {
  return (query["echostr"] ?? "").replaceAll(" ", "+");
}

/** The field `Encrypt` of a body; empty for a body without one. */
function encryptedIn({ body }: WebhookRequest): string {
  try {
    return parseXml(strictUtf8.decode(body))?.get("Encrypt") ?? "";
  } catch {
    return ""; // no UTF-8
  }
}

function open(
  encrypted: string,
  { query, receivedAtMs }: WebhookRequest,
  { token, encoding_aes_key: encodingAesKey = "", corp_id: receiverId = "" }: AccountSettings<"wecom">,
): Opened {
  const { timestamp = "", nonce = "" } = query;
  if (encrypted === "" || !isSigned(query["msg_signature"], token, [timestamp, nonce, encrypted]))
    return { refusal: "It is not signed with the token.", isSigned: false };
  if (!isFresh(timestamp, receivedAtMs))
    return { refusal: "It is old, or the clock of this server is wrong.", isSigned: true };
  const text = decryptCallback(encrypted, { encodingAesKey, receiverId });
  if (text !== null) return { text };
  return { refusal: "It is not encrypted with encoding_aes_key for corp_id.", isSigned: true };
}
