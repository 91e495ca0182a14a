import { ApiError, type Json } from "./contract.ts";

const MAX_BODY_BYTES = 30 * 1024;
const MAX_TABLES = 3;
const TAGS: ReadonlySet<string> = new Set(["markdown", "column_set", "column", "button", "plain_text", "hr"]);
const CARD_FAULT = 230099;

/** Refuses what Feishu refuses: cards that are too large, of unknown parts, or with too many tables. */
export function checkCard(card: Json, body: string): void {
  if (Buffer.byteLength(body) > MAX_BODY_BYTES)
    throw new ApiError(230025, "The length of the message content reaches its limit.");
  if (card["schema"] !== "2.0")
    throw new ApiError(
      CARD_FAULT,
      "Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err",
    );
  const ids = new Set<string>();
  for (const element of elementsOf(card)) checkElement(element, ids);
  const tables = markdownOf(card).match(/^\|[\s:|-]+\|$/gm)?.length ?? 0;
  if (tables > MAX_TABLES)
    throw new ApiError(
      CARD_FAULT,
      "Failed to create card content, ext=ErrCode: 11310; ErrMsg: card table number over limit; ErrorValue: table; ",
    );
}

/** All elements of a card, those within others too. */
export function elementsOf(card: Json): Json[] {
  const body = card["body"] as { elements?: Json[] } | undefined;
  const inner = (element: Json): Json[] => {
    const children = [...((element["columns"] as Json[]) ?? []), ...((element["elements"] as Json[]) ?? [])];
    return [element, ...children.flatMap(inner)];
  };
  return (body?.elements ?? []).flatMap(inner);
}

/** The Markdown that a card shows. */
export function markdownOf(card: Json): string {
  return elementsOf(card)
    .filter(({ tag }) => tag === "markdown")
    .map(({ content }) => String(content))
    .join("\n");
}

/** What people read where the Markdown of a card is: its entities are characters, and what has no width is not there. */
export function wordsOf(markdown: string): string {
  return markdown
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/[\u200a\u200b]/g, "");
}

/** Whom a text notifies: `<at id=all></at>` and its like in cards, `<at user_id="all">` in texts. */
export function pingsOf(text: string): string[] {
  return text.match(/<\/?(?:at|person)\b[^>]*>?/gi) ?? [];
}

/** The value that a button carries, by its label. */
export function buttonsOf(card: Json): { label: string; type: string; value: Json }[] {
  return elementsOf(card)
    .filter(({ tag }) => tag === "button")
    .map(({ text, type, behaviors }) => ({
      label: String((text as Json)["content"]),
      type: String(type),
      value: ((behaviors as Json[])[0]?.["value"] ?? {}) as Json,
    }));
}

function checkElement(element: Json, ids: Set<string>): void {
  const { tag, element_id: id } = element;
  if (!TAGS.has(String(tag)))
    throw new ApiError(
      CARD_FAULT,
      `Failed to create card content, ext=ErrCode: 200621; ErrMsg: unknown tag ${tag}`,
    );
  if (id === undefined) return;
  if (typeof id !== "string" || !/^[A-Za-z]\w{0,19}$/.test(id) || ids.has(id))
    throw new ApiError(300301, "Duplicate or invalid element_id in card component");
  ids.add(id);
}
