import { setNewest } from "../../lib/newest.ts";
import { type ConnectionHooks, type OutboundMessage, PlatformError } from "../contract.ts";
import type { CardContent } from "./card.ts";
import type { CardKit } from "./card-kit.ts";
import { feishuCode, isCardFault, lacksScope } from "./errors.ts";
import { type CreatedMessage, cardPart, MAX_WITHDRAWN, type Messages, uuidOf } from "./messages.ts";
import type { SentMessage } from "./sent-id.ts";

/** The card no longer grows: after ten minutes Feishu ends that by itself. */
const STREAMING_ENDED = 300309;
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

/** What growing works with. */
export interface StreamParts {
  cardKit: CardKit;
  messages: Messages;
  /** Is told of what failed and does not matter to the caller. */
  note: ConnectionHooks["log"];
}

/** `Streams` for one app. */
export function createStreams({ cardKit, messages, note }: StreamParts): Streams {
  /** The cards of messages that were tried and got no answer, by `idempotencyId`. */
  const begun = new Map<string, string>();
  let isAllowed = true;

  /** Makes a card; null where the app may not, or Feishu takes none of this text. */
  async function createCard(markdown: string, signal: AbortSignal): Promise<string | null> {
    try {
      return await cardKit.create(markdown, signal);
    } catch (error) {
      if (!(error instanceof PlatformError) || error.kind !== "refused") throw error;
      if (lacksScope(error)) isAllowed = false;
      note("info", "answers are shown without being written out letter by letter", { reason: error.message });
      return null;
    }
  }

  /** A message of an earlier process shows a card whose id nobody knows: it is withdrawn, and sent anew. */
  async function sendOnce(message: OutboundMessage, cardId: string, isRetry: boolean, signal: AbortSignal) {
    for (let withdrawn = 0; ; withdrawn++) {
      const sent = await send(messages, message, cardId, cardPart(withdrawn), signal);
      if (!sent.isRepeat || isRetry || withdrawn === MAX_WITHDRAWN) return sent.messageId;
      await messages.remove(sent.messageId, signal).catch((error: unknown) => {
        note("debug", "a message that stopped growing stays", { id: sent.messageId, error });
      });
    }
  }

  return {
    isBegun: ({ idempotencyId }) => begun.has(idempotencyId),

    async start(message, signal) {
      const { idempotencyId, markdown, buttons = [], files = [] } = message;
      const before = begun.get(idempotencyId);
      if (before === undefined && (!isAllowed || buttons.length > 0 || files.length > 0)) return null;
      const cardId = before ?? (await createCard(markdown, signal));
      if (cardId === null) return null;
      setNewest(begun, idempotencyId, cardId, MAX_KEPT);
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
      // Of a card from an earlier process nobody knows whether it still grows: its end is set as a whole.
      if (hasButtons || !(isPartial || cardKit.isGrowing(cardId)))
        return cardKit.replace(cardId, content, signal);
      try {
        await cardKit.setText(cardId, content.markdown, signal);
        if (!isPartial) await cardKit.finish(cardId, content.markdown, signal);
      } catch (error) {
        if (feishuCode(error) !== STREAMING_ENDED) throw error;
        await cardKit.replace(cardId, content, signal);
      }
    },
  };
}

async function send(
  messages: Messages,
  { address, replyTo, idempotencyId }: OutboundMessage,
  cardId: string,
  part: string,
  signal: AbortSignal,
): Promise<CreatedMessage> {
  const content = { type: "card", data: { card_id: cardId } };
  const uuid = uuidOf(idempotencyId, part);
  return messages.create({ address, replyTo, type: "interactive", content, uuid }, signal);
}
