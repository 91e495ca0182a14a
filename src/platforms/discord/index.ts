import type { Platform } from "../contract.ts";
import { fits } from "./render.ts";

/**
 * Discord, through its gateway and API v10. It tells its rate limits with every answer and says not to rely on figures
 * (https://discord.com/developers/docs/topics/rate-limits), so that the pace here only keeps bursts from being refused.
 */
export const DISCORD: Platform<"discord"> = {
  id: "discord",
  title: "Discord",
  limits: {
    editEveryMs: { direct: 1200, group: 1200 },
    typingEveryMs: 8000, // it is shown for 10 s
    pace: {
      direct: { burst: 5, perSecond: 1 },
      group: { burst: 5, perSecond: 1 },
      account: { burst: 40, perSecond: 40 }, // 50 a second are allowed
    },
    silenceMs: 120_000, // heartbeats are 41 s apart
  },
  receivesBy: ({ mode }) => (mode === "webhook" ? "webhook" : "connection"),
  // A token begins with the id of the bot, in base64; the rest changes when it is reset.
  credential: ({ bot_token: token = "" }) => /^[\w-]+(?=\.)/.exec(token)?.[0] ?? token,
  fits,
  connect: async (account) => (await import("./adapter.ts")).createAdapter(account),
};
