import { type Platform, PlatformError } from "../contract.ts";
import { isInternational } from "./hosts.ts";
import { fits } from "./render.ts";
import { isFromDingTalk } from "./signature.ts";

/** DingTalk: the robot of an app within an organization, in Stream mode or by calls to its webhook. */
export const DINGTALK: Platform<"dingtalk"> = {
  id: "dingtalk",
  title: "DingTalk",
  limits: {
    editEveryMs: { direct: 1500, group: 4000 }, // every change of a card counts in the quota of the organization
    typingEveryMs: 60_000, // it shows nobody as typing
    pace: {
      direct: { burst: 10, perSecond: 1 },
      // Whoever sends more than 20 messages to a group within a minute is muted for ten.
      group: { burst: 5, perSecond: 15 / 60 },
      account: { burst: 20, perSecond: 20 },
    },
    silenceMs: 120_000, // pings go out every 30 s, and the adapter itself gives up after 90
  },
  receivesBy: ({ mode }) => (mode === "webhook" ? "webhook" : "connection"),
  credential: ({ app_key }) => app_key ?? "",
  homeLanguage: ({ api_base }) => (isInternational(api_base) ? "en" : "zh"),
  fits,
  admits: (headers, { app_secret }) => isFromDingTalk(headers, app_secret, Date.now()),
  async connect(account) {
    if (account.api_base !== undefined && !URL.canParse(account.api_base))
      throw new PlatformError("unauthorized", "api_base is no address.", {
        hint: "Write it whole, such as https://api.dingtalk.com.",
      });
    const { createAdapter } = await import("./adapter.ts");
    return createAdapter(account);
  },
};
