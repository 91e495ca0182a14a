import { PlatformError } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import type { DingTalkApi } from "./api.ts";
import type { Conversations } from "./conversations.ts";
import type { Template } from "./message.ts";

/** DingTalk's ids of conversations; ids of people are shorter. */
const CONVERSATION_ID = /^cid[A-Za-z0-9+/]{20,}={0,2}$/;
const AFTER_TOO_MANY_MS = 2000;

/** Where a chat is, as the robot's API names it. */
export type Target = { group: string } | { person: string };

/** Messages of the robot that need no webhook: to any group that it is in, and to anybody in the organization. */
export interface Robot {
  /** Resolves with the key by which the message can be recalled. */
  send(chat: string, template: Template, signal: AbortSignal): Promise<string>;
  recall(chat: string, key: string, signal: AbortSignal): Promise<void>;
  /** Rejects with `refused` for a person whom the API cannot name. */
  targetOf(chat: string): Target;
}

/** The robot of an app. DingTalk has no id by which it would know a second try of a message. */
export function createRobot(api: DingTalkApi, conversations: Conversations): Robot {
  const { robotCode } = api;

  function targetOf(chat: string): Target {
    const known = conversations.of(chat);
    const isGroup = known === undefined ? CONVERSATION_ID.test(chat) : !known.isDirect;
    if (isGroup) return { group: chat };
    if (known?.id !== chat) return { person: chat };
    throw new PlatformError("refused", "DingTalk lets the robot answer this person for 90 minutes only.", {
      hint: "It knows them by no user id: they are from another organization, or the app has no published version.",
    });
  }

  return {
    targetOf,
    async send(chat, template, signal) {
      const target = targetOf(chat);
      if ("group" in target) {
        const message = { robotCode, openConversationId: target.group, ...template };
        const path = "v1.0/robot/groupMessages/send";
        const answer = await api.call("POST", path, message, "the message", signal);
        return textOf(answer["processQueryKey"]);
      }
      const message = { robotCode, userIds: [target.person], ...template };
      const path = "v1.0/robot/oToMessages/batchSend";
      const answer = await api.call("POST", path, message, "the message", signal);
      if (isNamedIn(answer["invalidStaffIdList"], target.person))
        throw new PlatformError("refused", "DingTalk knows no such person in the organization.");
      if (isNamedIn(answer["flowControlledStaffIdList"], target.person))
        throw new PlatformError("rate_limited", "DingTalk takes no more messages to this person for now.", {
          retryAfterMs: AFTER_TOO_MANY_MS,
        });
      return textOf(answer["processQueryKey"]);
    },
    async recall(chat, key, signal) {
      const target = targetOf(chat);
      const keys = { robotCode, processQueryKeys: [key] };
      const isGroup = "group" in target;
      const path = isGroup ? "v1.0/robot/groupMessages/recall" : "v1.0/robot/otoMessages/batchRecall";
      const json = isGroup ? { ...keys, openConversationId: target.group } : keys;
      const answer = await api.call("POST", path, json, "the recall", signal);
      if (key in fieldsOf(answer["failedResult"]))
        throw new PlatformError("refused", "DingTalk does not take the message back any more.");
    },
  };
}

function isNamedIn(ids: unknown, id: string): boolean {
  return Array.isArray(ids) && ids.includes(id);
}
