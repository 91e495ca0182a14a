import { type ConnectionHooks, type OutboundMessage, PlatformError } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import { type FeishuApi, pathOf } from "./api.ts";
import { type CardContent, cardOf, finishedSettings, growingCardOf, TEXT_ELEMENT } from "./card.ts";
import { feishuCode, isCardFault, lacksScope } from "./errors.ts";
import { type Messages, uuidOf } from "./messages.ts";
import { toCardMarkdown } from "./render.ts";
import type { SentMessage } from "./sent-id.ts";

/** A card no longer grows: after ten minutes Feishu ends that by itself. */
const STREAMING_ENDED = 300309;
/** Another change of the card has the same number or a later one. */
const SEQUENCE_PASSED = 300317;
/** How far the numbers of a card jump when they were passed. */
const SEQUENCE_LEAP = 600;
const MAX_KEPT = 500;

/**
 * Answers that grow as cards of their own, which Feishu writes out letter by letter
 * (open.feishu.cn/document/cardkit-v1/streaming-updates-openapi-overview).
 */
export interface Streams {
  /**
   * Begins a growing message, or goes on with the one that an earlier try began. Null where the app may not: then the message is to be
   * sent as a card that is replaced.
   */
  start(message: OutboundMessage, signal: AbortSignal): Promise<SentMessage | null>;
  /** Brings the card to the text, and ends its growing unless more will come. Rejects with `refused` when it cannot be changed. */
  grow(cardId: string, content: CardContent, isPartial: boolean, signal: AbortSignal): Promise<void>;
  /** True when a try to start this message may have reached Feishu. */
  isBegun(message: OutboundMessage): boolean;
}

/** What is known of a card; of one from an earlier process nothing is but its id. */
interface Card {
  sequence: number;
  /** The text that Feishu has of it; null when that is not known. */
  text: string | null;
  isGrowing: boolean;
}

/** `Streams` for one app. `note` is told of what failed and does not matter to the caller. */
export function createStreams(api: FeishuApi, messages: Messages, note: ConnectionHooks["log"]): Streams {
  const cards = new Map<string, Card>();
  /** The cards of messages that were tried, by `idempotencyId`. */
  const begun = new Map<string, string>();
  let isAllowed = true;

  /** Makes a card; null where the app may not, or Feishu takes none of this text. */
  async function create(markdown: string, signal: AbortSignal): Promise<string | null> {
    const json = { type: "card_json", data: JSON.stringify(growingCardOf(markdown)) };
    try {
      const answer = await api.call({ method: "POST", path: "/cardkit/v1/cards", json }, signal);
      const cardId = textOf(fieldsOf(answer)["card_id"]);
      keep(cards, cardId, { sequence: 0, text: toCardMarkdown(markdown), isGrowing: true });
      return cardId;
    } catch (error) {
      if (!(error instanceof PlatformError) || error.kind !== "refused") throw error;
      if (lacksScope(error)) isAllowed = false;
      note("info", "answers are shown without being written out letter by letter", { reason: error.message });
      return null;
    }
  }

  async function send(message: OutboundMessage, cardId: string, part: string, signal: AbortSignal) {
    const { address, replyTo, idempotencyId } = message;
    const content = { type: "card", data: { card_id: cardId } };
    const uuid = uuidOf(idempotencyId, part);
    return messages.create({ address, replyTo, type: "interactive", content, uuid }, signal);
  }

  /** A message of an earlier process shows a card whose id nobody knows: it is withdrawn, and sent anew. */
  async function sendOnce(message: OutboundMessage, cardId: string, isRetry: boolean, signal: AbortSignal) {
    const sent = await send(message, cardId, "growing", signal);
    if (!sent.isRepeat || isRetry) return sent.messageId;
    await messages.remove(sent.messageId, signal).catch((error: unknown) => {
      note("debug", "a message that stopped growing stays", { id: sent.messageId, error });
    });
    return (await send(message, cardId, "growing again", signal)).messageId;
  }

  async function change(cardId: string, make: (sequence: number) => Promise<unknown>): Promise<void> {
    const card = cards.get(cardId) ?? { sequence: 0, text: null, isGrowing: true };
    keep(cards, cardId, card);
    try {
      card.sequence = nextSequence(card.sequence);
      await make(card.sequence);
    } catch (error) {
      card.text = null;
      if (feishuCode(error) !== SEQUENCE_PASSED) throw error;
      card.sequence = nextSequence(card.sequence) + SEQUENCE_LEAP;
      await make(card.sequence);
    }
  }

  async function setText(cardId: string, content: string, signal: AbortSignal): Promise<void> {
    if (cards.get(cardId)?.text === content) return;
    const path = pathOf`/cardkit/v1/cards/${cardId}/elements/${TEXT_ELEMENT}/content`;
    await change(cardId, (sequence) =>
      api.call({ method: "PUT", path, json: { content, sequence } }, signal),
    );
    Object.assign(cards.get(cardId) ?? {}, { text: content });
  }

  async function finish(cardId: string, markdown: string, signal: AbortSignal): Promise<void> {
    const path = pathOf`/cardkit/v1/cards/${cardId}/settings`;
    const settings = JSON.stringify(finishedSettings(markdown));
    await change(cardId, (sequence) =>
      api.call({ method: "PATCH", path, json: { settings, sequence } }, signal),
    );
    Object.assign(cards.get(cardId) ?? {}, { isGrowing: false });
  }

  /** Also for a card that no longer grows. */
  async function replace(cardId: string, content: CardContent, signal: AbortSignal): Promise<void> {
    const path = pathOf`/cardkit/v1/cards/${cardId}`;
    const card = { type: "card_json", data: JSON.stringify(cardOf(content)) };
    await change(cardId, (sequence) => api.call({ method: "PUT", path, json: { card, sequence } }, signal));
    Object.assign(cards.get(cardId) ?? {}, { isGrowing: false, text: toCardMarkdown(content.markdown) });
  }

  return {
    isBegun: ({ idempotencyId }) => begun.has(idempotencyId),
    async start(message, signal) {
      const { idempotencyId, markdown, buttons = [], files = [] } = message;
      const before = begun.get(idempotencyId);
      if (before === undefined && (!isAllowed || buttons.length > 0 || files.length > 0)) return null;
      const cardId = before ?? (await create(markdown, signal));
      if (cardId === null) return null;
      keep(begun, idempotencyId, cardId);
      try {
        const messageId = await sendOnce(message, cardId, before !== undefined, signal);
        begun.delete(idempotencyId);
        return { messageId, form: { type: "growing", cardId } };
      } catch (error) {
        if (!(error instanceof PlatformError) || error.kind !== "refused") throw error;
        begun.delete(idempotencyId);
        if (!isCardFault(error)) throw error;
        note("debug", "Feishu did not take a card that it had made", { error });
        return null;
      }
    },
    async grow(cardId, content, isPartial, signal) {
      const hasButtons = (content.buttons ?? []).length > 0;
      const isKnown = cards.get(cardId)?.isGrowing === true;
      if (hasButtons || !(isKnown || isPartial)) return replace(cardId, content, signal);
      try {
        await setText(cardId, toCardMarkdown(content.markdown), signal);
        if (!isPartial) await finish(cardId, content.markdown, signal);
      } catch (error) {
        if (feishuCode(error) !== STREAMING_ENDED) throw error;
        await replace(cardId, content, signal);
      }
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

function keep<Value>(kept: Map<string, Value>, key: string, value: Value): void {
  kept.delete(key);
  kept.set(key, value);
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}
