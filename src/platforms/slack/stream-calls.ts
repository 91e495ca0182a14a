import type { OutboundMessage, Sent } from "../contract.ts";
import type { SlackApi } from "./api.ts";
import { slackCode } from "./errors.ts";
import { buttonsBlock } from "./message.ts";

/** Slack takes no more than this in one call. */
export const MAX_MARKDOWN_CHARS = 12_000;

/** What Slack has of a stream; only an end can be added to it. */
export interface StreamedText {
  text: string;
}

/** docs.slack.dev/reference/methods/chat.startStream. Slack has nothing by which it would know a second try. */
export async function startStream(
  api: SlackApi,
  { address, recipient }: OutboundMessage,
  text: string,
  signal: AbortSignal,
): Promise<Sent> {
  const args = {
    channel: address.chat,
    thread_ts: address.thread,
    recipient_user_id: recipient?.user,
    recipient_team_id: recipient?.space,
    markdown_text: text,
  };
  const { ts = "" } = await api.call<{ ts?: string }>("chat.startStream", args, signal);
  return { messageId: ts };
}

/**
 * Adds what a stream lacks of a text, and ends it with a text that is whole. `streamed` grows with every call that Slack
 * has answered.
 */
export async function extendStream(
  api: SlackApi,
  { messageId }: Sent,
  message: OutboundMessage,
  streamed: StreamedText,
  goal: string,
  signal: AbortSignal,
): Promise<void> {
  const { address, isPartial = false, buttons = [] } = message;
  const place = { channel: address.chat, ts: messageId };
  const pieces = slices(goal.slice(streamed.text.length));
  const last = isPartial ? undefined : (pieces.pop() ?? "");
  for (const piece of pieces) {
    await api.call("chat.appendStream", { ...place, markdown_text: piece }, signal);
    streamed.text += piece;
  }
  if (last === undefined) return;
  const end = last === "" ? {} : { markdown_text: last };
  const blocks = buttons.length === 0 ? {} : { blocks: [buttonsBlock(buttons)] };
  await api.call("chat.stopStream", { ...place, ...end, ...blocks }, signal);
}

/** Ends a stream as it is. One that has ended already is no error. */
export async function endStream(
  api: SlackApi,
  channel: string,
  { messageId }: Sent,
  signal: AbortSignal,
): Promise<void> {
  try {
    await api.call("chat.stopStream", { channel, ts: messageId }, signal);
  } catch (error) {
    if (slackCode(error) !== "message_not_in_streaming_state") throw error;
  }
}

/** The text in pieces that Slack takes, none of which ends inside a code point. */
function slices(text: string): string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== ""; ) {
    const cut = Math.min(rest.length, MAX_MARKDOWN_CHARS);
    const isInside = cut < rest.length && /[\uD800-\uDBFF]/.test(rest[cut - 1] ?? "");
    const end = isInside ? cut - 1 : cut;
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return pieces;
}
