import { type PlatformAdapter, PlatformError } from "../contract.ts";
import type { Cards } from "./cards.ts";
import { bodyOf } from "./message.ts";
import type { Robot } from "./robot.ts";
import { digestOf, sentKindOf } from "./sent.ts";

/** Changes of what was sent, where cards are to be had. */
export function createEditing(
  cards: Cards,
  robot: Robot,
): Required<Pick<PlatformAdapter, "edit" | "remove">> {
  return {
    async edit(sent, message, signal) {
      const kind = sentKindOf(sent);
      if (kind.type === "card") return cards.show(kind.outTrackId, message, signal);
      // After a restart the gateway makes sure of what it sent before: what is there already is right.
      if (kind.digest === digestOf(bodyOf(message))) return;
      throw new PlatformError("refused", "DingTalk changes no message that is not a card.");
    },
    async remove({ chat }, sent, signal) {
      const kind = sentKindOf(sent);
      try {
        await recall(chat, kind.recallKey, robot, signal);
      } catch (error) {
        // A card that stays shall not look as if it still grew.
        if (kind.type === "card") await cards.end(kind.outTrackId, signal);
        throw error;
      }
    },
  };
}

async function recall(chat: string, key: string, robot: Robot, signal: AbortSignal): Promise<void> {
  if (key === "")
    throw new PlatformError("refused", "DingTalk takes back no message that went through a webhook.");
  await robot.recall(chat, key, signal);
}
