import {
  type ConnectionHooks,
  type OutboundFile,
  type OutboundMessage,
  PlatformError,
  type Sent,
} from "../contract.ts";
import { createInSteps } from "../in-steps.ts";
import type { DingTalkApi } from "./api.ts";
import type { Conversations } from "./conversations.ts";
import { isWebhookOver } from "./errors.ts";
import { type Body, bodyOf, toTemplate, toWebhook } from "./message.ts";
import type { Robot } from "./robot.ts";
import { messageId } from "./sent.ts";
import { templateOfFile } from "./upload.ts";

/** What sending works with. */
export interface SendParts {
  api: DingTalkApi;
  conversations: Conversations;
  robot: Robot;
  log: ConnectionHooks["log"];
}

/** Sends a message that will not change: its text, and its files after it. */
export type Send = (message: OutboundMessage, signal: AbortSignal) => Promise<Sent>;

/** `Send` for one account: through the webhook of the conversation while it lasts, through the robot's API after that. */
export function createSend({ api, conversations, robot, log }: SendParts): Send {
  const inSteps = createInSteps<Sent>();

  async function sendText(chat: string, body: Body, signal: AbortSignal): Promise<Sent> {
    const webhook = conversations.webhookOf(chat);
    if (webhook !== null)
      try {
        await api.postToWebhook(webhook, toWebhook(body), signal);
        return messageId(body, "");
      } catch (error) {
        if (!isWebhookOver(error)) throw error;
        log("debug", "the webhook of a conversation is over; the robot's API answers", { error });
        conversations.forgetWebhook(chat);
      }
    return messageId(body, await robot.send(chat, toTemplate(body), signal));
  }

  async function sendFile(chat: string, file: OutboundFile, signal: AbortSignal): Promise<Sent> {
    const template = await templateOfFile(api, file, signal);
    return messageId(template.msgParam, await robot.send(chat, template, signal));
  }

  return async (message, signal) => {
    const { address, markdown, files = [], idempotencyId } = message;
    const hasText = markdown.trim() !== "";
    const [sent] = await inSteps(idempotencyId, [
      ...(hasText ? [() => sendText(address.chat, bodyOf(message), signal)] : []),
      ...files.map((file) => () => sendFile(address.chat, file, signal)),
    ]);
    if (sent === undefined) throw new PlatformError("refused", "There is nothing to send.");
    return sent;
  };
}
