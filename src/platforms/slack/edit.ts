import { type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import type { SlackApi } from "./api.ts";
import { slackCode } from "./errors.ts";
import { contentOf, richContentOf } from "./message.ts";
import type { Streams } from "./streams.ts";

/** What editing works with. */
export interface EditParts {
  api: SlackApi;
  streams: Streams;
}

/** Gives a message another text and other buttons: at the end of its stream, or else all of it. */
export async function edit(
  { api, streams }: EditParts,
  sent: Sent,
  message: OutboundMessage,
  signal: AbortSignal,
): Promise<void> {
  if (await streams.grow(sent, message, signal)) return;
  const { chat } = message.address;
  const set = (content: Record<string, unknown>) =>
    api.call("chat.update", { channel: chat, ts: sent.messageId, ...content }, signal);
  try {
    await set(contentOf(message));
  } catch (error) {
    const code = slackCode(error);
    if (code !== "streaming_state_conflict" && code !== "block_mismatch") throw error;
    // A stream of an earlier process, or one of which the end got lost.
    if (code === "streaming_state_conflict") await streams.end(chat, sent, signal);
    await set(richContentOf(message));
  }
}

/** Deletes a message; one that is gone already is no error. */
export async function remove(
  { api, streams }: EditParts,
  chat: string,
  sent: Sent,
  signal: AbortSignal,
): Promise<void> {
  const deleted = () => api.call("chat.delete", { channel: chat, ts: sent.messageId }, signal);
  try {
    await deleted();
  } catch (error) {
    const code = error instanceof PlatformError ? slackCode(error) : "";
    if (code === "message_not_found") return;
    if (code !== "cant_delete_message") throw error;
    // What Slack says of a message that is still a stream.
    await streams.end(chat, sent, signal);
    await deleted();
  }
}
