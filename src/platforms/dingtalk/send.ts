import { type ConnectionHooks, type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import type { DingTalkApi } from "./api.ts";
import type { Conversations } from "./conversations.ts";
import { isWebhookOver } from "./errors.ts";
import { type Body, bodyOf, toTemplate, toWebhook } from "./message.ts";
import type { Robot } from "./robot.ts";
import { messageId } from "./sent.ts";
import { templateOfFile } from "./upload.ts";

/** Messages of several requests whose beginnings are remembered. */
const MAX_UNFINISHED = 200;

/** What sending works with. */
export interface SendParts {
  api: DingTalkApi;
  conversations: Conversations;
  robot: Robot;
  log: ConnectionHooks["log"];
}

/** A message of several requests, as far as it was sent. */
interface Progress {
  sent: Sent | null;
  files: number;
}

/** Sends a message that will not change: its text, and its files after it. */
export type Send = (message: OutboundMessage, signal: AbortSignal) => Promise<Sent>;

/** `Send` for one account: through the webhook of the conversation while it lasts, through the robot's API after that. */
export function createSend({ api, conversations, robot, log }: SendParts): Send {
  const unfinished = new Map<string, Progress>();

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

  return async (message, signal) => {
    const { address, markdown, files = [], idempotencyId } = message;
    const hasText = markdown.trim() !== "";
    if (hasText && files.length === 0) return sendText(address.chat, bodyOf(message), signal);
    // A try after a failure goes on where the one before stopped, so that nobody gets the text twice.
    const progress = unfinished.get(idempotencyId) ?? { sent: null, files: 0 };
    remember(unfinished, idempotencyId, progress);
    if (hasText) progress.sent ??= await sendText(address.chat, bodyOf(message), signal);
    for (const file of files.slice(progress.files)) {
      const template = await templateOfFile(api, file, signal);
      const sent = messageId(template.msgParam, await robot.send(address.chat, template, signal));
      progress.sent ??= sent;
      progress.files += 1;
    }
    if (progress.sent === null) throw new PlatformError("refused", "There is nothing to send.");
    unfinished.delete(idempotencyId);
    return progress.sent;
  };
}

function remember(unfinished: Map<string, Progress>, id: string, progress: Progress): void {
  unfinished.delete(id);
  unfinished.set(id, progress);
  const [oldest] = unfinished.keys();
  if (unfinished.size > MAX_UNFINISHED && oldest !== undefined) unfinished.delete(oldest);
}
