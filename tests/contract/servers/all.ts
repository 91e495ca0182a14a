import type { ChatServer } from "../server.ts";
import { startDingTalk } from "./dingtalk.ts";
import { startDiscord } from "./discord.ts";
import { startFeishu } from "./feishu.ts";
import { startSlack } from "./slack.ts";
import { startTelegram } from "./telegram.ts";
import { startWecom } from "./wecom.ts";

/** The servers of every platform, for what runs over all of them. */
export const CHAT_SERVERS: Readonly<Record<string, () => Promise<ChatServer>>> = {
  telegram: startTelegram,
  discord: startDiscord,
  slack: () => startSlack(),
  dingtalk: startDingTalk,
  feishu: startFeishu,
  wecom: startWecom,
};
