import { setNewest } from "../../lib/newest.ts";
import { PlatformError } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import { type FeishuApi, pathOf } from "./api.ts";
import { type CardContent, cardOf, finishedSettings, growingCardOf, TEXT_ELEMENT } from "./card.ts";
import { feishuCode } from "./errors.ts";
import { toCardMarkdown } from "./render.ts";

/** Another change of the card has the same number or a later one. */
const SEQUENCE_PASSED = 300317;
/** How far the numbers of a card jump when they were passed. */
const SEQUENCE_LEAP = 600;
const MAX_KEPT = 500;

/** Cards of their own, which messages only show (open.feishu.cn/document/cardkit-v1/feishu-card-resource-overview). */
export interface CardKit {
  /** Makes a card whose text is going to grow. The id of it. */
  create(markdown: string, signal: AbortSignal): Promise<string>;
  /** Brings the text of a growing card to this one, which Feishu writes out from where they differ. */
  setText(cardId: string, markdown: string, signal: AbortSignal): Promise<void>;
  /** Ends the growing. */
  finish(cardId: string, markdown: string, signal: AbortSignal): Promise<void>;
  /** Puts an ordinary card in the place of this one, also when it no longer grows. */
  replace(cardId: string, content: CardContent, signal: AbortSignal): Promise<void>;
  /** True for a card that this process has made, and has not ended. */
  isGrowing(cardId: string): boolean;
}

/** What is known of a card; of one from an earlier process nothing is but its id. */
interface Card {
  /** Of its last change. */
  sequence: number;
  /** The text that Feishu has of it; null when that is not known. */
  text: string | null;
  isGrowing: boolean;
}

/** `CardKit` for one app. */
export function createCardKit(api: FeishuApi): CardKit {
  const cards = new Map<string, Card>();

  const keep = (cardId: string, card: Card) => setNewest(cards, cardId, card, MAX_KEPT);

  /** Makes a change with the next number. What the card is like afterwards is known only if that succeeds. */
  async function change(
    cardId: string,
    make: (sequence: number) => Promise<unknown>,
    after: Partial<Card>,
  ): Promise<void> {
    const card = cards.get(cardId) ?? { sequence: 0, text: null, isGrowing: false };
    const before = card.text;
    Object.assign(card, { sequence: nextSequence(card.sequence), text: null });
    keep(cardId, card);
    await make(card.sequence).catch((error: unknown) => {
      if (feishuCode(error) !== SEQUENCE_PASSED) throw error;
      card.sequence = nextSequence(card.sequence) + SEQUENCE_LEAP;
      return make(card.sequence);
    });
    Object.assign(card, { text: before, ...after });
  }

  return {
    isGrowing: (cardId) => cards.get(cardId)?.isGrowing === true,
    async create(markdown, signal) {
      const json = { type: "card_json", data: JSON.stringify(growingCardOf(markdown)) };
      const answer = await api.call({ method: "POST", path: "/cardkit/v1/cards", json }, signal);
      const cardId = textOf(fieldsOf(answer)["card_id"]);
      if (cardId === "") throw new PlatformError("unavailable", "Feishu made a card and told no id of it.");
      keep(cardId, { sequence: 0, text: toCardMarkdown(markdown), isGrowing: true });
      return cardId;
    },
    async setText(cardId, markdown, signal) {
      const content = toCardMarkdown(markdown);
      if (cards.get(cardId)?.text === content) return;
      const path = pathOf`/cardkit/v1/cards/${cardId}/elements/${TEXT_ELEMENT}/content`;
      const make = (sequence: number) =>
        api.call({ method: "PUT", path, json: { content, sequence } }, signal);
      await change(cardId, make, { text: content });
    },
    async finish(cardId, markdown, signal) {
      const path = pathOf`/cardkit/v1/cards/${cardId}/settings`;
      const settings = JSON.stringify(finishedSettings(markdown));
      const make = (sequence: number) =>
        api.call({ method: "PATCH", path, json: { settings, sequence } }, signal);
      await change(cardId, make, { isGrowing: false });
    },
    async replace(cardId, content, signal) {
      const path = pathOf`/cardkit/v1/cards/${cardId}`;
      const card = { type: "card_json", data: JSON.stringify(cardOf(content)) };
      const make = (sequence: number) => api.call({ method: "PUT", path, json: { card, sequence } }, signal);
      await change(cardId, make, { isGrowing: false, text: toCardMarkdown(content.markdown) });
    },
  };
}

/**
 * The number of the next change of a card, which has to be higher than that of the one before: a second of the clock each, so that a
 * later process goes on where this one stops without having been told.
 */
function nextSequence(last: number): number {
  return Math.max(last + 1, Math.floor(Date.now() / 1000));
}
