import type { Platform } from "../contract.ts";
import { fits } from "./render.ts";

/**
 * Feishu and Lark: the long connection, or callbacks. The limits are those of
 * open.feishu.cn/document/server-docs/im-v1/message/create, 5 messages a second to one person or group, and of the calls of one app,
 * 1000 a minute and 50 a second.
 */
export const FEISHU: Platform<"feishu"> = {
  id: "feishu",
  title: "Feishu",
  limits: {
    editEveryMs: { direct: 1000, group: 1000 },
    typingEveryMs: 0, // bots of Feishu cannot be seen typing
    pace: {
      direct: { burst: 5, perSecond: 4 },
      group: { burst: 5, perSecond: 4 },
      account: { burst: 40, perSecond: 16 },
    },
    silenceMs: 300_000, // pings are two minutes apart, three at most
  },
  receivesBy: ({ mode }) => (mode === "webhook" ? "webhook" : "connection"),
  credential: ({ app_id }) => app_id ?? "",
  homeLanguage: ({ domain }) => (domain === "lark" ? "en" : "zh"),
  fits,
  connect: async (account) => (await import("./adapter.ts")).createAdapter(account),
};
