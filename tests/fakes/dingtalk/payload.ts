import type { Writing } from "./contract.ts";
import { BOT_USER_ID, CORP_ID, directId, GROUP_ID, senderId, staffId } from "./people.ts";

/** Webhooks of conversations last so long (from real payloads: 5400 s after `createAt`). */
const WEBHOOK_LIFE_MS = 5_400_000;

/** What a payload is made of besides what somebody wrote. */
export interface PayloadParts {
  msgId: string;
  robotCode: string;
  webhook: string;
  nowMs: number;
}

/** A message to the robot, in the form of the real ones (wenhaozhao/dingtalk-stream-sdk-rust, test_resources). */
export function payloadOf(
  { text = "", person = 1, isOutside = false, inGroup = false, mention = true, more = {} }: Writing,
  { msgId, robotCode, webhook, nowMs }: PayloadParts,
): Record<string, unknown> {
  const place = inGroup
    ? {
        conversationType: "2",
        conversationTitle: "Test",
        atUsers: [{ dingtalkId: BOT_USER_ID }],
        isInAtList: mention,
      }
    : { conversationType: "1" };
  const known = isOutside
    ? { senderCorpId: "dingother" }
    : { senderStaffId: staffId(person), senderCorpId: CORP_ID };
  const conversationId = inGroup ? GROUP_ID : directId(person);
  return {
    chatbotCorpId: CORP_ID,
    chatbotUserId: BOT_USER_ID,
    conversationId,
    ...place,
    createAt: nowMs,
    isAdmin: false,
    msgId,
    msgtype: "text",
    openThreadId: conversationId,
    robotCode,
    ...known,
    senderId: senderId(person),
    senderNick: `Person ${person}`,
    senderPlatform: "Mac",
    sessionWebhook: webhook,
    sessionWebhookExpiredTime: nowMs + WEBHOOK_LIFE_MS,
    // The mention of the robot is taken out, its space is not.
    text: { content: inGroup ? ` ${text}` : text },
    ...more,
  };
}
