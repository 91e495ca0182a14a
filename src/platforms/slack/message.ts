import { hash } from "node:crypto";
import type { Button, OutboundMessage } from "../contract.ts";
import { toMrkdwn } from "./render.ts";

/** The longest text of a section (docs.slack.dev/reference/block-kit/blocks/section-block). */
const MAX_SECTION_CHARS = 3000;
const MAX_LABEL_CHARS = 75;
const STYLES = { good: "primary", bad: "danger" } as const;
/** What makes a mention of `<`: of everybody, of a group, of a person. */
const MENTION = /<(?=!(?:channel|here|everyone|subteam)|@[A-Z0-9])/g;
/** The beginning of what may become one. */
const MENTION_BEGUN = /<(?:!\w{0,8}|@)?$/;

/** The arguments that say what a message shows, for `chat.postMessage` and `chat.update`. */
export function contentOf({ markdown, buttons = [] }: OutboundMessage): Record<string, unknown> {
  const text = toMrkdwn(markdown);
  const plain = { text, parse: "none", link_names: false };
  return buttons.length === 0
    ? plain
    : { ...plain, blocks: [textBlock(text, markdown), buttonsBlock(buttons)] };
}

/**
 * The same for a message that Slack keeps as rich text, which it lets be replaced by nothing else: a stream that has ended.
 */
export function richContentOf({ markdown, buttons = [] }: OutboundMessage): Record<string, unknown> {
  const rich = { type: "markdown", text: withoutMentions(markdown) };
  const blocks = buttons.length === 0 ? [rich] : [rich, buttonsBlock(buttons)];
  return { text: toMrkdwn(markdown), parse: "none", link_names: false, blocks };
}

/** Buttons in a row. */
export function buttonsBlock(buttons: readonly Button[]): Record<string, unknown> {
  return {
    type: "actions",
    elements: buttons.map(({ label, value, style }, i) => ({
      type: "button",
      action_id: `button-${i}`,
      text: { type: "plain_text", text: label.slice(0, MAX_LABEL_CHARS), emoji: true },
      value,
      ...(style === undefined ? {} : { style: STYLES[style] }),
    })),
  };
}

/**
 * Markdown that Slack renders itself, in which nothing mentions anybody: a character without width stands between `<` and
 * what follows it. That holds in code as well, where an escape would show.
 */
export function withoutMentions(markdown: string): string {
  return markdown.replace(MENTION, "<\u200b");
}

/** The same of a text that is still growing: without an end that may yet become a mention. */
export function grownWithoutMentions(markdown: string): string {
  return withoutMentions(markdown.replace(MENTION_BEGUN, ""));
}

/**
 * The id by which Slack shows a message once however often it is posted: a UUID, of which `chat.postMessage` says in its errors
 * only (`duplicate_message_not_found`) that it looks for the message posted with it before.
 */
export function clientMessageId(idempotencyId: string): string {
  const hex = hash("sha256", `hermes:${idempotencyId}`);
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
  ];
  return `${parts.join("-")}-${hex.slice(20, 32)}`;
}

function textBlock(text: string, markdown: string): Record<string, unknown> {
  return text.length <= MAX_SECTION_CHARS
    ? { type: "section", text: { type: "mrkdwn", text, verbatim: true } }
    : { type: "markdown", text: withoutMentions(markdown) };
}
