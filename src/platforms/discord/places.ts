import { type APIChannel, ChannelType } from "@discordjs/core/http-only";
import { setNewest } from "../../lib/newest.ts";
import type { DiscordClient } from "./client.ts";
import { isRefusal } from "./errors.ts";
import { isThread } from "./interactions.ts";
import type { Place } from "./parse.ts";

/** So many channels are remembered. */
const MAX_KNOWN = 10_000;

/** A channel as Discord describes it, also within a list of its server, where it does not name the server. */
export type DescribedChannel = Pick<APIChannel, "id" | "type"> & {
  guild_id?: string;
  parent_id?: string | null;
};

/** Knows where channels are: a message in a thread does not say in which channel that is. */
export interface Places {
  learn(channels: readonly DescribedChannel[], guild?: string): void;
  /** Asks Discord for a channel that it was not told of. Nothing is known of one that the bot may not see. */
  find(channel: string, signal: AbortSignal): Promise<Place>;
}

export function createPlaces(client: DiscordClient): Places {
  const known = new Map<string, Place>();

  function keep(channel: string, place: Place): Place {
    setNewest(known, channel, place, MAX_KNOWN);
    return place;
  }

  function learnOne({ id, type, guild_id, parent_id }: DescribedChannel, guild = guild_id): Place {
    const parent = isThread(type) && parent_id ? parent_id : undefined;
    return keep(id, { isDirect: type === ChannelType.DM, guild, parent });
  }

  return {
    learn(channels, guild) {
      for (const channel of channels) learnOne(channel, guild);
    },
    async find(channel, signal) {
      const place = known.get(channel);
      if (place !== undefined) return place;
      try {
        const found = await client.call((api, ended) => api.channels.get(channel, { signal: ended }), signal);
        return learnOne(found as DescribedChannel);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return {}; // it may see it later
      }
    },
  };
}
