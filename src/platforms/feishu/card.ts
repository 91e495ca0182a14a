import type { Button, OutboundMessage } from "../contract.ts";
import { type ButtonValue, toButtonValue } from "./button-value.ts";
import { summaryOf, toCardMarkdown, toPingFreeText } from "./render.ts";

/** By this name calls for a growing card know its text. */
export const TEXT_ELEMENT = "answer";

const BUTTON_TYPES = { good: "primary", bad: "danger" } as const;

/** What a message shows, and what its buttons carry. */
export interface CardContent
  extends Pick<OutboundMessage, "markdown" | "buttons">,
    Omit<ButtonValue, "value"> {}

/**
 * A card of the structure 2.0 (open.feishu.cn/document/feishu-cards/card-json-v2-structure), which clients from 7.20 on show. One that
 * is shared, `update_multi`, can be changed for everybody.
 */
export function cardOf({ markdown, buttons = [], ...place }: CardContent): Record<string, unknown> {
  return {
    schema: "2.0",
    config: { update_multi: true, streaming_mode: false, summary: { content: summaryOf(markdown) } },
    body: { elements: [textElement(markdown), ...(buttons.length === 0 ? [] : [buttonRow(buttons, place)])] },
  };
}

/** A card whose text is going to grow; Feishu shows lists of chats meanwhile that it is being written. */
export function growingCardOf(markdown: string): Record<string, unknown> {
  return {
    schema: "2.0",
    config: {
      update_multi: true,
      streaming_mode: true,
      streaming_config: {
        print_frequency_ms: { default: 70 },
        print_step: { default: 1 },
        print_strategy: "fast",
      },
    },
    body: { elements: [textElement(markdown)] },
  };
}

/** What a growing card becomes at its end. */
export function finishedSettings(markdown: string): Record<string, unknown> {
  return { config: { streaming_mode: false, summary: { content: summaryOf(markdown) } } };
}

/** The same words as a rich text without marks, for where no card may be: nothing in it is read as a tag. */
export function postOf(markdown: string): Record<string, unknown> {
  const lines = toPingFreeText(markdown).split("\n");
  return { zh_cn: { title: "", content: lines.map((text) => [{ tag: "text", text }]) } };
}

function textElement(markdown: string): Record<string, unknown> {
  return { tag: "markdown", element_id: TEXT_ELEMENT, content: toCardMarkdown(markdown) };
}

function buttonRow(buttons: readonly Button[], place: Omit<ButtonValue, "value">): Record<string, unknown> {
  return {
    tag: "column_set",
    flex_mode: "flow",
    columns: buttons.map(({ label, value, style }) => ({
      tag: "column",
      width: "auto",
      elements: [
        {
          tag: "button",
          text: { tag: "plain_text", content: label },
          type: style === undefined ? "default" : BUTTON_TYPES[style],
          behaviors: [{ type: "callback", value: toButtonValue({ value, ...place }) }],
        },
      ],
    })),
  };
}
