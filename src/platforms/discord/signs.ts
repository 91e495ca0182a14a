import { setNewest } from "../../lib/newest.ts";
import type { PlatformAdapter, Reaction } from "../contract.ts";
import type { DiscordClient } from "./client.ts";
import { hasCode, UNKNOWN_EMOJI } from "./errors.ts";
import { channelOf } from "./send.ts";

const EMOJI: Readonly<Record<Reaction, string>> = { seen: "👀", done: "✅", failed: "❌" };
/** Of so many messages it is known which reaction stands on them. */
const MAX_KNOWN = 500;

/** What the bot shows besides messages: that it is at work, and reactions. */
export function createSigns(client: DiscordClient): {
  typing: NonNullable<PlatformAdapter["typing"]>;
  react: NonNullable<PlatformAdapter["react"]>;
} {
  /** The reaction of the bot by message. One that is not known, an earlier process may have put: "seen", then. */
  const standing = new Map<string, Reaction>();
  return {
    async typing(address, signal) {
      await client.call(
        (api, ended) => api.channels.showTyping(channelOf(address), { signal: ended }),
        signal,
      );
    },
    async react(address, messageId, reaction, signal) {
      const channel = channelOf(address);
      const before = standing.get(messageId) ?? "seen";
      if (reaction !== null)
        await client.call(
          (api, ended) =>
            api.channels.addMessageReaction(channel, messageId, EMOJI[reaction], { signal: ended }),
          signal,
        );
      if (before !== reaction) await takeAway(client, channel, messageId, EMOJI[before], signal);
      if (reaction === null) standing.delete(messageId);
      else setNewest(standing, messageId, reaction, MAX_KNOWN);
    },
  };
}

async function takeAway(
  client: DiscordClient,
  channel: string,
  messageId: string,
  emoji: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.call(
      (api, ended) => api.channels.deleteOwnMessageReaction(channel, messageId, emoji, { signal: ended }),
      signal,
    );
  } catch (error) {
    if (!hasCode(error, UNKNOWN_EMOJI)) throw error; // it was not there
  }
}
