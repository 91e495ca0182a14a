import { fieldsOf, textOf } from "../fields.ts";

/** What DingTalk sends over a connection. */
export interface Frame {
  type: string;
  topic: string;
  messageId: string;
  /** JSON. */
  data: string;
}

/** Messages to the robot. */
export const ROBOT_TOPIC = "/v1.0/im/bot/messages/get";

/** Reads a frame; null for what is none. */
export function readFrame(text: string): Frame | null {
  try {
    const { type, headers, data } = fieldsOf(JSON.parse(text));
    const { topic, messageId } = fieldsOf(headers);
    if (typeof type !== "string" || type === "") return null;
    return { type, topic: textOf(topic), messageId: textOf(messageId), data: textOf(data) };
  } catch {
    return null; // no JSON
  }
}

/** The answer to a frame, after which DingTalk does not send it again. `data` is JSON. */
export function answerTo({ messageId }: Frame, data: string): string {
  const headers = { contentType: "application/json", messageId };
  return JSON.stringify({ code: 200, headers, message: "OK", data });
}
