import type { ConnectionHooks } from "../contract.ts";
import type { Conversation, Conversations } from "./conversations.ts";
import { parseMessage } from "./parse.ts";

/** Resolves once a message to the robot is on disk, or is none; rejects when it has to come again. */
export type Intake = (
  body: unknown,
  hooks: Pick<ConnectionHooks, "emit" | "saveState" | "log">,
) => Promise<void>;

/** Hands messages on, and notes where their conversations can be answered. `isTheirs` as of the API. */
export function createIntake(conversations: Conversations, isTheirs: (url: URL) => boolean): Intake {
  return async (body, { emit, saveState, log }) => {
    const parsed = parseMessage(body);
    if (parsed === null) return log("debug", "something that is no message of a person was left out");
    const { message, conversation } = parsed;
    conversations.note(message.address.chat, trusted(conversation, isTheirs, message.id, log));
    saveState(conversations.state);
    await emit(message);
  };
}

/** Without a webhook at another host than DingTalk's: the address came from outside, and answers would be posted to it. */
function trusted(
  conversation: Conversation,
  isTheirs: (url: URL) => boolean,
  messageId: string,
  log: ConnectionHooks["log"],
): Conversation {
  const { webhook, ...rest } = conversation;
  if (webhook === undefined) return conversation;
  const url = URL.parse(webhook.url);
  if (url !== null && isTheirs(url)) return conversation;
  log("warn", "a message came with a webhook that is not DingTalk's; the robot's API answers it", {
    id: messageId,
    host: url?.host ?? "none",
  });
  return rest;
}
