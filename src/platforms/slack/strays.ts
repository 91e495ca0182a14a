import type { OutboundMessage, Sent } from "../contract.ts";
import type { SlackApi } from "./api.ts";
import type { Identity } from "./identity.ts";

/** What looking for strays works with. */
export interface StrayParts {
  api: SlackApi;
  identify(signal: AbortSignal): Promise<Identity>;
  isOpen(channel: string, sent: Sent): boolean;
  remove(channel: string, sent: Sent, signal: AbortSignal): Promise<void>;
  log(message: string, fields: Record<string, unknown>): void;
}

/** What `conversations.replies` tells of a message. */
interface Reply {
  ts?: string;
  user?: string;
  streaming_state?: string;
}

const MAX_REPLIES = 100;

/**
 * Takes away the streams of the bot's that still grow below what a message answers and that nobody here makes grow: Slack knows no
 * id by which a stream would be begun only once, so that one is left over when the process dies before it could note it. Whether
 * that works changes nothing: it takes a scope that an app may lack, and a stream that somebody knows after all is shown anew.
 */
export async function removeStrays(
  { api, identify, isOpen, remove, log }: StrayParts,
  { address, replyTo }: OutboundMessage,
  signal: AbortSignal,
): Promise<void> {
  const { chat: channel, thread } = address;
  if (thread === undefined) return;
  try {
    const { userId } = await identify(signal);
    const place = { channel, ts: thread, oldest: replyTo ?? thread, limit: MAX_REPLIES };
    const { messages = [] } = await api.call<{ messages?: Reply[] }>("conversations.replies", place, signal);
    for (const { ts = "", user, streaming_state: state } of messages) {
      const sent = { messageId: ts };
      if (user === userId && state === "in_progress" && !isOpen(channel, sent))
        await remove(channel, sent, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    log("whether the beginning of an answer was left over could not be found out", { channel, error });
  }
}
