import { PlatformError } from "../contract.ts";
import { type Meaning, unknownMeaning, weixinCode } from "../weixin-error.ts";

const CONSOLE = "at developers.weixin.qq.com/platform, My Business (我的业务), the account";
const KEYS = `${CONSOLE}, Development Keys (开发密钥)`;
/** Where each key of an account stands. */
const PLACES = {
  app_id: `AppID ${CONSOLE}, Basic Information (基础信息)`,
  app_secret: `AppSecret ${KEYS}`,
  token: `Token ${CONSOLE}, Domains and Message Push (域名与消息推送配置)`,
  encoding_aes_key: `the EncodingAESKey of 43 characters ${CONSOLE}, Domains and Message Push (域名与消息推送配置)`,
} as const;

const SECRET: Meaning = {
  kind: "unauthorized",
  message: "WeChat does not accept the secret of the account.",
  hint: `Compare app_secret with ${PLACES.app_secret}.`,
};
const BAD_TOKEN: Meaning = { kind: "unavailable", message: "WeChat refuses the token that it gave." };
const NOBODY: Meaning = { kind: "refused", message: "This person does not follow the account." };

/** https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  [-1]: { kind: "unavailable", message: "WeChat is busy." },
  40001: BAD_TOKEN,
  40014: BAD_TOKEN,
  42001: BAD_TOKEN,
  40002: SECRET,
  40125: SECRET,
  40243: {
    kind: "unauthorized",
    message: "The secret of the account is frozen.",
    hint: `Unfreeze it, or make a new one, ${KEYS}.`,
  },
  40013: {
    kind: "unauthorized",
    message: "WeChat does not know the account.",
    hint: `Compare app_id with ${PLACES.app_id}.`,
  },
  40164: {
    kind: "unauthorized",
    message: "WeChat does not trust the address of this server.",
    hint: `Add its public IP address to the API IP whitelist (API IP 白名单) ${KEYS}.`,
  },
  40003: NOBODY,
  43004: NOBODY,
  40007: { kind: "refused", message: "The file is not there any more." },
  45009: {
    kind: "rate_limited",
    message: "The calls that WeChat allows in a day are used up.",
    retryAfterMs: 600_000,
  },
  45011: { kind: "rate_limited", message: "WeChat limits the rate of calls.", retryAfterMs: 60_000 },
  45015: { kind: "refused", message: "The person has not written for too long to be written to." },
  45047: { kind: "refused", message: "The person got as many messages as WeChat allows for one question." },
  48001: {
    kind: "refused",
    message: "The account may not use this part of the API.",
    hint: "Only verified accounts (认证) may; others answer within the call, or at the next message.",
  },
  50002: { kind: "unauthorized", message: "WeChat has restricted the account." },
};

/** What an error of the server API means. */
export function meaningOf(code: number, what: string, words = ""): Meaning {
  // In the answer to the call for a token, it is the secret that is wrong.
  if (code === 40001 && what === "stable_token") return SECRET;
  return MEANINGS[code] ?? unknownMeaning(words, `WeChat refused ${what}: ${code}.`);
}

/** The account may not push at all. */
export function isDenied(error: unknown): boolean {
  return weixinCode(error) === 48001;
}

/** The person has to write before more can be pushed. */
export function isUsedUp(error: unknown): boolean {
  return weixinCode(error) === 45015 || weixinCode(error) === 45047;
}

/** A key is missing without which the account can do nothing, or its `value` is none. */
export function lacks(key: keyof typeof PLACES, value = ""): PlatformError {
  const how = value.trim() === "" ? "missing" : "wrong";
  return new PlatformError("unauthorized", `platforms.wechat.${key} is ${how}.`, {
    hint: `It is ${PLACES[key]}.`,
  });
}
