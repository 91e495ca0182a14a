import type { Platform } from "../contract.ts";
import { isBot } from "./mode.ts";
import { fits } from "./render.ts";

/** One person or one chat gets 30 messages a minute and 1,000 an hour; what is more is lost without a word. */
const PER_CHAT = { burst: 10, perSecond: 0.27 };

/**
 * WeCom (企业微信): an AI bot with a long connection, or an application that WeCom calls. The limits are those of
 * https://developer.work.weixin.qq.com/document/path/90312 and /101463.
 */
export const WECOM: Platform<"wecom"> = {
  id: "wecom",
  title: "WeCom",
  limits: {
    editEveryMs: { direct: 1500, group: 2500 },
    typingEveryMs: 8000,
    pace: { direct: PER_CHAT, group: PER_CHAT, account: { burst: 50, perSecond: 50 } },
    silenceMs: 120_000, // pings come every 30 s
  },
  receivesBy: (account) => (isBot(account) ? "connection" : "webhook"),
  credential: (account) =>
    isBot(account) ? `bot ${account.bot_id ?? ""}` : `app ${account.corp_id ?? ""} ${account.agent_id ?? ""}`,
  hasOneConnection: isBot,
  homeLanguage: () => "zh",
  fits,
  connect: async (account) => (await import("./adapter.ts")).createAdapter(account),
};
