import type { PlatformAdapter, Reaction } from "../contract.ts";
import type { TelegramClient } from "./client.ts";
import { chatOf, topicOf } from "./place.ts";

/** Of the reactions that bots may use (https://core.telegram.org/bots/api#reactiontypeemoji). */
const EMOJI = { seen: "👀", done: "👍", failed: "👎" } as const satisfies Record<Reaction, string>;

/** What the bot shows without words. None of it is worth a second try. */
export function createSigns(client: TelegramClient): Required<Pick<PlatformAdapter, "typing" | "react">> {
  return {
    async typing(address, signal) {
      const place = { chat_id: chatOf(address), ...topicOf(address) };
      await client.call((api, ended) => api.sendChatAction({ ...place, action: "typing" }, ended), {
        signal,
      });
    },
    async react(address, messageId, reaction, signal) {
      const message = { chat_id: chatOf(address), message_id: Number(messageId) };
      const emoji = reaction === null ? [] : [{ type: "emoji" as const, emoji: EMOJI[reaction] }];
      await client.call((api, ended) => api.setMessageReaction({ ...message, reaction: emoji }, ended), {
        signal,
      });
    },
  };
}
