import { ApiError, type Args, type StoredMessage } from "./contract.ts";

const MAX = { blocks: 50, section: 3000, markdown: 12_000, elements: 25, label: 75, value: 2000, id: 255 };

/** Throws `invalid_blocks` for blocks that Slack would refuse (docs.slack.dev/reference/block-kit/blocks). */
export function checkBlocks(blocks: readonly Args[]): void {
  if (blocks.length > MAX.blocks) throw new ApiError("msg_blocks_too_many");
  for (const block of blocks)
    if (!isValid(block)) throw new ApiError("invalid_blocks", { block: JSON.stringify(block) });
}

/** True when Slack keeps one of the blocks as rich text: what was written as Markdown becomes it. */
export function hasRichText(blocks: readonly Args[]): boolean {
  return blocks.some(({ type }) => type === "rich_text" || type === "markdown");
}

/** All the text of a message that Slack looks for mentions in. */
export function renderedText({ text, blocks, markdown }: StoredMessage): string {
  const inBlocks = blocks.map((block) => {
    if (block["type"] === "markdown") return String(block["text"]);
    return String((block["text"] as Args | undefined)?.["text"] ?? "");
  });
  return [text, markdown, ...inBlocks].join("\n");
}

/** Whom a message would notify. */
export function pingsOf(message: StoredMessage): string[] {
  return renderedText(message).match(/<(?:!(?:channel|here|everyone|subteam)|@[A-Z0-9])[^>]*>?/g) ?? [];
}

function isValid(block: Args): boolean {
  switch (block["type"]) {
    case "section":
      return isText(block["text"], MAX.section);
    case "markdown":
      return isBetween(block["text"], MAX.markdown);
    case "actions":
      return isElements(block["elements"]);
    case "rich_text":
      return Array.isArray(block["elements"]);
    default:
      return false;
  }
}

function isText(value: unknown, max: number): boolean {
  const { type, text } = (value ?? {}) as Args;
  return (type === "mrkdwn" || type === "plain_text") && isBetween(text, max);
}

function isElements(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX.elements) return false;
  const ids = new Set(value.map((one: Args) => one["action_id"]));
  return ids.size === value.length && value.every(isButton);
}

function isButton(value: Args): boolean {
  const { type, text, action_id, style } = value;
  if (type !== "button" || (text as Args)["type"] !== "plain_text" || !isText(text, MAX.label)) return false;
  const isStyle = style === undefined || style === "primary" || style === "danger";
  return isStyle && isBetween(action_id, MAX.id) && isBetween(value["value"], MAX.value);
}

function isBetween(value: unknown, max: number): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= max;
}
