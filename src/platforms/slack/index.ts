import { type Platform, PlatformError } from "../contract.ts";
import { usesSocketMode } from "./mode.ts";
import { fits } from "./render.ts";

/** Slack: Socket Mode with an app-level token, otherwise the Events API over HTTP. */
export const SLACK: Platform<"slack"> = {
  id: "slack",
  title: "Slack",
  // About one message a second per channel (docs.slack.dev/apis/web-api/rate-limits); edits are limited to 50 a minute.
  limits: {
    editEveryMs: { direct: 1200, group: 1200 },
    typingEveryMs: 60_000,
    pace: {
      direct: { burst: 3, perSecond: 1 },
      group: { burst: 3, perSecond: 1 },
      account: { burst: 20, perSecond: 20 },
    },
    silenceMs: 90_000,
  },
  receivesBy: (account) => (usesSocketMode(account) ? "connection" : "webhook"),
  credential: ({ bot_token }) => bot_token ?? "",
  fits,
  async connect(account) {
    if (account.api_base !== undefined && !URL.canParse(account.api_base))
      throw new PlatformError("unauthorized", "api_base is no address.", {
        hint: "Write it whole, such as https://slack.com/api/.",
      });
    const { createSlackAdapter } = await import("./client.ts");
    return createSlackAdapter(account);
  },
};
