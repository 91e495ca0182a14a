import { PlatformError } from "../contract.ts";
import { type Meaning, unknownMeaning } from "../weixin-error.ts";

const CONSOLE = "in the admin console (管理后台), 应用管理, your application";

const SECRET: Meaning = {
  kind: "unauthorized",
  message: "WeCom does not accept the secret of the application.",
  hint: `Compare secret with Secret ${CONSOLE}.`,
};
const BOT_SECRET: Meaning = {
  kind: "unauthorized",
  message: "WeCom does not accept the id or the secret of the bot.",
  hint: "Compare bot_id and bot_secret with the settings of the AI bot (智能机器人), connection (连接方式), long connection (使用长连接).",
};
const NOT_ALLOWED: Meaning = {
  kind: "refused",
  message: "This person may not use the application, or does not exist.",
  hint: `Add the person to the visible range (可见范围) ${CONSOLE}.`,
};

/** https://developer.work.weixin.qq.com/document/path/90313; the numbers from 846600 on are those of the long connection. */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  [-1]: { kind: "unavailable", message: "WeCom is busy." },
  6000: { kind: "unavailable", message: "WeCom is busy with the same data." },
  40014: { kind: "unavailable", message: "WeCom refuses the token that it gave." },
  42001: { kind: "unavailable", message: "WeCom refuses the token that it gave." },
  40001: SECRET,
  40091: SECRET,
  40013: {
    kind: "unauthorized",
    message: "WeCom does not know the corporation.",
    hint: "Compare corp_id with 企业ID in the admin console, 我的企业.",
  },
  40056: {
    kind: "unauthorized",
    message: "WeCom does not know the application.",
    hint: `Compare agent_id with AgentId ${CONSOLE}.`,
  },
  301002: {
    kind: "unauthorized",
    message: "The secret is not that of this application.",
    hint: `Take agent_id and secret from the same application: AgentId and Secret ${CONSOLE}.`,
  },
  60020: {
    kind: "unauthorized",
    message: "WeCom does not trust the address of this server.",
    hint: `Add its public IP address under 企业可信IP ${CONSOLE}.`,
  },
  48002: {
    kind: "unauthorized",
    message: "The application may not use this part of the API.",
    hint: `Look at its permissions ${CONSOLE}.`,
  },
  45009: { kind: "rate_limited", message: "WeCom limits the rate of calls.", retryAfterMs: 60_000 },
  45033: { kind: "rate_limited", message: "WeCom limits the calls at once.", retryAfterMs: 2000 },
  40003: NOT_ALLOWED,
  60111: NOT_ALLOWED,
  81013: NOT_ALLOWED,
  82001: NOT_ALLOWED,
  40007: { kind: "refused", message: "The file is not there any more." },
  853000: BOT_SECRET,
  846605: { kind: "refused", message: "The message cannot be answered in place any more." },
  846608: { kind: "refused", message: "The message cannot grow any more." },
  846609: { kind: "unavailable", message: "WeCom has ended the bot's subscription." },
};

/** What an error of the server API or of the long connection means. `words`: its `errmsg`. */
export function meaningOf(code: number, what: string, words = ""): Meaning {
  const known = MEANINGS[code];
  if (known !== undefined) return known;
  const hint = `https://open.work.weixin.qq.com/devtool/query?e=${code} tells more.`;
  return { ...unknownMeaning(words, `WeCom refused ${what}: ${code}.`), hint };
}

/** A key is missing without which the account can do nothing, or its `value` is none. */
export function lacks(key: string, hint: string, value = ""): PlatformError {
  const how = value.trim() === "" ? "missing" : "wrong";
  return new PlatformError("unauthorized", `platforms.wecom.${key} is ${how}.`, { hint });
}
