import { type ConnectionHooks, type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import { CARD_HINT, type CardModel, createCard, replaceInCard, writeToCard } from "./card-calls.ts";
import { DingTalkError } from "./errors.ts";
import { toDingTalk } from "./render.ts";
import { cardId } from "./sent.ts";

/** What cards are made with. */
export interface CardParts extends CardModel {
  /** For so long none is tried after one that could not be made. */
  pauseMs: number;
  log: ConnectionHooks["log"];
}

/** Answers that grow: AI cards, the only messages of DingTalk that can be changed. */
export interface Cards {
  /** Rejects with `refused` where there can be no card, and then for a while without asking: the answer is sent whole at its end. */
  start(message: OutboundMessage, signal: AbortSignal): Promise<Sent>;
  /** Shows the whole text in a card that an earlier process may have begun; null where there is none. */
  resume(message: OutboundMessage, signal: AbortSignal): Promise<Sent | null>;
  /** Shows the text in place of the one before, for the last time unless more will come. */
  show(outTrackId: string, message: OutboundMessage, signal: AbortSignal): Promise<void>;
  /** Leaves the card as one that no longer grows. */
  end(outTrackId: string, signal: AbortSignal): Promise<void>;
}

/** Makes the cards of an account. */
export function createCards({ pauseMs, log, ...model }: CardParts): Cards {
  let pausedUntilMs = Number.NEGATIVE_INFINITY;

  /** Nothing but the settings can help: asking at every step of every answer would not. */
  const pause = ({ message, hint = CARD_HINT, cause }: DingTalkError): PlatformError => {
    pausedUntilMs = performance.now() + pauseMs;
    log("warn", "AI cards do not work: answers are sent whole for now", { reason: message, hint });
    return new PlatformError("refused", message, { hint, cause });
  };
  /** A card to which nothing can be written is only in the way. */
  const takeBack = (chat: string, recallKey: string, signal: AbortSignal): Promise<void> =>
    model.robot
      .recall(chat, recallKey, signal)
      .catch((error: unknown) => log("debug", "an empty card could not be taken back", { error }));

  const show: Cards["show"] = async (outTrackId, message, signal) => {
    const { isPartial = false } = message;
    const content = toDingTalk(message.markdown);
    try {
      await writeToCard(model, outTrackId, content, !isPartial, signal);
    } catch (error) {
      if (isPartial || !(error instanceof PlatformError) || error.kind !== "refused") throw error;
      await replaceInCard(model, outTrackId, content, signal);
    }
  };

  return {
    show,
    async start({ address, markdown, idempotencyId }, signal) {
      if (performance.now() < pausedUntilMs)
        throw new PlatformError("refused", "AI cards do not work for now.");
      const outTrackId = trackIdOf(idempotencyId);
      let recallKey = "";
      try {
        recallKey = await createCard(model, outTrackId, address.chat, signal);
        await writeToCard(model, outTrackId, toDingTalk(markdown), false, signal);
        return cardId(outTrackId, recallKey);
      } catch (error) {
        if (!(error instanceof DingTalkError) || !isLasting(error)) throw error;
        if (recallKey !== "") await takeBack(address.chat, recallKey, signal);
        throw pause(error);
      }
    },
    async resume(message, signal) {
      const { idempotencyId, buttons = [], files = [] } = message;
      if (performance.now() < pausedUntilMs || buttons.length > 0 || files.length > 0) return null;
      const outTrackId = trackIdOf(idempotencyId);
      try {
        await show(outTrackId, message, signal);
        return cardId(outTrackId, "");
      } catch (error) {
        if (error instanceof PlatformError && error.kind === "rate_limited") throw error;
        // How DingTalk says that there is no such card is not documented: the answer shall not hang on it.
        log("debug", "no card of an earlier process can be ended", { error });
        return null;
      }
    },
    end: (outTrackId, signal) => writeToCard(model, outTrackId, "…", true, signal),
  };
}

function trackIdOf(idempotencyId: string): string {
  return `hermes_${idempotencyId.replaceAll(":", "_")}`;
}

/** Failures that another try would not change. */
function isLasting({ kind }: DingTalkError): boolean {
  return kind === "refused" || kind === "unauthorized";
}
