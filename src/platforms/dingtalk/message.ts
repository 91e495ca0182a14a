import type { OutboundMessage } from "../contract.ts";
import { buttonLine } from "./buttons.ts";
import { plainOf, titleOf, toDingTalk } from "./render.ts";

/** A message as DingTalk is given it: a plain text, or Markdown with a title. */
export type Body = { text: string } | { title: string; markdown: string };

/** What a message shows. */
export function bodyOf({ markdown, buttons = [] }: Pick<OutboundMessage, "markdown" | "buttons">): Body {
  const plain = buttons.length === 0 ? plainOf(markdown) : undefined;
  if (plain !== undefined) return { text: plain };
  const shown = [toDingTalk(markdown), buttonLine(buttons)].filter((part) => part !== "").join("\n\n");
  return { title: titleOf(markdown), markdown: shown };
}

/** For the webhook of a conversation (help.dingtalk.io/open/development/robot-message-type). It mentions nobody. */
export function toWebhook(body: Body): object {
  const at = { isAtAll: false };
  if ("text" in body) return { msgtype: "text", text: { content: body.text }, at };
  return { msgtype: "markdown", markdown: { title: body.title, text: body.markdown }, at };
}

/** What the robot's API calls a template and its parameters. */
export interface Template {
  msgKey: string;
  /** JSON. */
  msgParam: string;
}

/** For the robot's API, which has no mentions at all. */
export function toTemplate(body: Body): Template {
  if ("text" in body) return { msgKey: "sampleText", msgParam: JSON.stringify({ content: body.text }) };
  return {
    msgKey: "sampleMarkdown",
    msgParam: JSON.stringify({ title: body.title, text: body.markdown }),
  };
}
