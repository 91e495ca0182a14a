import type { Platform } from "../contract.ts";
import { fits } from "./render.ts";

/** WeChat Official Account (微信公众号): WeChat calls, and is answered within the call or by a push. No message can be changed. */
export const WECHAT: Platform<"wechat"> = {
  id: "wechat",
  title: "WeChat",
  limits: {
    editEveryMs: { direct: 0, group: 0 },
    typingEveryMs: 10_000,
    // The number of pushes is limited, not their rate; that of calls is at 500,000 a day.
    pace: {
      direct: { burst: 6, perSecond: 3 },
      group: { burst: 6, perSecond: 3 },
      account: { burst: 50, perSecond: 50 },
    },
    // Each call waits for up to six seconds: this many let 85 people write in a second, for whom nothing else would be done.
    webhooksInFlight: 512,
    silenceMs: 1_800_000,
  },
  receivesBy: () => "webhook",
  credential: ({ app_id: appId = "" }) => appId,
  homeLanguage: () => "zh",
  fits,
  connect: async (account) => (await import("./adapter.ts")).createAdapter(account),
};
