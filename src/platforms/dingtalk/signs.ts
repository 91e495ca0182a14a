import { type PlatformAdapter, PlatformError } from "../contract.ts";
import type { DingTalkApi } from "./api.ts";
import type { Conversations } from "./conversations.ts";
import type { Robot } from "./robot.ts";

/** The one sign that robots may put on a message ("thinking"), as DingTalk's own connector for agents does. */
const THINKING = {
  emotionType: 2,
  emotionName: "🤔思考中",
  textEmotion: {
    emotionId: "2659900",
    emotionName: "🤔思考中",
    text: "🤔思考中",
    backgroundId: "im_bg_1",
  },
};

/** A message that is seen is thought about; there is no sign for what became of it, so that the first is taken away. */
export function createReact(
  api: DingTalkApi,
  conversations: Conversations,
  robot: Robot,
): Required<Pick<PlatformAdapter, "react">>["react"] {
  return async ({ chat }, messageId, reaction, signal) => {
    const conversationId = conversations.of(chat)?.id ?? groupOf(chat, robot);
    const place = { robotCode: api.robotCode, openMsgId: messageId, openConversationId: conversationId };
    const action = reaction === "seen" ? "reply" : "recall";
    await api.call("POST", `v1.0/robot/emotion/${action}`, { ...place, ...THINKING }, "the reaction", signal);
  };
}

function groupOf(chat: string, robot: Robot): string {
  const target = robot.targetOf(chat);
  if ("group" in target) return target.group;
  throw new PlatformError("refused", "The conversation with this person is not known any more.");
}
