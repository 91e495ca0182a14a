import { describe, expect, test } from "bun:test";
import { chooseAccounts } from "../../src/app/accounts.ts";
import { accountLabel } from "../../src/config/accounts.ts";
import { AppError } from "../../src/lib/errors.ts";
import { liveConfig } from "../support/agent.ts";

const account = (name: string, more = {}) => ({ name, bot_token: `token of ${name}`, ...more });
const { current: config } = liveConfig({
  platforms: {
    telegram: { accounts: [account("work"), account("home"), account("off", { enabled: false })] },
    discord: { bot_token: "a" },
    slack: { enabled: false },
  },
});

const chosen = (...names: string[]) => chooseAccounts(config, names).map(accountLabel);
const refusal = (...names: string[]) => {
  try {
    return chosen(...names);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [error.code, error.message, error.hint];
  }
};

describe("accounts by their names", () => {
  test("are those of a platform, one of them, or all", () => {
    expect(chosen()).toEqual(["telegram.work", "telegram.home", "discord"]);
    expect(chosen("telegram")).toEqual(["telegram.work", "telegram.home"]);
    expect(chosen("telegram.home", "discord")).toEqual(["telegram.home", "discord"]);
  });

  test.each([
    [
      "telegram.wrok",
      "telegram.wrok is not configured, or not enabled.",
      "There are telegram.work, telegram.home.",
    ],
    [
      "telegram.off",
      "telegram.off is not configured, or not enabled.",
      "There are telegram.work, telegram.home.",
    ],
    [
      "discord.work",
      "discord.work is not configured, or not enabled.",
      "There is one account only: discord.",
    ],
    ["slack", "platforms.slack.enabled is false.", "Set it to true."],
    [
      "feishu",
      "feishu is not configured.",
      "Set FEISHU_APP_ID=... and FEISHU_APP_SECRET=..., or platforms.feishu.app_id and platforms.feishu.app_secret.",
    ],
    [
      "wecom",
      "wecom is not configured.",
      "Set platforms.wecom.bot_id and platforms.wecom.bot_secret; or platforms.wecom.corp_id, platforms.wecom.agent_id, platforms.wecom.secret, platforms.wecom.token and platforms.wecom.encoding_aes_key.",
    ],
    [
      "wechat",
      "wechat is not configured.",
      "Set platforms.wechat.app_id, platforms.wechat.app_secret and platforms.wechat.token.",
    ],
  ])("%s is refused with what to do", (name, message, hint) => {
    expect(refusal("discord", name)).toEqual(["config_invalid", message, hint]);
  });
});
