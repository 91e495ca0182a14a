import { type OutboundMessage, PlatformError } from "../contract.ts";
import type { Fields } from "../fields.ts";
import { toPlainText } from "../plain.ts";

/** More would not be seen. */
const MAX_TITLE_CHARS = 26;
const MAX_LABEL_CHARS = 10;
/** Blue and red. */
const STYLES = { good: 1, bad: 2 } as const;

/** The part of a message that buttons are made from. */
type Asked = Pick<OutboundMessage, "markdown" | "buttons" | "idempotencyId">;

/**
 * The buttons of a message, as a card of their own below its text
 * (https://developer.work.weixin.qq.com/document/path/101032 for bots, /90236 for applications). A second card with the same
 * `task_id` is refused.
 */
export function buttonCard({ markdown, buttons = [], idempotencyId }: Asked): Fields {
  const [line = ""] = toPlainText(markdown).trim().split("\n", 1);
  const card = {
    card_type: "button_interaction",
    main_title: { title: beginningOf(line, MAX_TITLE_CHARS) || "…" },
    button_list: buttons.map(({ label, value, style }) => ({
      text: beginningOf(label, MAX_LABEL_CHARS),
      key: value,
      ...(style === undefined ? {} : { style: STYLES[style] }),
    })),
    task_id: `hermes_${idempotencyId.replace(/[^\w@-]/g, "_")}`,
  };
  return { msgtype: "template_card", template_card: card };
}

/** Whether buttons were refused for good. Their text names the commands that do the same: nothing is lost without them. */
export function areRefused(error: unknown): boolean {
  return error instanceof PlatformError && error.kind === "refused";
}

function beginningOf(text: string, maxChars: number): string {
  const chars = Array.from(text);
  return chars.length <= maxChars ? text : `${chars.slice(0, maxChars - 1).join("")}…`;
}
