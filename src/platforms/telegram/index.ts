import type { Platform } from "../contract.ts";
import { admits } from "./admits.ts";
import { fits } from "./render.ts";

/**
 * Telegram, through the Bot API. The limits are those of https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this;
 * what is not written there Telegram tells with 429.
 */
export const TELEGRAM: Platform<"telegram"> = {
  id: "telegram",
  title: "Telegram",
  limits: {
    editEveryMs: { direct: 1000, group: 3000 },
    typingEveryMs: 4000, // it is shown for 5 s
    pace: {
      direct: { burst: 3, perSecond: 1 },
      group: { burst: 3, perSecond: 20 / 60 },
      account: { burst: 30, perSecond: 30 },
    },
    silenceMs: 90_000, // a poll takes 60 s at most
  },
  receivesBy: ({ mode }) => (mode === "webhook" ? "webhook" : "connection"),
  // A token is the id of the bot and a secret that can be changed: the bot stays the same.
  credential: ({ bot_token: token = "" }) => /^\d+(?=:)/.exec(token)?.[0] ?? token,
  fits,
  admits,
  connect: async (account) => (await import("./adapter.ts")).createAdapter(account),
};
