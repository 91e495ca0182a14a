import { decrypt, encrypt, getSignature } from "@wecom/crypto";

/** Plain, compatible or secure mode (明文模式, 兼容模式, 安全模式). */
export type Mode = "plain" | "compatible" | "secure";
/** Bigints are ids, which JSON has as numbers. */
export type CallbackFields = Readonly<Record<string, string | number | bigint>>;

/** What an account is known by. */
export interface EnvelopeKeys {
  appId: string;
  token: string;
  encodingAesKey: string;
  account: string;
  mode: Mode;
  format: "xml" | "json";
}

/** A call of the webhook. */
export interface Call {
  query: Record<string, string>;
  contentType: string;
  body: string;
}

/** Writes calls and reads their answers as WeChat does. */
export interface Envelopes {
  call(fields: CallbackFields, options?: { timestamp?: string; receiverId?: string }): Call;
  /** The three parts of every signature, for a GET. */
  signed(timestamp?: string): { signature: string; timestamp: string; nonce: string };
  /** The text that the answer shows to this person: empty for `success`, null for what WeChat does not understand. */
  readReply(body: string, user: string): string | null;
}

export function createEnvelopes(keys: EnvelopeKeys): Envelopes {
  const { appId, token, encodingAesKey, account, mode, format } = keys;
  const write = format === "json" ? writeJson : writeXml;
  const read = format === "json" ? readJson : readXml;

  const signed: Envelopes["signed"] = (timestamp = String(Math.floor(Date.now() / 1000))) => {
    const nonce = crypto.randomUUID().slice(0, 8);
    return { signature: getSignature(token, timestamp, nonce, ""), timestamp, nonce };
  };

  return {
    signed,
    call(fields, { timestamp, receiverId = appId } = {}) {
      const query = { ...signed(timestamp), openid: String(fields["FromUserName"]) };
      const { timestamp: time, nonce } = query;
      const contentType = format === "json" ? "application/json" : "text/xml";
      if (mode === "plain") return { query, contentType, body: write(fields) };
      const encrypted = encrypt(encodingAesKey, write(fields), receiverId);
      const beside = mode === "compatible" ? fields : { ToUserName: account };
      return {
        query: {
          ...query,
          encrypt_type: "aes",
          msg_signature: getSignature(token, time, nonce, encrypted),
        },
        contentType,
        body: write({ ...beside, Encrypt: encrypted }),
      };
    },
    readReply(body, user) {
      if (body === "" || body === "success") return "";
      let reply = read(body);
      if (mode !== "plain") {
        const { Encrypt = "", MsgSignature, TimeStamp = "", Nonce = "" } = reply;
        if (getSignature(token, TimeStamp, Nonce, Encrypt) !== MsgSignature) return null;
        const { message, id } = decrypt(encodingAesKey, Encrypt);
        if (id !== appId) return null;
        reply = read(message);
      }
      const isRight =
        reply["ToUserName"] === user && reply["FromUserName"] === account && reply["MsgType"] === "text";
      return isRight ? (reply["Content"] ?? null) : null;
    },
  };
}

function writeXml(fields: CallbackFields): string {
  const written = Object.entries(fields).map(([name, value]) => {
    const text =
      typeof value === "string" ? `<![CDATA[${value.replaceAll("]]>", "]]]]><![CDATA[>")}]]>` : value;
    return `<${name}>${text}</${name}>`;
  });
  return `<xml>\n${written.join("\n")}\n</xml>`;
}

function writeJson(fields: CallbackFields): string {
  const written = Object.entries(fields).map(
    ([name, value]) =>
      `${JSON.stringify(name)}: ${typeof value === "string" ? JSON.stringify(value) : value}`,
  );
  return `{ ${written.join(", ")} }`;
}

function readXml(xml: string): Record<string, string> {
  const fields = [...xml.matchAll(/<(\w+)>(?:((?:<!\[CDATA\[[\s\S]*?\]\]>)+)|(\d+))<\/\1>/g)];
  return Object.fromEntries(
    fields.map(([, name = "", sections, number = ""]) => [
      name,
      sections?.replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, "$1") ?? number,
    ]),
  );
}

function readJson(json: string): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(json)).map(([name, value]) => [name, String(value)]));
  } catch {
    return {}; // what WeChat does not understand
  }
}
