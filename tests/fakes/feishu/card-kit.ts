import { checkCard, elementsOf } from "./cards.ts";
import { ApiError, type Json, type StoredCard } from "./contract.ts";
import type { Request } from "./im.ts";
import { parseText, type Workspace } from "./workspace.ts";

/** The calls for cards of their own (open.feishu.cn/document/cardkit-v1). */
export const CARD_KIT: Readonly<Record<string, (request: Request, workspace: Workspace) => unknown>> = {
  "POST /cardkit/v1/cards": ({ json }, { cards, nextNumber }) => {
    if (json["type"] !== "card_json") throw new ApiError(99992402, "field validation failed");
    const card = cardIn(json["data"]);
    const id = nextNumber();
    cards.set(id, { id, card, isStreaming: isStreaming(card), sequence: 0, isSent: false, texts: [] });
    return { card_id: id };
  },
  "PUT /cardkit/v1/cards/:id/elements/:id/content": ({ ids: [id = "", element = ""], json }, { cards }) => {
    const card = next(cards.get(id), json);
    if (!card.isStreaming) throw new ApiError(300309, "ErrMsg: streaming mode is closed;");
    const found = elementsOf(card.card).find((one) => one["element_id"] === element);
    if (found === undefined) throw new ApiError(300313, `ErrMsg: not find elementID : ${element};`);
    const before = found["content"];
    found["content"] = String(json["content"]);
    try {
      checkCard(card.card, JSON.stringify(card.card));
    } catch (error) {
      found["content"] = before;
      throw error;
    }
    card.texts.push(String(json["content"]));
    return {};
  },
  "PATCH /cardkit/v1/cards/:id/settings": ({ ids: [id = ""], json }, { cards }) => {
    const card = next(cards.get(id), json);
    const { config } = parseText(json["settings"], "settings");
    card.card = { ...card.card, config: { ...(card.card["config"] as Json), ...(config as Json) } };
    card.isStreaming = isStreaming(card.card);
    return {};
  },
  "PUT /cardkit/v1/cards/:id": ({ ids: [id = ""], json }, { cards }) => {
    const card = next(cards.get(id), json);
    card.card = cardIn((json["card"] as Json | undefined)?.["data"]);
    card.isStreaming = isStreaming(card.card);
    return {};
  },
};

function cardIn(data: unknown): Json {
  const card = parseText(data, "data");
  checkCard(card, String(data));
  return card;
}

/** Every change of a card has a higher number than the one before. */
function next(card: StoredCard | undefined, { sequence }: Json): StoredCard {
  if (card === undefined) throw new ApiError(200740, "ErrMsg: card entity is not found;");
  if (typeof sequence !== "number" || !Number.isInteger(sequence) || sequence > 2 ** 31 - 1)
    throw new ApiError(99992402, "field validation failed");
  if (sequence <= card.sequence) throw new ApiError(300317, "ErrMsg: sequence number compare failed;");
  card.sequence = sequence;
  return card;
}

function isStreaming(card: Json): boolean {
  return (card["config"] as Json | undefined)?.["streaming_mode"] === true;
}
