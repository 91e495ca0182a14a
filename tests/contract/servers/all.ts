import type { ChatServer, ServerOptions } from "../server.ts";
import { startDingTalk } from "./dingtalk.ts";
import { startDiscord } from "./discord.ts";
import { startFeishu } from "./feishu.ts";
import { startSlack } from "./slack.ts";
import { startTelegram } from "./telegram.ts";
import { startWechat } from "./wechat.ts";
import { startWecom, startWecomApp } from "./wecom.ts";

/** Starts the server of one platform. */
export type StartServer = (options?: ServerOptions) => Promise<ChatServer>;

/** The servers of every platform to which the bot connects, for what runs over all of them. */
export const CHAT_SERVERS: Readonly<Record<string, StartServer>> = {
  telegram: startTelegram,
  discord: startDiscord,
  slack: startSlack,
  dingtalk: startDingTalk,
  feishu: startFeishu,
  wecom: startWecom,
};

/** Those that call the webhook of the bot with what people write, one for each kind of account. */
export const CALLING_SERVERS: Readonly<Record<string, StartServer>> = {
  "telegram-webhook": (options) => startTelegram({ ...options, calls: true }),
  "slack-webhook": (options) => startSlack({ ...options, calls: true }),
  "dingtalk-webhook": (options) => startDingTalk({ ...options, calls: true }),
  "feishu-webhook": (options) => startFeishu({ ...options, calls: true }),
  "wecom-application": startWecomApp,
  wechat: startWechat,
  "wechat-unverified": (options) => startWechat({ ...options, isVerified: false }),
};
